"""A launch command with other options, and the command that starts another engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doctor.facts import Launch
from doctor.findings import Action
from doctor.launch.asked import plain
from doctor.matrix.engine_types import MODEL
from doctor.matrix.engines import engine_row


def with_options(words: Sequence[str], actions: Sequence[Action]) -> tuple[str, ...]:
    """The words with every `set_argument` carried out; one without a value takes the option away."""
    out = list(words)
    for action in actions:
        if action.kind == "set_argument" and action.name:
            out = _set(out, action.name, action.value)
    return tuple(out)


def _set(words: list[str], name: str, value: str | None) -> list[str]:
    out: list[str] = []
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
            continue
        option, equals, _ = word.partition("=")
        if plain(option) != plain(name):
            out.append(word)
            continue
        after = words[at + 1] if at + 1 < len(words) else "-"
        skip = not equals and not after.startswith("-")
    if value is not None:
        out += [name, *([value] if value else [])]
    return out


def corrected(launch: Launch, actions: Sequence[Action]) -> Launch:
    """The launch with options and variables set as the actions say."""
    environ = {a.name: a.value or "" for a in actions if a.kind == "set_env" and a.name}
    return replace(
        launch, argv=with_options(launch.argv, actions),
        arguments=with_options(launch.arguments, actions) if launch.arguments else (),
        environ={**launch.environ, **environ},
    )  # fmt: skip


def as_given(launch: Launch, now: Launch) -> tuple[str, ...]:
    """The words of `launch` as they were given, with the arguments of `now`; empty where those stand elsewhere."""
    count = len(launch.arguments)
    if not count or launch.given[-count:] != launch.arguments:
        return ()
    return (*launch.given[:-count], *now.arguments)


def start_of(engine: str, model: str) -> tuple[str, ...]:
    """The plainest command that serves a model with an engine."""
    return tuple(model if word == MODEL else word for word in engine_row(engine).start)
