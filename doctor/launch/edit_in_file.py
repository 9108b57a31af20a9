"""What has to change in the file that a launch was read from: each change on its line, as the file spells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from doctor.base.late import late_pattern
from doctor.base.quoting import joined
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN
from doctor.facts import Launch
from doctor.facts.written import Style, Word, Written
from doctor.findings import Action

_PLAIN = late_pattern(r"[A-Za-z./_-][\w./@+=-]*")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


@dataclass(frozen=True, slots=True)
class LineEdit:
    """One change: what stands at `line` from `column` to before `end` is replaced by `new`, which may be empty.

    Lines and columns count from 1. `old` is what stands there, empty where `new` is put in behind `after`; `shown` is
    `new` without the blanks and the line break that it needs there.
    """

    path: str
    line: int
    column: int
    end: int
    old: str
    new: str
    after: str = ""
    shown: str = ""


class _Nowhere(Exception):
    """A change whose place is not known."""


def line_edits(before: Launch, after: Sequence[str], actions: Iterable[Action] = ()) -> tuple[LineEdit, ...]:
    """The changes that make `argv` of the launch that of `after` and set the variables of `actions`.

    All of them or none: empty where the place of one is not known, or where it would have to spell a secret.
    """
    if before.written is None or HIDDEN in " ".join(set(after) - set(before.argv)):
        return ()
    try:
        found = [*_of_words(before.written, before.argv, after), *_of_variables(before.written, actions)]
    except _Nowhere:
        return ()
    return tuple(sorted(dict.fromkeys(found), key=lambda e: (e.path, e.line, e.column)))


def _of_words(written: Written, old: Sequence[str], new: Sequence[str]) -> Iterator[LineEdit]:
    for what, a, b, c, d in SequenceMatcher(None, old, new, False).get_opcodes():
        if what == "equal":
            continue
        if what == "insert":
            yield _added(written, a, new[c:d])
            continue
        places = [_at(written, n) for n in range(a, b)]
        if _one_by_one(places) and b - a == d - c:
            for place, word in zip(places, new[c:d], strict=True):
                yield _replaced(written, [place], [word])
        elif len({(p.line, p.path) for p in places}) == 1:
            yield _replaced(written, *_with_option(written, (a, b), new[c:d], old))
        elif d == c:
            yield from (_replaced(written, [place], ()) for place in places)
        else:
            raise _Nowhere


def _one_by_one(places: list[Word]) -> bool:
    """Whether each has to be replaced by itself: a value around which something stays, or one on its own line."""
    return any(p.head or p.tail or p.path for p in places) or len({p.line for p in places}) == len(places) > 1


def _with_option(
    written: Written, span: tuple[int, int], new: Sequence[str], old: Sequence[str]
) -> tuple[list[Word], list[str]]:
    """The places and the words with the option in front, where a value alone is replaced on the option's line."""
    first, last = span
    places = [_at(written, n) for n in range(first, last)]
    option = written.words[first - 1] if first else None
    joins = option is not None and option.line == places[0].line and places[0].gap and not option.path
    if option is not None and new and joins and old[first - 1].startswith("-") and not places[0].head:
        return [option, *places], [old[first - 1], *new]
    return places, list(new)


def _replaced(written: Written, places: Sequence[Word], new: Sequence[str]) -> LineEdit:
    first, last = places[0], places[-1]
    gap = places[1].gap if len(places) > 1 else ", " if first.style in ("item", "json") else " "
    if any(not p.gap for p in places[1:]):
        raise _Nowhere
    old = first.text + "".join(f"{p.gap}{p.text}" for p in places[1:])
    text = _spelled(new, first, gap)
    lead = "" if new else first.gap or first.front  # what goes with a word that is removed
    if not (new or lead) and first.style != "shell":
        raise _Nowhere  # a comma would stay behind it, or an item with nothing in it
    begin = first.column - len(lead)
    return LineEdit(first.path or written.path, first.line, begin, last.end, f"{lead}{old}", text, shown=text)


def _added(written: Written, at: int, new: Sequence[str]) -> LineEdit:
    """Words behind the one that stands before them."""
    behind = _at(written, at - 1)
    if behind.head or behind.tail or behind.path:
        raise _Nowhere
    if behind.style == "item" and behind.front:
        items = [f"{behind.front.lstrip()}{_spelled([word], behind, '')}" for word in new]
        text = "".join(f"\n{' ' * (len(behind.front) - len(behind.front.lstrip()))}{one}" for one in items)
        shown = ", ".join(items)
    else:
        gap = ", " if behind.style in ("item", "json") else " "
        if behind.style == "item" and not behind.gap and at > 1:
            raise _Nowhere  # a value that is no list
        shown = _spelled(new, behind, gap)
        text = f"{gap}{shown}"
    return LineEdit(written.path, behind.line, behind.end, behind.end, "", text, behind.text, shown)


def _of_variables(written: Written, actions: Iterable[Action]) -> Iterator[LineEdit]:
    for action in actions:
        if action.kind != "set_env" or not action.name:
            continue
        place = written.variables.get(action.name)
        if place is None or (action.value is None and not place.head):
            raise _Nowhere
        yield _replaced(written, [place], [action.value] if action.value is not None else ())


def _at(written: Written, number: int) -> Word:
    found = written.words[number] if 0 <= number < len(written.words) else None
    if found is None:
        raise _Nowhere
    return found


def _spelled(words: Sequence[str], like: Word, gap: str) -> str:
    """Words as the file spells one that stands there; empty for none. Raises _Nowhere."""
    if not words:
        return ""
    if like.head and any(len(word.split()) != 1 for word in words):
        raise _Nowhere  # a variable that nobody quotes is split where it is used
    if like.style in ("item", "json") and not like.head:
        return gap.join(_item(word, like) for word in words)
    return f"{like.head}{_in_text(joined(words), like.style)}{like.tail}"


def _item(word: str, like: Word) -> str:
    plain = _PLAIN.fullmatch(word) and word.lower() not in _WORDS and not like.text.startswith('"')
    if like.style == "json" or not (plain or like.text.startswith("'")):
        return json.dumps(word, ensure_ascii=False)
    return word if plain and not like.text.startswith("'") else "'{}'".format(word.replace("'", "''"))


def _in_text(text: str, style: Style) -> str:
    if style == "double":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    if style == "single":
        return text.replace("'", "''")
    if style == "plain" and (": " in text or " #" in text or text.endswith(":")):
        raise _Nowhere
    return text
