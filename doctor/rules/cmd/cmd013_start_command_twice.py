"""The command of a container repeats what its image starts already.

Official images of vLLM start the server by themselves (`ENTRYPOINT ["vllm", "serve"]`, or the module of the server in
older ones), and what stands behind the image's name, or in `command`, is handed to it as arguments. `docker run
vllm/vllm-openai vllm serve MODEL` starts `vllm serve vllm serve MODEL`, and the server exits with `unrecognized
arguments`.

What to do: leave the start command out, and begin with the model or the first option.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import argument, shown
from doctor.facts import Launch
from doctor.findings import Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding where the words begin with a start command, though one stands in front of them."""
    launch = case.facts.launch
    if not isinstance(launch, Launch) or launch.engine is None:
        yield NotApplicable("no command that starts an engine")
        return
    if not launch.doubled:
        return
    words = shown(" ".join(launch.doubled), 100)
    start = shown(" ".join(launch.argv[: len(launch.argv) - len(launch.arguments)]), 100)
    yield rule.finding(
        f"`{words}` reaches the server as arguments: the image already starts `{start}`{_taken(launch)}", key=words,
        location=Location("argument", words),
        evidence=[Evidence("start command", f"{start} {words}", start, launch.source or "the image's entrypoint")],
        remediations=[Remediation(f"remove `{words}`", (argument(words, None),), "safe")],
    )  # fmt: skip


def _taken(launch: Launch) -> str:
    """What the server makes of the words, where it takes the first one as its model."""
    first, *rest = launch.doubled
    before = launch.argv[: len(launch.argv) - len(launch.arguments)]
    if before[-1:] != ("serve",) or not rest or first.startswith("-"):
        return ""
    return f". It reads `{shown(first, 40)}` as the model and rejects `{shown(rest[0], 40)}`"


RULE = Rule(code="CMD013", name="start-command-twice", severity="error", check=check, needs=("launch",))
