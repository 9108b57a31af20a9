"""Compound commands: `if`, `case`, loops, groups, functions, `[[ ]]` and `(( ))`."""

from __future__ import annotations

import re

from doctor.launch.shell_text.brackets import Brackets
from doctor.launch.shell_text.scan import Unparsable
from doctor.launch.shell_text.tree import (
    Calculation,
    Case,
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


class Compound(Brackets):
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

    def line(self, at: int) -> int:
        """The line of a place in the text."""
        raise NotImplementedError

    def index(self) -> Word | None:
        """`[index]`, where it comes next."""
        return self._index()

    def literal(self, text: str) -> Word:
        """A word of quoted text."""
        return Word((Literal(text, True),), text)

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
            return self.condition(start)
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
