"""The commands of POSIX sh and bash: from text to a tree."""

from __future__ import annotations

import re
from bisect import bisect_right

from doctor.base.late import late_pattern
from doctor.launch.shell_text.compound import Compound
from doctor.launch.shell_text.scan import Unparsable
from doctor.launch.shell_text.tree import (
    AndOr,
    Assignment,
    Background,
    Node,
    Pipeline,
    Redirect,
    Redirected,
    Script,
    Simple,
    Word,
)  # fmt: skip

_REDIRECT = late_pattern(r"(\d{1,3}|\{\w+\})?(<<<|<<-|<<|<&|<>|<|>>|>\||>&|&>>|&>|>)(?!\()")
_ASSIGNED = late_pattern(r"([A-Za-z_]\w*)(?=\+?=|\[)")
_DECLARING = frozenset(("declare", "typeset", "local", "export", "readonly"))
_FUNCTION = late_pattern(r"([^\s'\"$\\()<>|&;=`{}#!]+)[ \t]*\([ \t]*\)")


class Grammar(Compound):
    """The parser of one text; here-documents are taken from the lines behind the command that names them."""

    def __init__(self, text: str, nested: int = 0) -> None:
        super().__init__(text, nested)
        self.lines = [n for n, c in enumerate(text) if c == "\n"]
        self.first = 1
        self.behind: list[tuple[Redirect, bool, bool]] = []
        self.bodies: dict[int, Word] = {}
        self.assigned: set[str] = set()

    def script(self) -> Script:
        """The whole text, or what comes before a line that cannot be parsed."""
        out: list[Node] = []
        try:
            self.newlines()
            while self.at < len(self.text):
                out.append(self.and_or())
                self.separator()
                self.newlines()
        except Unparsable:
            return Script(tuple(out), self.line(min(self.at, len(self.text) - 1)), frozenset(self.assigned))
        return Script(tuple(out), None, frozenset(self.assigned))

    def line(self, at: int) -> int:
        """The line of a place in the text."""
        return self.first + bisect_right(self.lines, at - 1)

    def commands_of(self, text: str) -> tuple[Node, ...]:
        """The commands of another text, such as that between backticks."""
        inner = type(self)(text, self.nested + 1)
        inner.first = self.line(self.at)
        out = inner.commands("")
        self.assigned |= inner.assigned
        return out

    def newlines(self) -> None:
        """Passes over blanks, comments and ends of lines, with the here-documents that start there."""
        while True:
            self.blanks()
            if not self.ahead("\n"):
                return
            self.at += 1
            if self.behind:
                self._documents()

    def separator(self) -> bool:
        """Passes over what ends a command; whether anything does."""
        self.blanks()
        if self.ahead(";;") or self.ahead(";&"):
            return False
        if self.ahead(";") or self.ahead("&"):
            self.at += 1
            return True
        return self.ahead("\n")

    def and_or(self) -> Node:
        """`a && b || c`, with `&` behind it."""
        first = self._pipeline()
        rest: list[tuple[str, Node]] = []
        while True:
            self.blanks()
            op = self.text[self.at : self.at + 2]
            if op not in ("&&", "||"):
                break
            self.at += 2
            self.newlines()
            rest.append((op, self._pipeline()))
        whole: Node = AndOr(first, tuple(rest)) if rest else first
        return Background(whole) if self.ahead("&") and not self.ahead("&>") else whole

    def _pipeline(self) -> Node:
        self.blanks()
        start, negated, timed = self.at, False, False
        while word := self.reserved("!", "time"):
            negated ^= word == "!"
            timed = timed or word == "time"
            self.at += len(word)
            self.blanks()
            if timed and self.ahead("-p "):
                self.at += 3
        commands = [self.command()]
        self.blanks()
        while self.ahead("|") and not self.ahead("||"):
            self.at += 2 if self.ahead("|&") else 1
            self.newlines()
            commands.append(self.command())
            self.blanks()
        if len(commands) == 1 and not negated:
            return commands[0]
        return Pipeline(tuple(commands), negated, self.text[start : self.at].strip())

    def command(self) -> Node:
        """One command with its redirections."""
        self.deeper(1)
        self.blanks()
        found = self.compound() or self._defined() or self._simple()
        redirects = list(self._redirects()) if not isinstance(found, (Simple, Redirected)) else []
        self.deeper(-1)
        return Redirected(found, tuple(redirects)) if redirects else found

    def _defined(self) -> Node | None:
        found = _FUNCTION.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return self.function(found[1])

    def _redirects(self) -> list[Redirect]:
        out = []
        self.blanks()
        while found := _REDIRECT.match(self.text, self.at):
            out.append(self._redirect(found))
            self.blanks()
        return out

    def _redirect(self, found: re.Match[str]) -> Redirect:
        self.at = found.end()
        self.blanks()
        target = self.word()
        if target is None:
            raise Unparsable(self.at)
        op = found[2]
        fd = int(found[1]) if found[1] and found[1].isdigit() else -2 if found[1] else -1
        out = Redirect(fd, op, target)
        if op in ("<<", "<<-"):
            self.behind.append((out, op == "<<-", any(c in target.source for c in "'\"\\")))
        return out

    def _documents(self) -> None:
        for redirect, tabs, quoted in self.behind:
            end = re.sub(r"['\"\\]", "", redirect.target.source)
            body: list[str] = []
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop]
                self.at = min(stop + 1, len(self.text))
                line = line.lstrip("\t") if tabs else line
                if line == end:
                    break
                body.append(line + "\n")
            text = "".join(body)
            # the redirection was made before its body was read: the body takes the place of its name
            object.__setattr__(redirect, "target", self.literal(text) if quoted else self.quoted_word(text))
        self.behind = []

    def _simple(self) -> Node:
        start, line = self.at, self.line(self.at)
        assignments: list[Assignment] = []
        words: list[Word | Assignment] = []
        redirects: list[Redirect] = []
        declaring = False
        while True:
            self.blanks()
            if found := _REDIRECT.match(self.text, self.at):
                redirects.append(self._redirect(found))
            elif (not words or declaring) and (assigned := self._assignment()):
                (words if declaring else assignments).append(assigned)
            elif word := self.word():
                words.append(word)
                declaring = declaring or (word.source in _DECLARING and len(words) == 1)
                self._noted(words)
            else:
                break
        if self.at == start:
            raise Unparsable(start)
        source = self.text[start : self.at].strip()
        simple = Simple(tuple(assignments), tuple(words), line, source)
        return Redirected(simple, tuple(redirects)) if redirects else simple

    def _noted(self, words: list[Word | Assignment]) -> None:
        """`read NAME`, `export NAME`: names that the text gives a value."""
        first = words[0]
        if isinstance(first, Word) and first.source in ("read", "mapfile", "readarray", "getopts", "printf", "local"):
            last = words[-1]
            if isinstance(last, Word) and last.source.isidentifier():
                self.assigned.add(last.source)

    def _assignment(self) -> Assignment | None:
        found = _ASSIGNED.match(self.text, self.at)
        if found is None:
            return None
        start = self.at
        self.at = found.end()
        index = self.index()
        append = self.ahead("+=")
        if not append and not self.ahead("="):
            self.at = start
            return None
        self.at += 2 if append else 1
        self.assigned.add(found[1])
        if self.ahead("("):
            self.at += 1
            return Assignment(found[1], tuple(self._items()), append, index)
        return Assignment(found[1], self.word() or Word(()), append, index)

    def _items(self) -> list[tuple[Word | None, Word]]:
        out: list[tuple[Word | None, Word]] = []
        while True:
            self.newlines()
            if self.ahead(")"):
                self.at += 1
                return out
            index = None
            if self.ahead("["):
                start = self.at
                index = self.index()
                if not self.ahead("="):
                    self.at, index = start, None
                else:
                    self.at += 1
            word = self.word()
            if word is None and index is None:
                raise Unparsable(self.at)
            out.append((index, word or Word(())))


def parsed(text: str) -> Script:
    """The tree of a script."""
    return Grammar(text).script()
