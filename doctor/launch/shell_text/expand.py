"""Words as the commands see them: variables, substitutions, braces, fields. Nothing is run: substitutions on paper."""

from __future__ import annotations

import re

from doctor.launch.shell import LARGEST
from doctor.launch.shell_text import marks
from doctor.launch.shell_text.arithmetic import NotKnown, evaluated
from doctor.launch.shell_text.braces import braced
from doctor.launch.shell_text.glob import escaped
from doctor.launch.shell_text.parameter import Reader, parameter
from doctor.launch.shell_text.state import State, of_files
from doctor.launch.shell_text.tree import Arithmetic, Literal, Parameter, Part, Process, Substitution, Word

_BLANK, _ITEMS = " \t\n", 1000


class _Fields:
    """The fields of a word while it is expanded; an empty one stays only where it was quoted."""

    def __init__(self, separators: str) -> None:
        self.texts, self.quoted, self.separators = [""], [False], separators

    def add(self, text: str, quoted: bool) -> None:
        self.texts[-1] += text
        self.quoted[-1] |= quoted

    def next(self) -> None:
        self.texts.append("")
        self.quoted.append(False)

    def split(self, text: str) -> None:
        """Adds an unquoted value; a part that is not known stays whole."""
        for piece in marks.pieces(text):
            if not marks.known(piece):
                self.add(piece, False)
                continue
            for char in re.split(f"([{re.escape(self.separators)}])", piece) if self.separators else [piece]:
                if char and char in self.separators:
                    blank = char in _BLANK
                    if not blank or self.texts[-1] or self.quoted[-1]:
                        self.quoted[-1] |= not blank
                        self.next()
                elif char:
                    self.add(char, False)

    def items(self, texts: list[str]) -> None:
        """Adds `"$@"`: one field for each."""
        for at, text in enumerate(texts[:_ITEMS]):
            if at:
                self.next()
            self.add(text, True)

    def all(self) -> list[str]:
        found = zip(self.texts, self.quoted, strict=True)
        return [text for text, quoted in found if quoted or marks.plain(text)]


class Expander(Reader):
    """Expands words in a state; where `conditional`, a variable that nobody sets may still be set."""

    def fields(self, word: Word) -> list[str]:
        """The words that one word makes: none, one or several."""
        out: list[str] = []
        for one in braced(word):
            out += self._fields(one)
            if sum(map(len, out)) > LARGEST or len(out) > 8 * _ITEMS:
                self.state.world.spend(64)
                break
        return out

    def _fields(self, word: Word, loose: bool = False) -> list[str]:
        """The fields of a word without braces; `loose`: of a default, whose blanks part it."""
        found = self.state.get("IFS")
        out = _Fields(found if isinstance(found, str) and marks.known(found) else _BLANK)
        nothing = False
        for part in self._tilde(word.parts):
            if isinstance(part, Literal) and loose and not part.quoted:
                out.split(part.text)
                continue
            if isinstance(part, Literal):
                # the empty text that marks a quotation makes a field, unless a list without items is in it
                out.add(part.text, part.quoted and not (nothing and not part.text))
                continue
            if isinstance(part, Parameter) and (spelled := self._spelled(part)) is not None:
                out.items(spelled)
                continue
            if isinstance(part, Parameter) and (items := self.items(part)) is not None:
                if part.quoted:
                    nothing = not items
                    if nothing and not out.texts[-1]:
                        out.quoted[-1] = False
                    out.items(items)
                else:
                    out.split(" ".join(items))
                continue
            text = self.one(part)
            if part.quoted:
                out.add(text, True)
            else:
                out.split(text)
            if sum(map(len, out.texts)) > LARGEST or not self.state.world.spend(len(text) >> 8):
                break
        return out.all()

    def _spelled(self, part: Parameter) -> list[str] | None:
        """The fields of `"a b"` in an unquoted `${X:-"a b"}` that uses it."""
        argument = part.argument
        if (
            part.quoted
            or argument is None
            or part.op[-1:] not in tuple("-=+")
            or not any(p.quoted for p in argument.parts)
        ):
            return None
        items = self.items(part)
        text = parameter(self, part) if items is None else " ".join(items)
        return self._fields(argument, loose=True) if text == self.text(argument) else None

    def text(self, word: Word) -> str:
        """The word as one text, as behind `NAME=`."""
        out, length = [], 0
        for part in self._tilde(word.parts):
            out.append(part.text if isinstance(part, Literal) else self.one(part))
            length += len(out[-1])
            if length > LARGEST or not self.state.world.spend(len(out[-1]) >> 8):
                break
        return "".join(out)

    def pattern(self, word: Word) -> str:
        """The word as a pattern; what is quoted in it matches itself."""
        out = []
        for part in self._tilde(word.parts):
            text = part.text if isinstance(part, Literal) else self.one(part)
            out.append(escaped(text) if part.quoted and marks.known(text) else text)
        return "".join(out)[:LARGEST]

    def _tilde(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        first = parts[0] if parts else None
        if not isinstance(first, Literal) or first.quoted or first.text != "~":
            return parts
        home = self.state.get("HOME")
        return (Literal(home, True), *parts[1:]) if isinstance(home, str) and marks.known(home) else parts

    def one(self, part: Part) -> str:
        """The value of a part that is not a literal, unsplit."""
        if isinstance(part, Parameter):
            items = self.items(part)
            return " ".join(items) if items is not None else parameter(self, part)
        if isinstance(part, Arithmetic):
            return self.calculated(part)
        if isinstance(part, Process):
            self._beside(part)
            return marks.computed(part.source)
        return self._output(part) if isinstance(part, Substitution) else ""

    def calculated(self, part: Arithmetic) -> str:
        """The value of `$((...))`."""
        try:
            return str(self.number(part.expression))
        except NotKnown:
            return marks.computed(part.source)

    def number(self, expression: Word, guess: bool = False) -> int:
        """The value of an arithmetic expression; with `guess`, what nobody sets counts as 0."""
        text = self.text(expression)
        if not marks.known(text) and not guess:
            raise NotKnown(text)

        def get(name: str) -> str:
            name, bracket, index = name.partition("[")
            key = Word((Literal(index[:-1]),)) if bracket else None
            value = self.scalar(name, key)
            if value is not None and not marks.known(value):
                if not guess or marks.runtime(value):
                    raise NotKnown(name)
                return marks.guessed(value)
            return value or "0"

        def put(name: str, value: str) -> None:
            if "[" not in name:
                self.state.put(name, value)

        return evaluated(marks.guessed(text), get, put)

    def _beside(self, part: Process) -> str:
        """What `<(commands)` print; they start next to the command that reads them."""
        inner = self.state.copy()
        inner.out, inner.capturing = "", True
        found = self.state.world.run(part.body, inner)
        for one in found[:1]:
            self.state.starts = one.starts
        return found[0].out if len(found) == 1 else marks.computed(part.source)

    def input(self, word: Word) -> str | None:
        """The text of a file that is read, or of `<(commands)`; None where it is not known."""
        if len(word.parts) == 1 and isinstance(word.parts[0], Process):
            found = self._beside(word.parts[0])
            return None if marks.runtime(found) else found
        path = self.text(word)
        return self.state.content(self.state.path(path)) if marks.known(path) else None

    def _output(self, part: Substitution) -> str:
        """What the commands print, as far as that is known."""
        inner = self.state.copy()
        inner.out, inner.capturing, inner.flow, inner.starts = "", True, "", ()
        inner.trap = ""
        found = self.state.world.run(part.body, inner)
        texts = {s.out for s in found}
        located = self.conditional and re.match(r"(?:\$\(|`)\s*(?:command -v|which|type -P)\s", part.source)
        if not found or len(texts) > 1 or marks.runtime(found[0].out) or located or of_files(inner, found[0].out):
            self.state.status = found[0].status if len(found) == 1 else self.unsure(part.source)
            text = marks.computed(part.source)
        else:
            self.state.status = found[0].status
            text = found[0].out.rstrip("\n")
        for one in found[:1]:
            self.state.starts += tuple(s for s in one.starts if s.background)
        return text


def expander(state: State, conditional: bool = False) -> Expander:
    """The expander of a state."""
    return Expander(state, conditional)
