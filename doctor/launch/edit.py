"""The one writer of a launch command: the user's own words with options and variables changed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from doctor.base.quoting import joined
from doctor.base.secrets.hide import HIDDEN
from doctor.facts import Launch
from doctor.findings import Action, Finding
from doctor.launch.asked import Asked, asked, plain
from doctor.launch.parser import Given, Problem, Reading
from doctor.launch.table import Option, Table
from doctor.matrix.engine_types import MODEL
from doctor.matrix.engines import engine_row


def corrected(
    launch: Launch, findings: Sequence[Finding], version: str | None, chosen: Iterable[Action] = ()
) -> tuple[str, ...]:
    """The user's own words with what the findings change in them; empty where nothing is to be changed.

    Taken are the first safe way out of each error that the command itself can mend, and of each warning about a
    variable; then `chosen`, of which those on options and variables count. Where the words stand in a script or behind
    `bash -c`, the engine's own command comes back instead.
    """
    actions = actions_for(findings, chosen)
    if not actions and not launch.doubled and not launch.unsplit:
        return ()
    now = edited(launch, actions, version)
    front = _front(launch)
    return (*_variables(front, [a for a in actions if a.kind == "set_env"]), *now.arguments)


def actions_for(findings: Sequence[Finding], chosen: Iterable[Action] = ()) -> list[Action]:
    """The actions on options and variables that `corrected` carries out."""
    actions = [a for f in findings if _wanted(f) for a in _safe(f)]
    return actions + [a for a in chosen if a.kind in ("set_argument", "set_env") and a not in actions]


def edited(launch: Launch, actions: Sequence[Action], version: str | None) -> Launch:
    """The launch with options and variables set as the actions say, its words read by release `version`."""
    environ = {a.name: a.value or "" for a in actions if a.kind == "set_env" and a.name}
    before, words = asked(launch, version), launch.arguments
    words = before.arguments if before is not None else words or launch.argv
    count = len(launch.argv) - len(words)
    front, place = launch.argv[: max(count, 0)], None
    for action in actions:
        if action.kind == "set_argument" and action.name:
            words, place = _one(launch, words, action, version, place)
    named = launch.arguments or before is not None
    return replace(
        launch, argv=(*front, *words), arguments=words if named else (), environ={**launch.environ, **environ},
        doubled=(), unsplit=(),
    )  # fmt: skip


def renamed(launch: Launch, old: Container[str | None], new: str) -> Launch:
    """The launch with another model in place of the words that name it now."""
    argv, arguments = (tuple(new if w in old else w for w in words) for words in (launch.argv, launch.arguments))
    return replace(launch, argv=argv, arguments=arguments)


def as_given(launch: Launch, now: Launch) -> tuple[str, ...]:
    """The words of `launch` as they were given, with the arguments of `now`; empty where those stand elsewhere."""
    lead = _lead(launch)
    return (*lead, *now.arguments) if lead is not None and (launch.arguments or now.arguments) else ()


def start_of(engine: str, model: str) -> tuple[str, ...]:
    """The plainest command that serves a model with an engine."""
    return tuple(model if word == MODEL else word for word in engine_row(engine).start)


def pasted(words: Iterable[str]) -> str:
    """The words as a shell line."""
    return joined(words)


def lost(before: Launch, after: Launch, actions: Sequence[Action], version: str | None) -> tuple[str, ...]:
    """Options and words of a command, as spelled, that are gone from another though no action is about them."""
    one, other = asked(before, version), asked(after, version)
    if one is None or other is None:
        return ()
    named = {plain(a.name) for a in actions if a.name}
    moved = {word for a in actions for word in (a.value or "").split()}  # what an option that nobody knew swallowed
    kept = {(g.name, g.values) for g in other.reading.given}
    names = {g.name for g in other.reading.given}
    gone = [
        g for g in one.reading.given
        if (g.name, g.values) not in kept and not {plain(g.name), plain(g.spelled)} & named
        and (g.name not in names or not _touched(g, named)) and not (not g.spelled and set(g.values) <= moved)
    ]  # fmt: skip
    return tuple(g.spelled or " ".join(g.values) for g in gone)


def _touched(given: Given, named: set[str]) -> bool:
    return any(plain(value) in named for value in given.values)


def _lead(launch: Launch) -> tuple[str, ...] | None:
    if launch.lead is not None:
        return launch.lead
    count = len(launch.arguments)
    return launch.given[:-count] if count and launch.given[-count:] == launch.arguments else None


def _front(launch: Launch) -> tuple[str, ...]:
    """What stands in front of the arguments: the user's words, else the engine's command."""
    lead = _lead(launch)
    return lead if lead is not None else launch.argv[: len(launch.argv) - len(launch.arguments)]


def _wanted(finding: Finding) -> bool:
    return not finding.follows_from and (finding.severity == "error" or finding.rule == "CMD009")


def _safe(finding: Finding) -> tuple[Action, ...]:
    """The actions of the first safe way out, where the command alone is changed."""
    found = next((r.actions for r in finding.remediations if r.applicability == "safe"), ())
    return found if all(a.kind in ("set_argument", "set_env") for a in found) else ()


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


def _one(
    launch: Launch, words: tuple[str, ...], action: Action, version: str | None, free: int | None
) -> tuple[tuple[str, ...], int | None]:
    """The words after one action, and the place that it left free: what is set next goes there."""
    name, value = action.name or "", action.value
    if HIDDEN in name:  # which of the secrets is meant is not known any more
        return words, None
    if value is not None and value.startswith("=") and name in words:  # a word in place of another
        return tuple(value[1:] if w == name else w for w in words), None
    found = asked(replace(launch, arguments=words), version)
    if found is None:
        return _unread(words, name, value), None
    places = _places(found.reading, words, name)
    option = _option(found, name)
    written = _written(option, name, value)
    at = min(places) if places else free
    rest = tuple(w for i, w in enumerate(words) if i not in places)
    if not written:
        return rest, at
    if option is not None and not option.spellings:
        return (rest if written[0] in rest[:1] else (*written, *(w for w in rest if w != written[0]))), None
    return ((*rest[:at], *written, *rest[at:]) if at is not None else (*rest, *written)), None


def _option(found: Asked, name: str) -> Option | None:
    known: Table = found.reading.table
    return known.option(name) or next((p for p in known.positionals if p.name == name), None)


def _places(reading: Reading, words: tuple[str, ...], name: str) -> set[int]:
    """Where the option, or the word, stands with its values."""
    option = reading.table.option(name)
    names = {name, option.name} if option else {name}
    found: list[Given | Problem] = [g for g in reading.given if g.name in names or g.spelled == name]
    found += [p for p in reading.problems if (p.name in names or p.spelled == name) and p.at]
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


def _unread(words: tuple[str, ...], name: str, value: str | None) -> tuple[str, ...]:
    """The same for words that no table reads: the option with the word behind it goes, the new one is added."""
    out: list[str] = []
    skip = False
    for at, word in enumerate(words):
        option, equals, _ = word.partition("=")
        if skip:
            skip = False
        elif plain(option) != plain(name):
            out.append(word)
        else:
            after = words[at + 1] if at + 1 < len(words) else "-"
            skip = not equals and not after.startswith("-")
    if value is not None:
        out += [name, *([value] if value else [])]
    return tuple(out)
