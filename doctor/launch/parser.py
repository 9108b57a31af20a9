"""The words of a command as argparse would take them, going on after an error so that every one is found."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import field, replace

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.launch.argv import Word, prepared
from doctor.launch.placed import misplaced
from doctor.launch.problem import Given as Given
from doctor.launch.problem import Problem as Problem
from doctor.launch.table import Option, Table
from doctor.launch.table import table as table_of
from doctor.launch.together import refused_together
from doctor.launch.values import refusal
from doctor.matrix import rows

_NUMBER = late_pattern(r"^-\d+$|^-\d*\.\d+$")
_PATTERNS = {None: "(-*A-*)", "?": "(-*A?-*)", "*": "(-*[A-]*)", "+": "(-*A[A-]*)"}
MODELS = ("--model", "--model-path", "--model-id")  # what other engines call the word that is the model
MOST_PROBLEMS = 60  # each is explained, which takes a while
# the order in which argparse reports: while it reads, then what is lacking, then what nobody wanted; the settings last
_LATE = {"ambiguous": -1, "misplaced": -2, "required": 1, "unknown": 2, "extra": 2, "range": 3}


@dataclass(frozen=True)
class Reading:
    """What was given, in order, and what is wrong, in the order in which the parser would say it."""

    table: Table
    given: tuple[Given, ...]
    problems: tuple[Problem, ...]
    config: bool = False

    def value(self, *names: str) -> str | None:
        """The value of the last of these options; the empty text for one without values, None where absent."""
        found = [g for g in self.given if g.name in names]
        return (found[-1].values[-1] if found[-1].values else "") if found else None


@rows.kept(16)
def read(engine: str, version: str, arguments: tuple[str, ...], *, serve: bool = False) -> Reading | None:
    """The arguments read by the table of a release; None where the data does not cover it."""
    table = table_of(engine, version, serve=serve)
    return None if table is None else read_by(table, arguments, serve=serve)


def read_by(table: Table, arguments: tuple[str, ...], *, serve: bool = False) -> Reading:
    """The arguments read by a table. `serve`: behind the subcommand `vllm serve`, where the model stands first."""
    words, troubles, config = prepared(arguments, table, serve=serve)
    parse = _Parse(table, words)
    parse.problems += [Problem("value-missing", w.text, w.text, wanted="a value", at=(w.at,)) for w in troubles]
    if serve:
        parse.problems += misplaced(arguments, table.style)
    parse.run(config)
    if not parse.problems and not config:
        parse.problems += refused_together(table, parse.given)
    problems = sorted(parse.problems, key=lambda p: _LATE.get(p.kind, 0))
    return Reading(table, tuple(parse.given), tuple(problems[:MOST_PROBLEMS]), config)


@dataclass(frozen=True, slots=True)
class _Mark:
    """How a word was classified: an option (None: one that nobody knows), its spelling and the value behind `=`."""

    option: Option | None
    spelled: str
    explicit: str | None = None


@dataclass
class _Parse:
    table: Table
    words: list[Word]
    given: list[Given] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    extras: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    ambiguous: dict[int, tuple[str, ...]] = field(default_factory=dict)
    placed: dict[int, Option] = field(default_factory=dict)

    def run(self, config: bool) -> None:
        """Reads everything."""
        self.marks: dict[int, _Mark] = {}
        self.pattern = "".join(self._letters())
        self.waiting = list(self.table.positionals)
        at, marks = 0, sorted(self.marks)
        while at <= (marks[-1] if marks else -1):
            following = marks[bisect_left(marks, at)]
            if at != following:
                end = self._positionals(at)
                if end > at:
                    at = end
                    continue
            if at not in self.marks:
                self.extras += range(at, following)
                at = following
            at = self._optional(at)
        self.extras += range(self._positionals(at), len(self.words))
        self._lacking(config)
        self._unwanted()

    def _letters(self) -> Iterator[str]:
        literal = False
        for at, word in enumerate(self.words):
            mark = None if literal else self._mark(word)
            if mark is not None:
                self.marks[at] = mark
            yield "O" if mark else "-" if word.text == "--" and not literal else "A"
            literal = literal or word.text == "--"

    def _mark(self, word: Word) -> _Mark | None:
        """argparse's `_parse_optional`."""
        text = word.text
        if not text.startswith("-") or text in ("-", "--"):
            return None
        if found := self.table.option(text):
            return _Mark(found, text)
        name, equals, value = text.partition("=")
        if equals and (found := self.table.option(name)):
            return _Mark(found, name, value)
        matches = list(self._abbreviated(text))
        if len(matches) > 1:
            self.ambiguous[word.at] = tuple(m.spelled for m in matches)
            return _Mark(None, text)
        if matches:
            return matches[0]
        if _NUMBER.match(text) or " " in text:
            return None
        return _Mark(None, text)

    def _abbreviated(self, text: str) -> Iterator[_Mark]:
        """argparse's `_get_option_tuples`: beginnings of long options, and `-x3` for a short one."""
        name, equals, value = text.partition("=")
        explicit = value if equals else None
        if text.startswith("--"):
            yield from (_Mark(o, s, explicit) for s, o in self.table.known.items() if s.startswith(name))
            return
        for spelled, option in self.table.known.items():
            if spelled == text[:2]:
                yield _Mark(option, spelled, text[2:])
            elif spelled.startswith(text):
                yield _Mark(option, spelled)

    def _optional(self, start: int) -> int:
        mark, word = self.marks[start], self.words[start]
        if mark.option is None:
            self.unknown.append(start)
            return start + 1
        option = mark.option
        if mark.explicit is not None:
            if option.nargs == 0:
                self._problem("value-unwanted", option, word, mark.explicit, "no value", (start,))
            elif isinstance(option.nargs, int) and option.nargs > 1:
                self._problem("value-missing", option, word, mark.explicit, f"{option.nargs} values", (start,))
            self._take(option, word, [mark.explicit] if option.nargs != 0 else [], [start])
            return start + 1
        count = self._count(option, self.pattern[start + 1 :])
        if count is None:
            wanted = "one value" if option.nargs is None else f"{option.nargs} values"
            wanted = "at least one value" if option.nargs == "+" else wanted
            self._problem("value-missing", option, word, None, wanted, (start,))
            self.seen.setdefault(option.name, word.text)
            return start + 1
        places = list(range(start + 1, start + 1 + count))
        self._take(option, word, [self.words[i].text for i in places], [start, *places])
        return start + 1 + count

    def _count(self, option: Option, rest: str) -> int | None:
        """How many words the option takes; None where too few follow."""
        if option.nargs == 0:
            return 0
        run = len(rest) - len(rest.lstrip("A"))
        if isinstance(option.nargs, int):
            return option.nargs if run >= option.nargs else None
        least = 0 if option.nargs in ("?", "*") else 1
        most = 1 if option.nargs in (None, "?") else run
        return min(run, most) if run >= least else None

    def _take(self, option: Option, word: Word, values: list[str], places: list[int]) -> None:
        at = tuple(self.words[i].at for i in places)
        self.given.append(Given(option.name, word.text.partition("=")[0], tuple(values), at))
        for value in values:
            if refused := refusal(option, value):
                shown = refused.value if refused.path else value
                self._problem(refused.kind, option, word, shown, refused.wanted, tuple(places))
                self.problems[-1] = replace(self.problems[-1], path=refused.path)
        if option.refused:
            self._problem("refused", option, word, None, "", tuple(places))
        rival = next((n for n in self.seen if option.exclusive and n != option.name and self._rival(n, option)), None)
        if rival:
            self._problem("exclusive", option, word, None, f"`{option.name}` or `{rival}`, not both", tuple(places))
        self.seen.setdefault(option.name, word.text)

    def _rival(self, name: str, option: Option) -> bool:
        other = self.table.option(name)
        return other is not None and other.exclusive == option.exclusive

    def _positionals(self, start: int) -> int:
        """argparse's `consume_positionals`: as many of those that wait as the words match."""
        for count in range(len(self.waiting), 0, -1):
            regex = "".join(_PATTERNS[o.nargs] for o in self.waiting[:count])  # type: ignore[index]
            if found := re.match(regex, self.pattern[start:]):
                for option, group in zip(self.waiting[:count], found.groups(), strict=True):
                    places = [i for i in range(start, start + len(group)) if self.pattern[i] == "A"]
                    start += len(group)
                    self.placed.update(dict.fromkeys(places, option))
                    if places or option.nargs in ("?", "*"):
                        at = tuple(self.words[i].at for i in places)
                        self.given += (
                            [Given(option.name, "", tuple(self.words[i].text for i in places), at)] if at else []
                        )
                        self.seen.setdefault(option.name, "")
                del self.waiting[:count]
                return start
        return start

    def _lacking(self, config: bool) -> None:
        for option in (*self.table.options, *self.table.positionals):
            if option.required and option.name not in self.seen and not config:
                self.problems.append(Problem("required", option.name, option.name, wanted="a value"))

    def _unwanted(self) -> None:
        unknown, self.over = set(self.unknown), frozenset(self.extras)
        self.free = self._last_free()
        after = {u: self._after(u) for u in self.unknown}
        valued = {place for places in after.values() for place in places}
        lost = [u for u in self.unknown if u + 1 in self.placed and after[u] == [u + 1]]
        shifted = set([e for e in self.extras if lost and e > lost[0] + 1][: len(lost)])
        for at in sorted(self.over | unknown):
            word = self.words[at]
            if at in unknown:
                values = after[at]
                places = (word.at, *(self.words[i].at for i in values))
                name, equals, value = word.text.partition("=")
                shown = value if equals else " ".join(self.words[i].text for i in values) or None
                many = self.ambiguous.get(word.at, ())
                kind = "ambiguous" if many else "unknown"
                self.problems.append(Problem(kind, name, name, shown, at=places, candidates=many))
            elif at in shifted:
                continue  # it is what the positional would have got
            elif at not in valued:
                self.problems.append(Problem("extra", word.text, word.text, word.text, at=(word.at,)))

    def _after(self, at: int) -> list[int]:
        """The words behind an unknown option that are left over: most likely its values.

        A word that a positional has taken instead, though it could do without or has another behind it, is one too.
        """
        taken = self.placed.get(at + 1)
        if taken is not None and (taken.nargs == "?" or self.free > at + 1):
            return [at + 1]
        return self._left(at)

    def _left(self, at: int) -> list[int]:
        out = []
        for place in range(at + 1, len(self.words)):
            if place not in self.over:
                break
            out.append(place)
        return out

    def _last_free(self) -> int:
        """The last word left over that is no value of an unknown option: it could stand where a positional stands."""
        others = [u for u in self.unknown if self.words[u].text not in MODELS]
        values = {place for u in others for place in self._left(u)}
        return max(self.over - values, default=-1)

    def _problem(
        self, kind: str, option: Option, word: Word, value: str | None, wanted: str, places: tuple[int, ...]
    ) -> None:
        at = tuple(self.words[i].at for i in places)
        self.problems.append(Problem(kind, option.name, word.text.partition("=")[0], value, wanted, at))
