"""Compound commands: `if`, `case`, loops, groups, functions, `[[ ]]` and `(( ))`."""

from __future__ import annotations

import re

from doctor.launch.shell_text.scan import NESTED, Scanner, Unparsable
from doctor.launch.shell_text.tree import (
    Calculation,
    Case,
    Condition,
    Counting,
    For,
    Function,
    Group,
    If,
    Literal,
    Node,
    While,
    Word,
)  # fmt: skip

_RESERVED = re.compile(r"(?:\[\[|[!{}]|[a-z]+)(?=[\s;&|()<>]|$)")
_BLANKS = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_BINARY = re.compile(r"(==|!=|=~|=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))(?=\s)")
_UNARY = re.compile(r"-([a-zA-Z])(?=\s)")


class Compound(Scanner):
    """The part of the grammar that holds other commands."""

    assigned: set[str]

    def and_or(self) -> Node:
        """`a && b || c`."""
        raise NotImplementedError

    def command(self) -> Node:
        """One command with its redirections."""
        raise NotImplementedError

    def separator(self) -> bool:
        """Passes over what ends a command; whether anything does."""
        raise NotImplementedError

    def newlines(self) -> None:
        """Passes over blanks, comments and ends of lines."""
        raise NotImplementedError

    def line(self, at: int) -> int:
        """The line of a place in the text."""
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

    def index(self) -> Word | None:
        """`[index]`, where it comes next."""
        return self._index()

    def literal(self, text: str) -> Word:
        """A word of quoted text."""
        return Word((Literal(text, True),), text)

    def reserved(self, *these: str) -> str | None:
        """The one of these reserved words that comes next."""
        found = _RESERVED.match(self.text, self.at)
        return found[0] if found and found[0] in these else None

    def expect(self, *these: str) -> str:
        """Passes over one of these reserved words or signs."""
        self.newlines()
        found = self.reserved(*these) or next((t for t in these if not t.isalpha() and self.ahead(t)), None)
        if found is None:
            raise Unparsable(self.at)
        self.at += len(found)
        return found

    def commands(self, *ends: str) -> tuple[Node, ...]:
        """Commands up to one of the reserved words or signs, which is not passed over; to the end where it is empty."""
        out: list[Node] = []
        while True:
            self.newlines()
            if self.at >= len(self.text):
                if "" in ends:
                    return tuple(out)
                raise Unparsable(self.at)
            if self.reserved(*ends) or any(e and not e.isalpha() and self.ahead(e) for e in ends):
                return tuple(out)
            out.append(self.and_or())
            self.separator()

    def commands_until(self, end: str) -> tuple[Node, ...]:
        """The commands up to the character `end`, which is passed over."""
        out = self.commands(end)
        self.at += len(end)
        return out

    def compound(self) -> Node | None:
        """The compound command that comes next, None where none does."""
        start = self.at
        if self.ahead("(("):
            text = self.double_parentheses(self.at)
            if text is not None:
                return Calculation(self.quoted_word(text), f"(({text}))")
        if self.ahead("("):
            self.at += 1
            return Group(self.commands_until(")"), True)
        word = self.reserved("if", "while", "until", "for", "select", "case", "function", "{", "[[")
        if word is None:
            return None
        self.at += len(word)
        if word == "[[":
            return self._condition(start)
        if word == "{":
            body = self.commands("}")
            self.at += 1
            return Group(body, False)
        if word == "if":
            return self._if()
        if word == "case":
            return self._case()
        if word == "function":
            return self._named_function()
        return self._for(word, start) if word in ("for", "select") else self._while(word, start)

    def function(self, name: str) -> Function:
        """The body of a function, behind its name."""
        self.newlines()
        return Function(name, self.command())

    def _named_function(self) -> Function:
        self.blanks()
        found = re.compile(r"([^\s()]+)(?:[ \t]*\([ \t]*\))?").match(self.text, self.at)
        if found is None:
            raise Unparsable(self.at)
        self.at = found.end()
        return self.function(found[1])

    def _if(self) -> If:
        branches = []
        while True:
            condition = self.commands("then")
            self.expect("then")
            body = self.commands("elif", "else", "fi")
            branches.append((condition, body))
            word = self.expect("elif", "else", "fi")
            if word == "elif":
                continue
            otherwise: tuple[Node, ...] = ()
            if word == "else":
                otherwise = self.commands("fi")
                self.expect("fi")
            return If(tuple(branches), otherwise)

    def _while(self, word: str, start: int) -> While:
        condition = self.commands("do")
        return While(condition, self._body(), word == "until", self.line(start))

    def _body(self) -> tuple[Node, ...]:
        self.separator()
        if self.ahead(";"):
            self.at += 1
        if self.expect("do", "{") == "{":
            body = self.commands("}")
            self.at += 1
            return body
        body = self.commands("done")
        self.expect("done")
        return body

    def _for(self, word: str, start: int) -> Node:
        self.blanks()
        if self.ahead("(("):
            text = self.double_parentheses(self.at)
            parts = text.split(";") if text is not None else []
            if len(parts) != 3:
                raise Unparsable(self.at)
            first, condition, step = (self.quoted_word(p) for p in parts)
            self.assigned.update(re.findall(r"([A-Za-z_]\w*)\s*=", parts[0]))
            return Counting(first, condition, step, self._body(), self.line(start))
        name = self.word()
        if name is None:
            raise Unparsable(self.at)
        self.assigned.add(name.source)
        self.newlines()
        words: list[Word] | None = None
        if self.reserved("in"):
            self.at += 2
            words = []
            self.blanks()
            while one := self.word():
                words.append(one)
                self.blanks()
        return For(
            name.source, None if words is None else tuple(words), self._body(), self.line(start), word == "select"
        )

    def _case(self) -> Case:
        self.blanks()
        word = self.word()
        if word is None:
            raise Unparsable(self.at)
        self.expect("in")
        clauses = []
        self.newlines()
        while not self.reserved("esac"):
            patterns = self._patterns()
            body = self.commands(";;", ";&", "esac")
            end = next((e for e in (";;&", ";;", ";&") if self.ahead(e)), "")
            self.at += len(end)
            clauses.append((patterns, body, end))
            self.newlines()
        self.at += len("esac")
        return Case(word, tuple(clauses))

    def _patterns(self) -> tuple[Word, ...]:
        out = []
        if self.ahead("("):
            self.at += 1
        while True:
            self.blanks()
            word = self.word()
            self.blanks()
            if word is None or not (self.ahead("|") or self.ahead(")")):
                raise Unparsable(self.at)
            out.append(word)
            self.at += 1
            if self.text[self.at - 1] == ")":
                return tuple(out)

    def _condition(self, start: int) -> Condition:
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
