"""One program that starts another command, taken apart by its row: which words are its own, and what it changes."""

from __future__ import annotations

import re
from dataclasses import field

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.matrix.programs import PAIRED, VALUED, Program

ASSIGNMENT = late_pattern(r"[A-Za-z_][A-Za-z0-9_]*=")
_STOPS = ("--help", "--version")


@dataclass
class Layer:
    """What a program's own words say.

    `words` is the command behind them, `text` shell text in its place; `module`: the words are a Python module and its
    arguments. `last` is an option in front of the command that the row does not list. `roles` are positional words and
    options by role. `stops`: it runs nothing with these options.
    """

    row: Program
    words: tuple[str, ...] = ()
    text: str | None = None
    module: bool = False
    bare: bool = False
    stops: bool = False
    last: str | None = None
    one: bool = False
    roles: dict[str, str] = field(default_factory=dict)
    set: list[str] = field(default_factory=list)
    unset: list[str] = field(default_factory=list)
    clear: bool = False
    keep: bool = False
    keeps: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    folder: str | None = None


def matching(rows: tuple[Program, ...], words: tuple[str, ...]) -> tuple[Program, int] | None:
    """The row whose subcommand these words (behind the program's name) have, with the number of words it takes."""
    best: tuple[Program, int] | None = None
    longest = -1
    for row in rows:
        for verb in row.verbs or ("",):
            parts = verb.split()
            at = behind_verb(parts, frozenset(row.before.split()), words)
            if at is not None and len(parts) > longest:
                best, longest = (row, at), len(parts)
    return best


def behind_verb(parts: list[str], valued: frozenset[str], words: tuple[str, ...]) -> int | None:
    """How many words lead to and through a subcommand, options in front of each of its words; None for another."""
    at = 0
    for part in parts:
        while at < len(words) and words[at].startswith("-") and words[at] != part:
            at += 2 if words[at] in valued else 1
        if words[at : at + 1] != (part,):
            return None
        at += 1
    return at


def layer(row: Program, words: tuple[str, ...], front: tuple[str, ...] = ()) -> Layer:
    """The words behind the program and its subcommand, taken apart; `front` are those in front of the subcommand."""
    reader = _Reader(row, words)
    reader.globals(front)
    reader.read()
    return reader.out


class _Reader:
    def __init__(self, row: Program, words: tuple[str, ...]) -> None:
        self.row, self.all, self.at = row, words, 0
        self.meanings = row.meanings()
        self.roles = list(row.words)
        self.out = Layer(row)
        self.extra: list[str] = []

    def globals(self, front: tuple[str, ...]) -> None:
        """Options in front of the subcommand."""
        valued = frozenset(self.row.before.split())
        for at, word in enumerate(front):
            name, equals, value = word.partition("=")
            meaning = self.meanings.get(name)
            if name in valued and meaning in VALUED and (equals or at + 1 < len(front)):
                self._valued(meaning or "", value if equals else front[at + 1])

    def read(self) -> None:
        """Walks to the command; what `command: none` and `program` leave of the positional words is `extra`."""
        ended = False
        while self.at < len(self.all):
            word = self.all[self.at]
            if not ended and word == "--":
                self.at += 1
                if self.row.separator or not self.roles or len(self.roles) < len(self.row.words):
                    self.out.one = self.row.command == "none"
                    break
                ended = True
            elif not ended and self._is_option(word):
                if self._option(word):
                    return
            elif self.row.assignments and ASSIGNMENT.match(word):
                self.out.set.append(word)
                self.at += 1
            elif self._role(word):
                self.at += 1
                self.out.last = None
                if self.row.strict and not self.roles:
                    break
            elif self._ends_here():
                break
        self.out.words = (*self.extra, *self.all[self.at :])

    def _is_option(self, word: str) -> bool:
        if self.row.slashes and re.fullmatch(r"/[A-Za-z](?::\w+)?", word):
            return True
        return (word.startswith("-") and len(word) > 1) or word in self.meanings

    def _role(self, word: str) -> bool:
        """Whether the word is a positional one that belongs to the program; roles that an option filled are over."""
        while self.roles:
            name, _, pattern = self.roles[0].partition("~")
            if name in self.out.roles or (pattern and not re.fullmatch(pattern, word)):
                self.roles.pop(0)
                continue
            self.roles.pop(0)
            self.out.roles[name] = word
            return True
        return False

    def _ends_here(self) -> bool:
        """Whether the command starts at the positional word that stands here."""
        if self.row.command == "program" and not self.extra:
            self.extra.append(self.all[self.at])
            self.at += 1
        elif self.row.command in ("none", "program"):
            self.at += 1
        elif self.row.separator and "--" in self.all[self.at :] and self.row.command == "words" and self.row.words:
            self.at = self.all.index("--", self.at) + 1
            return True
        else:
            return True
        return False

    def _option(self, word: str) -> bool:
        """Takes an option and its value; True where the rest is decided by it."""
        self.at += 1
        self.out.last = None
        word = word.lower() if self.row.nocase else word
        name, equals, value = word.partition("=")
        meaning = self.meanings.get(word) or self._long(name)
        if word in _STOPS and meaning is None:
            self.out.stops = True
        elif meaning is not None:
            return self._apply(meaning, value if equals and self.meanings.get(word) is None else None)
        elif not word.startswith("--") and not self.row.plain:
            return self._cluster(word[1:])
        elif self.row.command == "python" and word in ("-m", "--module"):
            return self._module(None)
        else:
            self.out.last = None if equals else word
        return False

    def _long(self, name: str) -> str | None:
        """The meaning of a long option, which may be cut short where that is unambiguous."""
        found = self.meanings.get(name)
        if found or not self.row.abbreviates or not name.startswith("--") or len(name) < 5:
            return found
        fitting = {meaning for option, meaning in self.meanings.items() if option.startswith(name)}
        return fitting.pop() if len(fitting) == 1 else None

    def _cluster(self, letters: str) -> bool:
        """`-qc TEXT`, `-n5`: letters in a row, the last of which may take a value."""
        for place, letter in enumerate(letters[:40]):
            meaning = self.meanings.get(f"-{letter}")
            rest = letters[place + 1 :].removeprefix("=")
            if meaning is None and letter == "m" and self.row.command == "python":
                return self._module(rest or None)
            if meaning in VALUED or meaning in PAIRED or meaning == "module":
                return self._apply(meaning or "", rest or None)
            if meaning is not None and self._apply(meaning, None):
                return True
        self.out.last = f"-{letters}" if len(letters) == 1 and f"-{letters}" not in self.meanings else None
        return False

    def _module(self, attached: str | None) -> bool:
        self.out.module = True
        self.out.words = (*filter(None, [attached]), *self.all[self.at :])
        return True

    def _next(self) -> str:
        self.at += 1
        return self.all[self.at - 1] if self.at <= len(self.all) else ""

    def _apply(self, meaning: str, attached: str | None) -> bool:
        out = self.out
        if meaning == "module":
            return self._module(attached)
        if meaning in PAIRED:
            first, second = self._next(), self._next()
            if meaning == "setpair":
                out.set.append(f"{first}={second}")
            return False
        if meaning in VALUED:
            return self._valued(meaning, self._next() if attached is None else attached)
        if meaning == "command":
            out.words, out.one = self.all[self.at :], True
            return True
        out.stops |= meaning == "stop"
        out.clear |= meaning == "clear"
        out.bare |= meaning == "bare"
        if meaning == "keep":
            out.keeps += [n for n in (attached or "").split(",") if n]
            out.keep |= not attached
        return False

    def _valued(self, meaning: str, value: str) -> bool:
        out = self.out
        if meaning == "text":
            out.text = value
        elif meaning == "split":
            self.all, self.at = (*value.split(), *self.all[self.at :]), 0
        elif meaning == "program":
            out.roles.setdefault("program", value)
        elif meaning == "export":
            _exported(out, value)
        elif meaning == "cd":
            out.folder = value
        elif meaning == "toggle":
            (out.set if "=" in value else out.unset).append(value)
        elif meaning == "sets":
            parts = value.split(",")
            out.set += parts if all(ASSIGNMENT.match(part) for part in parts) else [value]
        elif meaning in ("set", "unset", "unread"):
            getattr(out, meaning).append(value)
        elif meaning == "envfile":
            out.files.append(value)
        elif meaning == "keepname":
            out.keeps += value.split(",")
        elif meaning != "value":
            out.roles[meaning] = value
        return False


def _exported(out: Layer, value: str) -> None:
    """Slurm's `--export=ALL,A=b`, `--export=NONE`, and Grid Engine's `-v A=b,C`."""
    names = [n for n in value.split(",") if n][:200]
    if names and "ALL" not in names:
        out.clear = True
    for name in names:
        if "=" in name:
            out.set.append(name)
        elif name not in ("ALL", "NONE", "NIL"):
            out.keeps.append(name)
