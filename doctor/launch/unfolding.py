"""The commands inside a command line: programs, scripts and shell text are taken off until a server's command is left.

Which programs there are is data: `matrices/programs.yaml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass as mutable
from dataclasses import replace

from doctor.base.text import one_line
from doctor.launch.innermost import State, Unfolded
from doctor.launch.mentions import mentions
from doctor.launch.peel import program_off, without_assignments
from doctor.launch.program import PYTHON, name_of, program_of
from doctor.launch.scripts import script, shell_words, text_ways
from doctor.launch.shell import Shell
from doctor.launch.starting import asks_for_help, hidden_start, mentions_engine, of_an_engine, serves

_DEPTH = 40
_STEPS = 400
_MOST = 8
_LOOKED_AT = 400


@mutable
class _Walk:
    """What is left of the steps that one command line may take."""

    left: int = _STEPS


def commands_inside(shell: Shell, argv: tuple[str, ...]) -> tuple[Unfolded, ...]:
    """Every command that may be the server, the likeliest first, 8 at most and at least one."""
    return tuple(_inner(State(Unfolded(shell, argv)), _Walk())[:_MOST])


def _inner(state: State, walk: _Walk) -> list[Unfolded]:
    while True:
        state = without_assignments(state)
        here = state.here
        walk.left -= 1
        if walk.left < 0 or state.depth > _DEPTH:
            told = f"more than {_DEPTH} programs stand around the command, so it is not read"
            return [replace(here, open=(*here.open, told))]
        if not here.words or here.mention:
            return [here]
        ways = _step(state)
        if ways is None:
            return [here]
        if len(ways) == 1 and len(ways[0]) == 1:
            state = ways[0][0]
            continue
        return _chosen([[u for s in way[:_STEPS] for u in _inner(s, walk)] for way in ways[:_MOST]])


def _step(state: State) -> list[list[State]] | None:
    """One layer less, None where nothing is to be taken off."""
    words = state.here.words
    if serves(words):
        return None
    if mentions(words) or asks_for_help(words):
        return [[replace(state, here=replace(state.here, mention=True))]]
    if found := program_off(state) or shell_words(state):
        return found
    if of_an_engine(words):
        return None
    return script(state) or _guessed(state)


def _guessed(state: State) -> list[list[State]] | None:
    """A known start form behind a program that is not known, as words or as one word of shell text."""
    here = state.here
    if here.guessed:
        return None
    shown = _shown(here.words)
    told = f"`{shown}` is not a known program; the words behind it look like a server's command"
    guess = replace(here, guessed=True, open=(*here.open, told), layers=(*here.layers, shown))
    at = hidden_start(here.words)
    if at is not None:
        words = here.words[at:]
        words = ("python", *words) if words[0] == "-m" else words
        return [[replace(state, here=replace(guess, words=words), depth=state.depth + 1)]]
    texts = [w for w in here.words[1:_LOOKED_AT] if re.search(r"\s", w) and mentions_engine(w)]
    for text in texts[:4]:
        inner = replace(state, here=guess, depth=state.depth + 1)
        found = text_ways(
            inner, text.partition("=")[2] if re.match(r"--?[\w-]+=", text) else text, f"the words behind `{shown}`"
        )
        if any(serves(s.here.words) for way in found for s in way):
            return found
    return None


def _shown(words: tuple[str, ...]) -> str:
    """The program as it is named to people: `python app.py` with its script."""
    name, run = name_of(words[0]), program_of(words)
    if PYTHON.match(name):
        return one_line(" ".join(filter(None, (name, "-m" if run.module else "", run.module or run.name))), 80)
    return one_line(name, 80)


def _rank(found: Unfolded) -> int:
    if found.mention or not found.words:
        return 3
    return (1 if found.guessed else 0) if serves(found.words) else 2


def _chosen(ways: list[list[Unfolded]]) -> list[Unfolded]:
    """Of each way the commands that start a server; a way without one counts only if none has one."""
    ranked = [(min(map(_rank, way)), way) for way in ways if way]
    best = min(rank for rank, _ in ranked)
    out: list[Unfolded] = []
    for rank, way in sorted(ranked, key=lambda pair: pair[0]):
        fitting = [one for one in way if _rank(one) == rank]
        if rank > 1:
            out += fitting[-1:] if best == rank else []
            continue
        if len(fitting) > 1:
            told = f"the script starts {len(fitting)} servers; only the first is checked"
            fitting[0] = replace(fitting[0], open=(*fitting[0].open, told))
        out += fitting
    return out[:_MOST]
