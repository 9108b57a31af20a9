"""`$NAME`, `${NAME:-default}`, `${NAME%pattern}`, `${LIST[@]}`: variables as a word uses them."""

from __future__ import annotations

import os
import re

from doctor.launch.shell_text import marks
from doctor.launch.shell_text.arithmetic import NotKnown
from doctor.launch.shell_text.glob import replaced, trimmed
from doctor.launch.shell_text.state import Outcome, State
from doctor.launch.shell_text.tree import Literal, Parameter, Part, Word

_RUNTIME = frozenset((
    "RANDOM", "SECONDS", "LINENO", "EPOCHSECONDS", "EPOCHREALTIME", "BASHPID", "PPID", "SRANDOM", "!", "$", "-", "_",
    "HOSTNAME", "UID", "EUID", "GROUPS", "OSTYPE", "HOSTTYPE", "MACHTYPE", "BASH_VERSION", "PIPESTATUS", "FUNCNAME",
))  # fmt: skip


class Reader:
    """Reads variables of a state; what expands words is added to it."""

    def __init__(self, state: State, conditional: bool) -> None:
        self.state, self.conditional = state, conditional

    def text(self, word: Word) -> str:
        """The word as one text."""
        raise NotImplementedError

    def pattern(self, word: Word) -> str:
        """The word as a pattern."""
        raise NotImplementedError

    def number(self, expression: Word, guess: bool = False) -> int:
        """The value of an arithmetic expression."""
        raise NotImplementedError

    def one(self, part: Part) -> str:
        """The value of a part."""
        raise NotImplementedError

    def unsure(self, source: str) -> Outcome:
        """An outcome that is not known."""
        return Outcome(None, True, source, source)

    def scalar(self, name: str, index: Word | None = None) -> str | None:
        """The value of a variable or an item; None where it is known to be unset."""
        if name in _RUNTIME and name not in self.state.values:
            return marks.computed(f"${name}")
        if name.isdigit() or name in "?#@*":
            return self._special(name)
        value = self._named(name)
        if isinstance(value, dict):
            return value.get(self._key(value, index))
        if index is not None and value is not None and marks.known(value):
            return value if self._key({}, index) == "0" else None
        if value is not None and marks.only(value) == name and not self.conditional and self._own(name):
            return None
        return value

    def _own(self, name: str) -> bool:
        """Whether the text itself sets the variable elsewhere, so that nobody else is expected to."""
        return name in self.state.world.assigned and name not in self.state.outer

    def _named(self, name: str) -> str | dict[str, str] | None:
        state = self.state
        if name == "PWD":
            return state.cwd
        if name == "BASH_SOURCE" and name not in state.values:
            return {"0": state.source or self.zero()}
        return state.get(name)

    def _special(self, name: str) -> str | None:
        given = self.state.arguments
        if name == "#":
            return str(len(given))
        if name == "?":
            holds = self.state.status.holds
            return "0" if holds else marks.computed("$?") if holds is None else "1"
        if name == "0":
            return self.zero()
        return given[int(name) - 1] if int(name[:6]) <= len(given) else None

    def zero(self) -> str:
        """`$0`: the name that leads to the script's folder."""
        setting = self.state.world.setting
        home, name = setting.home, setting.name
        if home is None or os.path.normpath(os.path.join(setting.cwd, os.path.dirname(name))) == os.path.normpath(home):
            return name
        return os.path.join(home, os.path.basename(name))

    def _key(self, value: dict[str, str], index: Word | None) -> str:
        if index is None:
            return "0"
        text = self.text(index)
        if text in value or not all(k.isdigit() for k in value):
            return text
        try:
            number = self.number(index)
        except NotKnown:
            return text
        return str(number + (max(map(int, value), default=-1) + 1 if number < 0 else 0))

    def items(self, part: Parameter) -> list[str] | None:
        """The items of `$@` and `${LIST[@]}`; None for what is one value."""
        every = part.index is not None and part.index.source in ("@", "*")
        if not every and part.name not in ("@", "*"):
            return None
        if part.prefix == "#":
            return [str(len(self._listed(part) or []))]
        found = self._listed(part)
        if (
            found is None
            and part.op[:1] in (":", "-", "=", "+")
            and part.op != ":"
            and part.name not in self.state.outer
        ):
            found = []
        if found is None:
            return [marks.unset(part.name, part.source)]
        if part.op == ":":
            found = self._slice(part, found)
        elif part.op and part.op[-1] in "-=+?" and part.op[0] in ":-=+?":
            there = bool(found)
            if there == (part.op[-1] == "+") and part.argument is not None:
                found = [self.text(part.argument)]
        elif part.op:
            found = [changed(self, part, item) for item in found]
        joined = (part.index.source if part.index else part.name) == "*" and part.quoted
        return [self._separator().join(found)] if joined else found

    def _separator(self) -> str:
        found = self.state.get("IFS")
        return found[:1] if isinstance(found, str) and marks.known(found) else " "

    def _listed(self, part: Parameter) -> list[str] | None:
        if part.name in ("@", "*"):
            return list(self.state.arguments)
        value = self._named(part.name)
        if isinstance(value, dict):
            return list(value) if part.prefix == "!" else list(value.values())
        if value is None or (marks.only(value) == part.name and self._own(part.name)):
            return []
        return None if marks.only(value) else ["0"] if part.prefix == "!" else [value]

    def _slice(self, part: Parameter, found: list[str]) -> list[str]:
        bounds = self.bounds(part)
        if bounds is None:
            return [marks.computed(part.source)]
        first, length = bounds
        whole = [self.zero(), *found] if part.name in ("@", "*") else found
        first = max(0, first + len(whole)) if first < 0 else first
        return whole[first:] if length is None else whole[first : first + length]

    def bounds(self, part: Parameter) -> tuple[int, int | None] | None:
        """The numbers of `${X:first:length}`."""
        try:
            first = self.number(part.argument) if part.argument else 0
            return first, self.number(part.second) if part.second else None
        except NotKnown:
            return None


def parameter(reader: Reader, part: Parameter) -> str:
    """The value of one variable with its operator."""
    name = part.name
    if part.prefix == "!":
        pointed = reader.scalar(name, part.index)
        if pointed is None or not re.fullmatch(r"\w+", pointed):
            return marks.computed(part.source)
        name = pointed
    value = reader.scalar(name, part.index if part.prefix != "!" else None)
    if part.prefix == "#":
        return str(len(value or "")) if value is None or marks.known(value) else marks.computed(part.source)
    if part.op and part.op[-1] in "-=+?" and part.op[0] in ":-=+?":
        return _defaulted(reader, part, name, value)
    if not part.op:
        return value or ""
    return changed(reader, part, value or "")


def _defaulted(reader: Reader, part: Parameter, name: str, value: str | None) -> str:
    """`:-`, `:=`, `:+`, `:?` and these without a colon."""
    state, kind = reader.state, part.op[-1]
    argument = part.argument or Word(())
    foreign = value is not None and marks.only(value) == name
    outside = foreign and name not in state.outer
    empty = value is None or outside or (part.op[0] == ":" and not value)
    unsure = outside and (reader.conditional or state.world.setting.open_environment)
    if kind == "?":
        if empty and not unsure:
            state.flow = "exit"
            state.tell(f"the script ends where it needs `{name}`, which is not set")
        return value or ""
    if kind == "+":
        return marks.default(name, "") if empty and unsure else "" if empty else reader.text(argument)
    if not empty:
        return value or ""
    found = reader.text(argument)
    found = marks.default(name, found) if unsure else found
    if kind == "=":
        state.put(name, found)
    return found


def changed(reader: Reader, part: Parameter, value: str) -> str:
    """A value behind `#`, `%`, `/`, `^`, `,`, `:`."""
    op, argument = part.op, part.argument or Word(())
    if not marks.known(value):
        return marks.computed(part.source)
    if op == ":":
        bounds = reader.bounds(part)
        if bounds is None:
            return marks.computed(part.source)
        first, length = bounds
        first = max(0, first + len(value)) if first < 0 else first
        return (
            value[first:] if length is None else value[first : first + length] if length >= 0 else value[first:length]
        )
    if op[0] in "^,":
        change = str.upper if op[0] == "^" else str.lower
        return change(value) if len(op) == 2 else change(value[:1]) + value[1:]
    if op == "@":
        return marks.computed(part.source)
    pattern = reader.pattern(argument)
    new = reader.text(part.second) if part.second else ""
    if not marks.known(pattern) or not marks.known(new):
        return marks.computed(part.source)
    if not reader.state.world.spend(len(value) >> 6):
        return value
    return replaced(op, pattern, new, value) if op[0] == "/" else trimmed(op, pattern, value)


def literal(text: str) -> Word:
    """A word of plain text."""
    return Word((Literal(text),), text)
