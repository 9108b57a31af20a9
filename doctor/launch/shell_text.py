"""Shell text as commands: words with quotes and variables resolved as far as literals go. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from doctor.base.record import dataclass

LARGEST = 64 << 10
MOST_WORDS = 4000
_NESTED = 8
_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)(\+?)=")
_BREAKS = ("&&", "||", ";;", "|&", ";", "|", "&", "\n", "(", ")")
_REDIRECT = re.compile(r"(?:\d|&)?(?:>>|>\||>&|<<<|<<-?|<&|>|<)")


@dataclass
class Command:
    """One command of a script: its words, the first line it stands on, and variables in it that have no value here.

    `before` are the assignments in front of it; `after` is what ends it (`&&`, `|`, a newline).
    """

    line: int
    words: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    dynamic: list[str] = field(default_factory=list)
    after: str = "\n"


@dataclass
class _Word:
    """A word while it is read: its fields (an unquoted variable may make several) and what is not known of it."""

    parts: list[str] = field(default_factory=lambda: [""])
    quoted: bool = False
    plain: bool = True
    dynamic: list[str] = field(default_factory=list)

    def add(self, text: str, *, split: bool = False) -> None:
        """Appends; an unquoted value is split at blanks."""
        if not split or not text:
            self.parts[-1] += text
            return
        fields = text.split()
        if text[:1].isspace() and self.parts[-1]:
            self.parts.append("")
        for at, one in enumerate(fields):
            self.parts[-1] += one
            if at + 1 < len(fields) or text[-1:].isspace():
                self.parts.append("")

    def fields(self) -> list[str]:
        """The words it makes; an empty one only where it was quoted."""
        return [p for p in self.parts if p] or ([""] if self.quoted else [])


class ShellText:
    """The commands of a text, one after the other; `values` grow with its assignments, `lists` with its arrays.

    `assigned` are the variables that it has set itself so far.
    """

    def __init__(self, text: str, values: Mapping[str, str], arguments: tuple[str, ...] = (), depth: int = 0) -> None:
        self.depth = depth
        self.text = text[:LARGEST].replace("\r\n", "\n")
        self.values = dict(values)
        self.lists: dict[str, list[str]] = {"@": list(arguments), "*": list(arguments)}
        self.values.update({str(n): a for n, a in enumerate(arguments, 1)})
        self.assigned: dict[str, str] = {}
        self.at, self.line, self.seen = 0, 1, 0

    def command(self) -> Command | None:
        """The next command, or None at the end; assignments on the way are kept in `values`, arrays in `lists`."""
        while self.at < len(self.text) and self.seen < MOST_WORDS:
            command = self._command()
            self.seen += 1 + len(command.words)
            if command.words:
                return command
            self.values.update(command.before)
            self.assigned.update(command.before)
        return None

    def _command(self) -> Command:
        self._blanks()
        command = Command(self.line)
        while self.at < len(self.text):
            self._blanks()
            here = next((b for b in _BREAKS if self.text.startswith(b, self.at)), None)
            if here is not None:
                self._step(len(here))
                command.after = here
                return command
            if self.at >= len(self.text):
                break
            if not command.words and self._array(command):
                continue
            if found := _REDIRECT.match(self.text, self.at):
                self._step(len(found[0]))
                self._blanks()
                self._word()
                continue
            self._add(command, self._word())
        return command

    def _add(self, command: Command, word: _Word) -> None:
        fields = word.fields()
        found = _ASSIGNED.match(fields[0]) if fields and word.plain and not command.words else None
        if found:
            value = " ".join(fields)[found.end() :]
            known = command.before.get(found[1], self.values.get(found[1], ""))
            command.before[found[1]] = known + value if found[2] else value
            return
        command.words += fields
        command.dynamic += word.dynamic

    def _array(self, command: Command) -> bool:
        """`NAME=( a b )` and `NAME+=( c )`."""
        found = _ASSIGNED.match(self.text, self.at)
        if found is None or not self.text.startswith("(", found.end()):
            return False
        self._step(found.end() + 1 - self.at)
        items: list[str] = list(self.lists.get(found[1], [])) if found[2] else []
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] in " \t\n;":
                self._step(1)
            elif self.text[self.at] == "#":
                self._comment()
            else:
                before = self.at
                word = self._word()
                items += word.fields()
                command.dynamic += word.dynamic
                self._step(int(self.at == before))
        self._step(1)
        self.lists[found[1]] = items
        return True

    def _blanks(self) -> None:
        while self.at < len(self.text):
            if self.text.startswith("\\\n", self.at):
                self._step(2)
            elif self.text[self.at] in " \t\r":
                self._step(1)
            elif self.text[self.at] == "#" and (self.at == 0 or self.text[self.at - 1] in " \t\n;&|("):
                self._comment()
            else:
                return

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _step(self, count: int) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def _word(self) -> _Word:
        word = _Word()
        quote = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == quote:
                quote = ""
            elif quote == "'":
                word.add(char)
            elif char in "'\"" and not quote:
                quote, word.quoted = char, True
            elif char == "\\":
                self._escape(word, quote)
            elif char in "$`":
                self._dollar(word, quote)
                continue
            elif not quote and (char in " \t\r\n;|&()" or _REDIRECT.match(self.text, self.at)):
                break
            else:
                word.add(char)
            self._step(1)
        return word

    def _escape(self, word: _Word, quote: str) -> None:
        after = self.text[self.at + 1 : self.at + 2]
        if quote and after not in ('"', "\\", "$", "`", "\n"):
            word.add("\\")
            return
        self._step(1)
        if after != "\n":
            word.add(after)

    def _dollar(self, word: _Word, quote: str) -> None:
        """One `$NAME`, `${NAME:-x}`, `${LIST[@]}`, `$(command)` or `` `command` ``."""
        word.plain = word.plain and word.parts != [""]
        if self.text[self.at] == "`" or self.text.startswith("$(", self.at):
            self._substitution(word)
            return
        braced = self.text.startswith("${", self.at)
        self._step(1 + braced)
        if not braced:
            found = _NAME.match(self.text, self.at)
            name = found[0] if found else self.text[self.at : self.at + 1]
            self._step(len(name))
            self._value(word, name, "", quote)
            return
        body = self._braced()
        found = re.match(r"(\w+|[@*#?$!-])(.*)$", body, re.DOTALL)
        if found:
            self._value(word, found[1], found[2], quote)

    def _braced(self) -> str:
        start, depth = self.at, 1
        while self.at < len(self.text) and depth:
            depth += {"{": 1, "}": -1}.get(self.text[self.at], 0)
            self._step(1)
        return self.text[start : self.at - 1]

    def _value(self, word: _Word, name: str, how: str, quote: str) -> None:
        listed = name if name in ("@", "*") else name if how[:3] in ("[@]", "[*]") else None
        if listed is not None:
            items = self.lists.get(listed)
            if items is None:
                word.dynamic.append(f"${{{name}{how}}}")
            for at, item in enumerate(items or ()):
                word.parts += [""] if at else []
                word.add(item)
            return
        known = self.values.get(name)
        operator = re.match(r":?[-+=?]", how)
        if operator and operator[0][-1] in "-=" and not (known or (known is not None and operator[0][0] != ":")):
            inner = ShellText(how[operator.end() :] if self.depth < _NESTED else "", self.values, depth=self.depth + 1)
            default = inner._word() if inner.text else _Word()
            word.dynamic += default.dynamic
            word.add(" ".join(default.fields()), split=not quote)
        elif operator and operator[0][-1] == "+":
            word.add(how[operator.end() :] if known else "", split=not quote)
        elif known is None or (how and not operator):
            word.dynamic.append(f"${{{name}{how}}}" if how else f"${name}")
        else:
            word.add(known, split=not quote)

    def _substitution(self, word: _Word) -> None:
        """A command whose output is only known when it runs: it stays in the word as it is written."""
        start, depth = self.at, 0
        tick = self.text[self.at] == "`"
        self._step(1)
        while self.at < len(self.text):
            char = self.text[self.at]
            self._step(1)
            if tick and char == "`":
                break
            depth += {"(": 1, ")": -1}.get(char, 0)
            if not tick and depth == 0:
                break
        word.add(self.text[start : self.at])


def computed(word: str) -> bool:
    """Whether a part of the word is only known when the script runs."""
    return "$(" in word or "`" in word
