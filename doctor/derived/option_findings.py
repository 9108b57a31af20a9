"""What a finding on an option is made of: its place, what was given and expected, and the ways out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import HIDDEN
from doctor.base.secrets.names import is_secret_key
from doctor.base.text import one_line
from doctor.derived.asked import Asked
from doctor.derived.packages.other_releases import other_release
from doctor.findings import Action, Evidence, Location, Open, Remediation
from doctor.launch.parser import Problem, Reading
from doctor.matrix.releases import ReleaseSet

# a name and its value in JSON and what is nearly JSON: bounded, and without nesting
_PAIR = late_pattern(
    r"""(?P<front>["']?(?P<name>[A-Za-z_][\w.\-]{0,80})["']?\s{0,4}[:=]\s{0,4})("[^"]{0,4096}"|'[^']{0,4096}'|[^\s,}\]{\[]{1,4096})"""
)

# options of `check` itself that no engine has under this name: behind `--` they reach the server
OUR_OWN = frozenset({
    "--gpu", "--driver", "--python", "--path", "--python-version", "--platform", "--requirements", "--image",
    "--compose", "--deployment", "--service", "--facts", "--gateway", "--select", "--ignore", "--fail-on", "--format",
    "--output", "--offline", "--deep", "--verbose", "--quiet",
})  # fmt: skip


def ours(problem: Problem) -> bool:
    """Whether this is an option of ours that the server does not have, or takes for the beginning of another."""
    return problem.spelled in OUR_OWN and (problem.kind == "unknown" or problem.spelled != problem.name)


def in_front(problem: Problem) -> Remediation:
    """Moves an option of ours to where it belongs."""
    title = f"move `{problem.spelled}` to the front of `--`: qvl-doctor check {problem.spelled} ... -- ..."
    return Remediation(title, (argument(problem.spelled, None),), "safe")


def place(problem: Problem) -> Location:
    """Where a problem of an option is."""
    return Location("argument", shown(problem.spelled, 100))


def shown(text: str | None, limit: int = 200) -> str:
    """Text from the command, safe for a message."""
    return one_line(text or "", limit)


def shown_value(problem: Problem, limit: int = 200, *names: str) -> str:
    """The value of a problem, safe for a message: hidden where its option, its key or one of `names` holds a secret."""
    named = (problem.name.lstrip("-"), problem.spelled.lstrip("-"), problem.path.rpartition(".")[2], *names)
    if problem.value and any(is_secret_key(n) for n in named if n):
        return HIDDEN
    return shown(_PAIR.sub(_hidden, problem.value or ""), limit)


def _hidden(found: re.Match[str]) -> str:
    """`"api_key": "x"` and `api_key=x` without the value."""
    return f"{found['front']}{HIDDEN}" if is_secret_key(found["name"]) else found[0]


def argument(name: str, value: str | None) -> Action:
    """Sets an option; None drops it, the empty text makes it a bare switch."""
    return Action("set_argument", name=name, value=value)


def evidence(asked: Asked, problem: Problem, expected: str | None) -> Evidence:
    """What was given and what the release takes."""
    names = (expected.lstrip("-"),) if expected and expected.startswith("--") else ()
    return Evidence(shown(problem.spelled, 100), shown_value(problem, 200, *names) or None, expected, asked.source)


def problems(reading: Reading, *kinds: str) -> Iterator[Problem]:
    """The problems of these kinds, each option's first only."""
    seen = set()
    for problem in reading.problems:
        if problem.kind in kinds and (problem.name, problem.value) not in seen:
            seen.add((problem.name, problem.value))
            yield problem


def releases(asked: Asked, having: ReleaseSet | None) -> list[Remediation]:
    """The way out of another release that has it."""
    return other_release(asked.engine, having, asked.version) if having is not None else []


def unread(asked: Asked) -> list[Open]:
    """What of the command could not be followed leaves a pass open."""
    reasons: Iterable[str] = asked.launch.unread
    if asked.reading.config:
        reasons = (*reasons, "the file of options behind `--config` is not read")
    return [Open(r) for r in reasons][:1]
