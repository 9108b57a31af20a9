"""Simple commands: assignments, functions, builtins, and the external commands that are the answer."""

from __future__ import annotations

import re
from dataclasses import replace

from doctor.launch.shell_text import marks
from doctor.launch.shell_text.arithmetic import NotKnown
from doctor.launch.shell_text.conditions import test
from doctor.launch.shell_text.expand import expander
from doctor.launch.shell_text.grammar import parsed
from doctor.launch.shell_text.printing import echoed, formatted
from doctor.launch.shell_text.programs import Programs
from doctor.launch.shell_text.settings import CHANGES, assigned, conda, declare
from doctor.launch.shell_text.state import FAILURE, SUCCESS, State, of_files
from doctor.launch.shell_text.tree import Arithmetic, Node, Simple, Word

_DECLARING = frozenset(("declare", "typeset", "local", "export", "readonly"))
_QUIET = frozenset(
    (
        ":",
        "true",
        "wait",
        "ulimit",
        "umask",
        "shopt",
        "alias",
        "jobs",
        "disown",
        "bg",
        "fg",
        "kill",
        "times",
        "bind",
        "enable",
        "deactivate",
    )
)
_CONDA = ("conda", "mamba", "micromamba")


class Commands(Programs):
    """Follows simple commands; what follows compound ones is added to it."""

    def simple(self, node: Simple, state: State) -> list[State]:
        """One simple command."""
        first = node.words[0].source if node.words and isinstance(node.words[0], Word) else ""
        if first in _DECLARING:
            declare(state, list(node.words), node)
            return [state]
        reading = expander(state, conditional=first in ("[", "test"))
        state.status = SUCCESS if not node.words else state.status
        words: list[str] = []
        for word in node.words:
            words += reading.fields(word) if isinstance(word, Word) else [f"{word.name}="]
        if state.flow or not self.world.spend(len(words) >> 3):
            state.flow = "exit"
            return [state]
        if words:
            return self._with_assignments(node, words, state)
        for assignment in node.assignments:
            assigned(state, assignment)
        return [state]

    def _with_assignments(self, node: Simple, words: list[str], state: State) -> list[State]:
        """A command with `A=b` in front of it: set for this command alone."""
        if not node.assignments:
            return self.called(node, words, state)
        kept = {a.name: state.values.get(a.name) for a in node.assignments}
        exported, own, gone = state.exported, state.own, state.gone
        for assignment in node.assignments:
            assigned(state, assignment)
        state.exported |= frozenset(kept)
        states = self.called(node, words, state)
        for one in states:
            for name, value in kept.items():
                one.values.pop(name, None)
                if value is not None:
                    one.values[name] = value
            names = frozenset(kept)
            one.exported = (one.exported - names) | (exported & names)
            one.own, one.gone = (one.own - names) | (own & names), (one.gone - names) | (gone & names)
        return states

    def called(self, node: Simple, words: list[str], state: State) -> list[State]:
        """A command by its expanded words."""
        name = words[0]
        if name in state.functions:
            return self._function_call(state.functions[name], words, state)
        if name in ("command", "builtin"):
            return self._command(node, words, state)
        if name == "exec":
            return self._exec(node, words, state)
        if name in _FLOWS:
            return _FLOWS[name](self, node, words, state)
        if self._builtin(node, words, state):
            return [state]
        return self.external(node, words, state)

    def _builtin(self, node: Simple, words: list[str], state: State) -> bool:
        name = words[0]
        state.status = SUCCESS if name not in ("[", "test") else state.status
        if name in ("[", "test"):
            inner = words[1:-1] if name == "[" and words[-1] == "]" else words[1:]
            found = test(inner, node.source, state)
            state.status = found if found.holds is not None else replace(found, text=node.source)
        elif name in CHANGES:
            CHANGES[name](state, words)
        elif name == "echo":
            state.say(echoed(words))
        elif name == "printf":
            self._printf(words, state)
        elif name == "pwd":
            state.say(state.cwd + "\n")
        elif name == "let":
            self._let(words, state)
        elif name in ("mapfile", "readarray"):
            self._mapfile(words, state)
        elif name in ("type", "hash"):
            state.status = self.found(words[-1], node)
        elif name == "trap":
            state.trap = words[1] if len(words) > 2 and {"EXIT", "0"} & set(words[2:]) else state.trap
        elif name in _CONDA and words[1:2] in (["activate"], ["deactivate"]):
            if words[1] == "activate":
                conda(state, words[2] if len(words) > 2 else "base")
        elif name in _DECLARING:
            declare(state, [Word((), name), *node.words[1:]], node)
        elif name == "false":
            state.status = FAILURE
        else:
            return name in _QUIET
        return True

    def _printf(self, words: list[str], state: State) -> None:
        if words[1:2] == ["-v"] and len(words) > 3:
            state.put(words[2], formatted([words[0], *words[3:]]))
        else:
            state.say(formatted(words if words[1:2] != ["--"] else [words[0], *words[2:]]))

    def _let(self, words: list[str], state: State) -> None:
        reading = expander(state)
        for text in words[1:]:
            found = (
                reading.calculated(Arithmetic(Word((), text), text))
                if not marks.known(text)
                else self._number(text, state)
            )
            state.status = SUCCESS if found != "0" else FAILURE

    def _number(self, text: str, state: State) -> str:
        tree = parsed(f"(({text}))").body
        expression = getattr(tree[0], "expression", None) if tree else None
        try:
            return str(expander(state).number(expression)) if expression is not None else ""
        except NotKnown:
            return ""

    def _mapfile(self, words: list[str], state: State) -> None:
        name = words[-1] if not words[-1].startswith("-") and len(words) > 1 else "MAPFILE"
        if state.stdin is not None and marks.known(state.stdin) and "-t" in words and not of_files(state, state.stdin):
            state.put(name, {str(n): line for n, line in enumerate(state.stdin.splitlines()[:1000])})
        else:
            state.put(name, marks.computed(f"${{{name}[@]}}"))

    def _command(self, node: Simple, words: list[str], state: State) -> list[State]:
        rest = words[1:]
        if rest and rest[0] in ("-v", "-V"):
            name = rest[-1]
            state.say(f"{name}\n" if marks.known(name) else marks.computed(node.source))
            known = name in state.functions or name in ("[", "echo", "cd")
            state.status = SUCCESS if known else self.found(name, node)
            return [state]
        rest = rest[1:] if rest[:1] == ["-p"] else rest
        if not rest:
            return [state]
        hidden = state.functions.pop(rest[0], None)
        states = self.called(node, rest, state)
        for one in states:
            if hidden is not None:
                one.functions[rest[0]] = hidden
        return states

    def _exec(self, node: Simple, words: list[str], state: State) -> list[State]:
        rest = words[1:]
        while rest and rest[0].startswith("-") and len(rest[0]) > 1:
            option = rest.pop(0)
            if option == "-a" and rest:
                rest.pop(0)
            if option == "--":
                break
        if not rest:
            return [state]
        states = self.external(node, rest, state)
        for one in states:
            one.flow = "exit"
        return states

    def _function_call(self, body: Node, words: list[str], state: State) -> list[State]:
        before = state.arguments
        state.arguments, state.frames = tuple(words[1:]), (*state.frames, {})
        self.world.depth += 2
        states = self.run((body,), state)
        self.world.depth -= 2
        for one in states:
            one.flow = "" if one.flow == "return" else one.flow
            one.leave()
            one.arguments = before
        return states

    def _ending(self, node: Simple, words: list[str], state: State) -> list[State]:
        """`exit N`, `return N`."""
        state.flow = "exit" if words[0] == "exit" else "return"
        if len(words) > 1:
            state.status = SUCCESS if words[1] == "0" else FAILURE
        return [state]

    def _leaving(self, node: Simple, words: list[str], state: State) -> list[State]:
        """`break N`, `continue N`."""
        state.flow = words[0]
        state.levels = int(words[1]) if len(words) > 1 and re.fullmatch(r"\d{1,3}", words[1]) else 1
        return [state]


_FLOWS = {
    "exit": Commands._ending, "return": Commands._ending, "break": Commands._leaving, "continue": Commands._leaving,
    "eval": Commands._eval, "source": Commands._source, ".": Commands._source,
}  # fmt: skip
