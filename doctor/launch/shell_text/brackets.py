"""`[[ ... ]]` as a tree of tests, and what all commands pass over: blanks, comments, nesting."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.launch.shell_text.scan import NESTED, Scanner, Unparsable
from doctor.launch.shell_text.tree import Condition, Literal, Word

_RESERVED = late_pattern(r"(?:\[\[|[!{}]|[a-z]+)(?=[\s;&|()<>]|$)")
_BLANKS = late_pattern(r"(?:[ \t\r]|\\\r?\n)+")
_BINARY = late_pattern(r"(==|!=|=~|=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))(?=\s)")
_UNARY = late_pattern(r"-([a-zA-Z])(?=\s)")


class Brackets(Scanner):
    """The part of the grammar that reads tests."""

    def newlines(self) -> None:
        """Passes over blanks, comments and ends of lines."""
        raise NotImplementedError

    def blanks(self) -> None:
        """Passes over blanks, continued lines and a comment."""
        if found := _BLANKS.match(self.text, self.at):
            self.at = found.end()
        if self.ahead("#") and (self.at == 0 or self.text[self.at - 1] in " \t\r\n;&|()"):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    def deeper(self, by: int) -> None:
        """Counts how deep commands are nested, and refuses what is too deep."""
        self.nested += by
        if self.nested > NESTED:
            raise Unparsable(self.at)

    def reserved(self, *these: str) -> str | None:
        """The one of these reserved words that comes next."""
        found = _RESERVED.match(self.text, self.at)
        return found[0] if found and found[0] in these else None

    def condition(self, start: int) -> Condition:
        found = self._either()
        self.newlines()
        if not self.ahead("]]"):
            raise Unparsable(self.at)
        self.at += 2
        return Condition(found.op, found.words, found.inner, self.text[start : self.at])

    def _either(self) -> Condition:
        found = self._both()
        self.newlines()
        while self.ahead("||"):
            self.at += 2
            found = Condition("||", (), (found, self._both()))
            self.newlines()
        return found

    def _both(self) -> Condition:
        found = self._one()
        self.newlines()
        while self.ahead("&&"):
            self.at += 2
            found = Condition("&&", (), (found, self._one()))
            self.newlines()
        return found

    def _one(self) -> Condition:
        self.deeper(1)
        try:
            self.newlines()
            if self.ahead("(") or self.reserved("!"):
                group = self.ahead("(")
                self.at += 1
                found = self._either() if group else Condition("!", (), (self._one(),))
                if group:
                    self.newlines()
                    self.at += 1
                return found
            return self._test()
        finally:
            self.deeper(-1)

    def _test(self) -> Condition:
        start = self.at
        if found := _UNARY.match(self.text, self.at):
            self.at = found.end()
            self.blanks()
            if not self.ahead("]]") and (word := self.word()):
                return Condition(found[0], (word,), (), self.text[start : self.at])
            self.at = start
        left = self.word()
        if left is None:
            raise Unparsable(self.at)
        self.blanks()
        found = _BINARY.match(self.text, self.at)
        if found is None:
            return Condition("-n", (left,), (), self.text[start : self.at])
        self.at = found.end()
        self.blanks()
        right = self._expression() if found[0] == "=~" else self.word()
        if right is None:
            raise Unparsable(self.at)
        return Condition(found[0], (left, right), (), self.text[start : self.at])

    def _expression(self) -> Word:
        """A regular expression: it may hold parentheses and bars."""
        start, parts = self.at, []
        while self.at < len(self.text) and self.text[self.at] not in " \t\n":
            if self.text[self.at] in "()|<>&;":
                parts.append(Literal(self.text[self.at]))
                self.at += 1
            else:
                found = self.word()
                parts += list(found.parts) if found else []  # type: ignore[arg-type]
                self.at += found is None
        return Word(tuple(parts), self.text[start : self.at])
