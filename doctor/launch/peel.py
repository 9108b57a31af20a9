"""One layer taken off a command: a program by its row, and the command behind it as the row says that it is written."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import replace

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.launch.changed import assigned, entered
from doctor.launch.innermost import State
from doctor.launch.layer import ASSIGNMENT, Layer, layer, matching
from doctor.launch.program import PYTHON, name_of, program_of
from doctor.launch.scripts import from_file, script_at, text_ways
from doctor.launch.starting import hidden_start, serves
from doctor.matrix.programs import wrappers, wrapping_modules

Ways = list[list[State]]
_ENVIRONMENT = late_pattern(r"[\w.+-]+:(?=.)")
_VERSIONED = late_pattern(r"([A-Za-z0-9_.\-]+)(?:\[[^\]]*\])?(?:(?:@|==|>=|~=).*)?$")
_KEYS = late_pattern(r"(?:Enter|KPEnter|C-[a-zA-Z]|Space|Tab|Escape)$")
_SEPARATORS = (":::", "::::", ":::+", "::::+")
_MOST = 8
_INPUTS = 200


def without_assignments(state: State) -> State:
    """Without the `A=b` words in front."""
    words = state.here.words
    count = next((i for i, w in enumerate(words) if not ASSIGNMENT.match(w)), len(words))
    if not count:
        return state
    return replace(state, here=replace(assigned(state.here, list(words[:count])), words=words[count:]))


def program_off(state: State) -> Ways | None:
    """Without the known program in front; None where none stands there. `mention` where it starts nothing."""
    words = state.here.words
    name = name_of(words[0])
    if any(row.sequence for row in wrappers(name)) and (parts := _sequence(words)):
        return [[_with(state, p) for p in parts]]
    behind, rows, program = words[1:], wrappers(name), name
    python = os.path.join(os.path.dirname(words[0]), "python") if os.sep in words[0] else "python"
    if not rows and PYTHON.match(name) and (run := program_of(words)).module:
        rows, behind, program, python = wrapping_modules(run.module), run.rest, run.module, words[0]
    found = matching(rows, behind)
    if found is None:
        return None
    row, taken = found
    off = layer(row, behind[taken:], behind[:taken])
    if off.stops:
        return [[_mentions(state)]]
    inner = entered(state, off, program)
    return _behind(inner, off, f"the command of `{program}`", python)


def _sequence(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The commands of a `tmux A ; B` line, each with tmux in front; none where there is only one."""
    parts: list[list[str]] = [[]]
    for word in words[1:2000]:
        if word in (";", "\\;"):
            parts.append([])
        elif word.endswith(("\\;", ";")) and " " not in word:
            parts[-1].append(word.rstrip("\\;"))
            parts.append([])
        else:
            parts[-1].append(word)
    kept = [p for p in parts if p]
    return [(words[0], *p) for p in kept[:_MOST]] if len(kept) > 1 else []


def _with(state: State, words: tuple[str, ...]) -> State:
    return replace(state, here=replace(state.here, words=words))


def _mentions(state: State) -> State:
    return replace(state, here=replace(state.here, mention=True))


def _behind(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """The command behind the program, as its row says that it is written."""
    if off.text is not None:
        return text_ways(inner, off.text, shown)
    words = off.words
    if off.module:
        return [[_with(inner, (python, "-m", *words))]]
    if "program" in off.roles:
        return [[_with(inner, (off.roles["program"], *words))]]
    if not words:
        reads = off.row.reads and inner.stdin is not None
        return text_ways(inner, inner.stdin or "", shown) if reads else [[_mentions(inner)]]
    if off.one and not off.row.nocase:
        return _one(inner, off, shown, python)
    how = _WRITTEN.get(off.row.command, _plain) if not off.bare else _plain
    return how(inner, off, shown, python)


def _plain(inner: State, off: Layer, shown: str, python: str) -> Ways:
    words = off.words
    if off.row.versioned and (match := _VERSIONED.match(words[0])):
        words = (match[1], *words[1:])
    if off.last and not serves(words) and not wrappers(name_of(words[0])) and hidden_start(words) == 1:
        option, value = one_line(off.last, 60), one_line(words[0], 60)
        inner = _noted(
            inner, f"`{inner.here.layers[-1]} {option}` is not a known option; `{value}` is read as its value"
        )
        return [[_with(replace(inner, here=replace(inner.here, guessed=True)), words[1:])]]
    return [[_with(inner, words)]]


def _one(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """One word is shell text, several are the command."""
    single = len(off.words) == 1 and re.search(r"\s", off.words[0])
    return text_ways(inner, off.words[0], shown) if single else _plain(inner, off, shown, python)


def _first(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """The first word is shell text, the others are no part of it."""
    return text_ways(inner, off.words[0], shown)


def _joined(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """All words, joined by blanks, are shell text; backslashes of Windows are part of paths."""
    text = " ".join(off.words)
    if off.row.apart and len(off.words) > 1 and any(re.search(r"\s", w) for w in off.words):
        inner = _noted(inner, f"{shown} is joined from several words, so quotes within it are lost")
    if off.row.nocase:
        text = text.removeprefix("& ").replace("\\", "\\\\")
    return text_ways(inner, text, shown)


def _program(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """The first word is the program, or text; its arguments stand behind `--`."""
    first, *rest = off.words
    if re.search(r"\s", first):
        return text_ways(inner, " ".join([first, *map(shlex.quote, rest)]), shown)
    return [[_with(inner, off.words)]]


def _python(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """A Python script and its words; some of these programs start any other program, too."""
    first = name_of(off.words[0])
    other = PYTHON.match(first) or serves(off.words) or wrappers(first)
    return [[_with(inner, off.words if other else (python, *off.words))]]


def _nothing(inner: State, off: Layer, shown: str, python: str) -> Ways:
    return [[_mentions(inner)]]


def _shell(inner: State, off: Layer, shown: str, python: str) -> Ways:
    return [[_with(inner, ("bash", *off.words))]]


def _file(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """A script of shell text, or a command where there is no such file."""
    path = script_at(inner.here.shell, off.words[0])
    if path is not None or not (serves(off.words) or wrappers(name_of(off.words[0]))):
        return from_file(inner, off.words[0], off.words[1:])
    return _plain(inner, off, shown, python)


def _keys(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """What is typed into a terminal."""
    text = "".join("\n" if _KEYS.match(w) else w for w in off.words[:200])
    return text_ways(inner, re.sub(r"\\[nr]|\^M", "\n", text), shown)


def _each(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """Every word is shell text of its own."""
    texts = [text_ways(inner, word, shown) for word in off.words[:_MOST]]
    return [[state for ways in texts for way in ways[:1] for state in way]]


def _hatch(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """`hatch run env:command`."""
    return [[_with(inner, (_ENVIRONMENT.sub("", off.words[0], count=1), *off.words[1:]))]]


def _xargs(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """`xargs COMMAND`: the words of its input are added, or one line of it in place of `-I`'s word."""
    if inner.stdin is None:
        return [[_noted(_with(inner, off.words), "the words that `xargs` adds are not known")]]
    line = next((t.strip() for t in inner.stdin.splitlines() if t.strip()), "")
    if mark := off.roles.get("replace"):
        words = tuple(w.replace(mark, line) for w in off.words)
    else:
        words = (*off.words, *inner.stdin.split()[:_INPUTS])
    return [[replace(_with(inner, words), stdin=None)]]


def _parallel(inner: State, off: Layer, shown: str, python: str) -> Ways:
    """`parallel COMMAND ::: A B`, and `parallel ::: COMMAND COMMAND`; only the first inputs are read into a command."""
    words = off.words
    at = next((i for i, w in enumerate(words) if w in _SEPARATORS), len(words))
    inputs = _inputs(words[at:])
    if at == len(words) and inner.stdin is not None:
        inputs = [inner.stdin.splitlines()[:_INPUTS]]
    if not at:
        return _each(inner, replace(off, words=tuple(inputs[0]) if inputs else ()), shown, python)
    text, firsts = " ".join(words[:at]), [one[0] for one in inputs if one]
    if not firsts or len(firsts) < len(inputs):
        return text_ways(_noted(inner, "the words that `parallel` adds are not known"), text, shown)
    filled = text.replace("{}", " ".join(firsts))
    for place, first in enumerate(firsts[:9], 1):
        filled = filled.replace(f"{{{place}}}", first)
    return text_ways(inner, filled if filled != text else f"{text} {' '.join(firsts)}", shown)


def _inputs(words: tuple[str, ...]) -> list[list[str]]:
    """The inputs of each source behind its `:::`; those in files are empty."""
    out: list[list[str]] = []
    literal = True
    for word in words[:_INPUTS]:
        if word in _SEPARATORS:
            literal = "::::" not in word
            out.append([])
        elif literal:
            out[-1].append(word)
    return out


def _noted(state: State, sentence: str) -> State:
    return replace(state, here=replace(state.here, open=(*state.here.open, sentence)))


_WRITTEN: dict[str, Callable[[State, Layer, str, str], Ways]] = {
    "words": _plain, "one": _one, "first": _first, "joined": _joined, "program": _program,
    "python": _python, "none": _nothing,
    "shell": _shell, "file": _file, "keys": _keys, "each": _each, "hatch": _hatch, "xargs": _xargs,
    "parallel": _parallel,
}  # fmt: skip
