"""Words of a shell script: quotes, `$NAME`, `${NAME:-x}`, `$(commands)`, `$((1 + 1))`, taken apart but not expanded."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.launch.shell_text.marks import CLOSE, OPEN
from doctor.launch.shell_text.tree import Arithmetic, Literal, Node, Parameter, Part, Process, Substitution, Word

NESTED = 24
_FARTHEST = 1 << 13  # characters of an expression in parentheses
_NAME = late_pattern(r"[A-Za-z_]\w*|\d|[@*#?$!-]")
_BRACED = late_pattern(r"([#!]?)([A-Za-z_]\w*|\d+|[@*#?$!-])")
_OPERATOR = late_pattern(r":[-=?+]|[-=?+]|##?|%%?|//|/#|/%|/|\^\^?|,,?|@|:")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_ANSI = late_pattern(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)
_RUN = late_pattern(rf"""[^\s;|&()<>'"\\$`{OPEN}{{}}/:\]]+""")


class Unparsable(ValueError):
    """A text that is not a script, from the place `at` on."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class Scanner:
    """A place in a text; the words from there on."""

    def __init__(self, text: str, nested: int = 0) -> None:
        self.text, self.at, self.nested = text, 0, nested
        if nested > NESTED:
            raise Unparsable(0)

    def commands_until(self, end: str) -> tuple[Node, ...]:
        """The commands up to the character `end`, which is passed over."""
        raise NotImplementedError

    def commands_of(self, text: str) -> tuple[Node, ...]:
        """The commands of another text, such as that between backticks."""
        raise NotImplementedError

    def quoted_word(self, text: str) -> Word:
        """A text in which only `$`, backticks and escapes mean something, such as a here-document's."""
        inner = type(self)(text, self.nested + 1)
        return Word(tuple(inner.parts("", quoted=True, quotes=False)), text)

    def ahead(self, text: str) -> bool:
        """Whether `text` comes next."""
        return self.text.startswith(text, self.at)

    def word(self) -> Word | None:
        """The word that starts here, None where none does."""
        start = self.at
        found = self.parts(" \t\n;|&()<>", quoted=False)
        return Word(tuple(found), self.text[start : self.at]) if self.at > start else None

    def parts(self, ends: str, quoted: bool, quotes: bool = True) -> list[Part]:
        """The parts up to a character of `ends` or the end of the text; `quoted` as between double quotes."""
        out: list[Part] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in ends:
                if char in "<>" and self.text.startswith("(", self.at + 1):
                    out.append(self._process())
                    continue
                if not (char == "(" and _extended(out, self.text, self.at)):
                    break
                out.append(Literal(self._extended_pattern()))
                continue
            out += self._part(char, quoted, quotes)
        return out

    def _part(self, char: str, quoted: bool, quotes: bool) -> list[Part]:
        if char == OPEN:
            end = self.text.find(CLOSE, self.at)
            return [Literal(self._take(end + 1 if end > 0 else self.at + 1), quoted)]
        if char == "\\":
            return self._escape(quoted)
        if char == "`":
            return [self._backticks(quoted)]
        if char == "$":
            return self._dollar(quoted)
        if quotes and char == "'" and not quoted:
            return [Literal(self._single(), True)]
        if char == '"' and quotes:
            return self._double()
        found = _RUN.match(self.text, self.at)
        return [Literal(self._take(found.end() if found else self.at + 1), quoted)]

    def _take(self, end: int) -> str:
        start, self.at = self.at, end
        return self.text[start:end]

    def _escape(self, quoted: bool) -> list[Part]:
        after = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if after == "\n":
            return []
        return [Literal("\\" + after if quoted and after not in '"\\$`' else after, True)]

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise Unparsable(self.at)
        return self._take(end + 1)[1:-1]

    def _double(self) -> list[Part]:
        start = self.at
        self.at += 1
        self._deeper(1)
        out = self.parts('"', quoted=True)
        self._deeper(-1)
        if not self.ahead('"'):
            raise Unparsable(start)
        self.at += 1
        return [Literal("", True), *out]

    def _deeper(self, by: int) -> None:
        self.nested += by
        if self.nested > NESTED:
            raise Unparsable(self.at)

    def _dollar(self, quoted: bool) -> list[Part]:
        start = self.at
        after = self.text[start + 1 : start + 2]
        if after == "'" and not quoted:
            return [Literal(self._ansi(), True)]
        if after == '"' and not quoted:
            self.at += 1
            return self._double()
        self._deeper(1)
        found: Part | None = None
        if after == "(":
            found = self._arithmetic(quoted) or self._substitution(quoted)
        elif after == "{":
            found = self._braced(quoted)
        elif name := _NAME.match(self.text, start + 1):
            self.at = name.end()
            found = Parameter(name[0], self.text[start : self.at], quoted)
        self._deeper(-1)
        return [found or Literal(self._take(start + 1), quoted)]

    def _ansi(self) -> str:
        found = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.text, self.at)
        if found is None:
            raise Unparsable(self.at)
        self.at = found.end()
        return _ANSI.sub(_ansi_character, found[1])

    def balanced(self, start: int) -> int:
        """The place behind the parenthesis that closes the one at `start`; -1 where none does."""
        depth = 0
        for found in re.compile(r"[()]|\\.|'[^'\n]*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL).finditer(
            self.text, start, start + _FARTHEST
        ):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            if depth == 0:
                return found.end()
        return -1

    def double_parentheses(self, start: int) -> str | None:
        """The text between `((` at `start` and its `))`; None where these are commands in parentheses."""
        end = self.balanced(start)
        if not self.text.startswith("((", start) or end < 0 or not self.text.startswith("))", end - 2):
            return None
        if self.balanced(start + 1) != end - 1:
            return None
        self.at = end
        return self.text[start + 2 : end - 2]

    def _arithmetic(self, quoted: bool) -> Arithmetic | None:
        start = self.at
        text = self.double_parentheses(start + 1)
        return None if text is None else Arithmetic(self.quoted_word(text), self.text[start : self.at], quoted)

    def _substitution(self, quoted: bool) -> Substitution:
        start = self.at
        self.at += 2
        body = self.commands_until(")")
        return Substitution(body, self.text[start : self.at], quoted)

    def _process(self) -> Process:
        start = self.at
        self.at += 2
        self._deeper(1)
        body = self.commands_until(")")
        self._deeper(-1)
        return Process(body, self.text[start : self.at])

    def _backticks(self, quoted: bool) -> Substitution:
        found = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.text, self.at)
        if found is None:
            raise Unparsable(self.at)
        body = self.commands_of(re.sub(r"\\([$`\\])", r"\1", found[1]))
        self.at = found.end()
        return Substitution(body, found[0], quoted)

    def _extended_pattern(self) -> str:
        end = self.balanced(self.at)
        if end < 0:
            raise Unparsable(self.at)
        return self._take(end)

    def _braced(self, quoted: bool) -> Parameter:
        start = self.at
        found = _BRACED.match(self.text, start + 2)
        if found and self.text.startswith("}", found.end(1)) and found[1]:
            found = re.compile(r"()([#!])").match(self.text, start + 2)
        elif found and found[1] == "#" and self.text[found.end() : found.end() + 1] not in ("}", "["):
            found = re.compile(r"()(#)").match(self.text, start + 2)
        if found is None:
            raise Unparsable(start)
        self.at = found.end()
        index = self._index()
        operator = _OPERATOR.match(self.text, self.at)
        op, argument, second = "", None, None
        if operator:
            self.at, op = operator.end(), operator[0]
            pattern = op[0] in "#%/^,"
            ends = "/}" if op[0] == "/" else ":}" if op == ":" else "}"
            argument = self._argument(ends, quoted and not pattern)
            if not self.ahead("}"):
                self.at += 1
                second = self._argument("}", quoted and op[0] != "/")
        if not self.ahead("}"):
            raise Unparsable(start)
        self.at += 1
        return Parameter(found[2], self.text[start : self.at], quoted, found[1], index, op, argument, second)

    def _index(self) -> Word | None:
        if not self.ahead("["):
            return None
        self.at += 1
        word = self._argument("]", False)
        self.at += 1
        return word

    def _argument(self, ends: str, quoted: bool) -> Word:
        start = self.at
        parts = self.parts(ends, quoted)
        if self.at >= len(self.text):
            raise Unparsable(start)
        return Word(tuple(parts), self.text[start : self.at])


def _extended(out: list[Part], text: str, at: int) -> bool:
    """Whether the parenthesis belongs to a pattern such as `@(a|b)`."""
    last = out[-1] if out else None
    return isinstance(last, Literal) and not last.quoted and text[at - 1 : at] in tuple("?*+@!") and at > 0


def _ansi_character(found: re.Match[str]) -> str:
    if found[1] or found[2] or found[3]:
        code = int(found[1] or found[2] or found[3], 8 if found[3] else 16)
        return "?" if 0xE000 <= code <= 0xE002 or code == 0 else chr(code)
    return _ESCAPES.get(found[4], found[4] if found[4] in "\\'\"?" else "\\" + found[4])
