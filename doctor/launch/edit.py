"""The launch command with the safe ways out of its errors applied, ready to be pasted."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from doctor.base.secrets.hide import HIDDEN
from doctor.facts import Launch
from doctor.findings import Action, Finding
from doctor.launch.parser import Given, Problem, Reading, read
from doctor.launch.table import Option
from doctor.matrix.engines import launched_as

ROUNDS = 4


def corrected(launch: Launch, findings: Sequence[Finding], version: str | None) -> tuple[str, ...]:
    """The user's own words with what `set_argument` and `set_env` change; empty where nothing is to be changed.

    Taken are the first safe way out of each error that the command itself can mend, and of each warning about a
    variable.
    Where the words stand in a script or behind `bash -c`, the engine's own command comes back instead.
    """
    actions = [a for f in findings if _wanted(f) for a in _safe(f)]
    changes = [a for a in actions if a.kind == "set_argument"]
    unset = [a for a in actions if a.kind == "set_env"]
    if not changes and not unset:
        return ()
    count = len(launch.arguments)
    inside = launch.given[-count:] == launch.arguments if count else launch.source is None
    front = launch.given[: len(launch.given) - count] if inside else _front(launch)
    return (*_variables(front, unset), *applied(launch, changes, version))


def pasted(words: Iterable[str]) -> str:
    """The words as a shell line."""
    return " ".join(shlex.quote(w) if w != HIDDEN else w for w in words)


def _wanted(finding: Finding) -> bool:
    return not finding.follows_from and (finding.severity == "error" or finding.rule == "CMD009")


def _safe(finding: Finding) -> tuple[Action, ...]:
    """The actions of the first safe way out, where the command alone is changed."""
    found = next((r.actions for r in finding.remediations if r.applicability == "safe"), ())
    return found if all(a.kind in ("set_argument", "set_env") for a in found) else ()


def _front(launch: Launch) -> tuple[str, ...]:
    """The engine's command up to its arguments."""
    count = len(launch.argv) - len(launch.arguments)
    return launch.argv[:count]


def _variables(front: tuple[str, ...], actions: list[Action]) -> tuple[str, ...]:
    """`A=b` and `-e A=b` in front of the engine's command without the variables that are dropped, with those set."""
    out: list[str] = []
    named = {a.name: a.value for a in actions if a.name}
    for word in front:
        name = word.partition("=")[0]
        bare = name.removeprefix("--env").removeprefix("-e") if name.startswith("-e") else name
        if "=" not in word or bare not in named:
            out.append(word)
        elif name == bare and out and out[-1] in ("-e", "--env"):
            out.pop()
    return tuple(out)


def applied(launch: Launch, actions: Sequence[Action], version: str | None) -> tuple[str, ...]:
    """The engine's arguments with the actions applied, in order."""
    words, place = launch.arguments, None
    for action in actions:
        words, place = _one(launch, words, action, version, place)
    return words


def _one(
    launch: Launch, words: tuple[str, ...], action: Action, version: str | None, free: int | None
) -> tuple[tuple[str, ...], int | None]:
    """The words after one action, and the place that it left free: what is set next goes there."""
    name, value = action.name or "", action.value
    if value is not None and value.startswith("=") and name in words:  # a word in place of another
        return tuple(value[1:] if w == name else w for w in words), None
    reading = _reading(launch, words, version)
    if reading is None:
        return words, None
    places = _places(reading, words, name)
    option = reading.table.option(name) or next((p for p in reading.table.positionals if p.name == name), None)
    written = _written(option, name, value)
    at = min(places) if places else free
    rest = tuple(w for i, w in enumerate(words) if i not in places)
    if not written:
        return rest, at
    if option is not None and not option.spellings:
        return (rest if written[0] in rest[:1] else (*written, *(w for w in rest if w != written[0]))), None
    return ((*rest[:at], *written, *rest[at:]) if at is not None else (*rest, *written)), None


def _reading(launch: Launch, words: tuple[str, ...], version: str | None) -> Reading | None:
    form = launched_as(launch.program, launch.module, launch.subcommand)
    if form is None or version is None or launch.engine is None:
        return None
    return read(launch.engine, version, words, serve=form[1].serve)


def _places(reading: Reading, words: tuple[str, ...], name: str) -> set[int]:
    """Where the option, or the word, stands with its values."""
    found: list[Given | Problem] = [g for g in reading.given if name in (g.name, g.spelled)]
    found += [p for p in reading.problems if name in (p.name, p.spelled) and p.at]
    places = {i for one in found for i in one.at}
    return places or {i for i, w in enumerate(words) if w == name or w.startswith(f"{name}=")}


def _written(option: Option | None, name: str, value: str | None) -> list[str]:
    if value is None:
        return []
    if option is not None and not option.spellings:
        return [value] if value else []
    if value == "":
        return [name]
    many = option is not None and option.nargs not in (None, "?", 0) and "json" not in option.type
    return [name, *(value.split() if many else [value])]
