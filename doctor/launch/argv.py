"""The words of a command as an engine's own parser hands them to argparse: underscores, dotted names, levels."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN
from doctor.launch.table import Style, Table
from doctor.launch.values import readable
from doctor.matrix.engines import engine_row

DEEPEST = 50  # keys below one another that are kept
LEVEL = "--optimization-level"
_LEVEL = late_pattern(r"-O(?:=?\w+|\..+)$")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, and its place in the arguments as they were given."""

    text: str
    at: int


def prepared(arguments: tuple[str, ...], table: Table, *, serve: bool) -> tuple[list[Word], list[Word], bool]:
    """The words, those that lack a value, and whether a file with more options is named."""
    style = table.style
    words = [Word(text, at) for at, text in enumerate(arguments)]
    if serve and (option := model_option(table.engine)):
        words = _model_named(words, option)
    elif serve and (style.model_first or style.model_refused):
        words = _model_first(words)
    config = style.config and any(w.text.partition("=")[0] == "--config" for w in words)
    if style.underscores:
        words = [replace(w, text=dashed(w.text)) for w in words]
    if style.levels:
        words = _levelled(words) if table.option(LEVEL) else _without_levels(words)
    words, lacking = _undotted(words, style) if style.dotted else (words, [])
    return words, lacking, config


def dashed(text: str) -> str:
    """`--max_model_len=8` as `--max-model-len=8`: in the name, up to its first dot."""
    if not text.startswith("--"):
        return text
    name, equals, value = text.partition("=")
    head, dot, tail = name.partition(".")
    return f"{head.replace('_', '-')}{dot}{tail}{equals}{value}"


def _model_first(words: list[Word]) -> list[Word]:
    """`vllm serve --model M` is read as `vllm serve M`, unless a word stands there: `placed` says that."""
    if words and not words[0].text.startswith("-"):
        return words
    for at, word in enumerate(words):
        if word.text == "--model" and at + 1 < len(words):
            return [words[at + 1], *words[:at], *words[at + 2 :]]
        if word.text.startswith("--model="):
            return [replace(word, text=word.text[len("--model=") :]), *words[:at], *words[at + 1 :]]
    return words


def model_option(engine: str) -> str | None:
    """The option that the word behind `serve` is handed to the parser as, None where it stays a word."""
    row = engine_row(engine)
    return row.option("model") if row.has("model_word_as_option") else None


def _model_named(words: list[Word], option: str) -> list[Word]:
    """`sglang serve M` is read as `--model-path M`, and `--model-type` is taken before the parser sees it."""
    for at, word in enumerate(words):
        if word.text.partition("=")[0] == "--model-type":
            words = words[:at] + words[at + (1 if "=" in word.text else 2) :]
            break
    if words and not words[0].text.startswith("-"):
        return [replace(words[0], text=option), *words]
    return words


def _levelled(words: list[Word]) -> list[Word]:
    """`-O3`, `-O=3` and `-O 3` as the option that they are short for."""
    out: list[Word] = []
    for at, word in enumerate(words):
        if word.text.startswith("-O") and word.text != "-O":
            out += [Word(LEVEL, word.at), Word(word.text[2:].removeprefix("="), word.at)]
        elif word.text == "-O" and at + 1 < len(words) and words[at + 1].text in ("0", "1", "2", "3"):
            out.append(Word(LEVEL, word.at))
        else:
            out.append(word)
    return out


def _without_levels(words: list[Word]) -> list[Word]:
    """`-O3`, `-O 3`, `-O.level=3`: settings of the compiler that every such parser takes."""
    out: list[Word] = []
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word.text == "-O" and at + 1 < len(words) and words[at + 1].text in ("0", "1", "2", "3"):
            skip = True
        elif not _LEVEL.match(word.text):
            out.append(word)
        else:
            skip = "." in word.text and "=" not in word.text
    return out


def _undotted(words: list[Word], style: Style) -> tuple[list[Word], list[Word]]:
    """`--x.y 1 --x.z=2` as `--x {...}` at the end, as those parsers do."""
    out: list[Word] = []
    lacking: list[Word] = []
    merged: dict[str, tuple[int, dict[str, Any]]] = {}
    skip = False
    for at, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        dotted = name.startswith("-" if style.dotted_short else "--") and "." in name
        if skip and (style.dotted_short or not dotted):  # the older parsers read a dotted value as a name once more
            skip = False
        elif not dotted:
            out.append(word)
        elif not equals and at + 1 >= len(words):
            lacking.append(word)
        else:
            skip = not equals
            head, *keys = name.split(".")
            held = merged.setdefault(head, (word.at, {}))[1]
            _merge(held, keys, value if equals else words[at + 1].text, style)
    for head, (place, parts) in merged.items():
        out += [Word(head, place), Word(_as_json(parts), place)]
    return out, lacking


def _as_json(parts: dict[str, Any]) -> str:
    """The object as one word; the sign for a value that is not known where it is nested too deeply."""
    try:
        return json.dumps(parts)
    except RecursionError:
        return HIDDEN


def _merge(held: dict[str, Any], keys: list[str], value: str, style: Style) -> None:
    """Sets one value; lists that are given part by part (`--x.y+ a`) are joined."""
    listed = style.lists and keys[-1].endswith("+")
    found: Any = value.split(",") if listed else member(value)
    keys = [*keys[:-1], keys[-1][:-1]] if listed else keys
    for key in reversed(keys[:DEEPEST]):
        found = {key: found}
    _update(held, found)


def _update(held: dict[str, Any], more: dict[str, Any], depth: int = 0) -> None:
    for key, value in more.items():
        old = held.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and depth < DEEPEST:
            _update(old, value, depth + 1)
        else:
            held[key] = [*old, *value] if isinstance(value, list) and isinstance(old, list) else value


def member(text: str) -> Any:
    """A value that is given by its key alone: JSON, a number such as `80g`, or text."""
    for read in (json.loads, readable):
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    return text
