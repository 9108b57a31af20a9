"""Other texts that a script runs: `eval`, `source FILE`, scripts that it wrote itself."""

from __future__ import annotations

import os
import re

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.launch.shell import LARGEST
from doctor.launch.shell_text import marks
from doctor.launch.shell_text.grammar import parsed
from doctor.launch.shell_text.result import Setting
from doctor.launch.shell_text.settings import activated
from doctor.launch.shell_text.state import SUCCESS, State, World
from doctor.launch.shell_text.tree import Node, Simple

_QUIET_FILES = frozenset(
    ("conda.sh", "mamba.sh", "micromamba.sh", ".bashrc", ".profile", ".bash_profile", "profile", "bashrc")
)
_CONDA = ("conda", "mamba", "micromamba")
_SHELLS = late_pattern(r"(?:.*/)?(?:ba|da|z|k|a)?sh")
_SOURCES = 8


class Texts:
    """Follows the commands of other texts; what follows commands is added to it."""

    def __init__(self, setting: Setting) -> None:
        self.world = World(setting, self.run)
        self.sources = 0

    def run(self, nodes: tuple[Node, ...], state: State) -> list[State]:
        """The states behind the commands."""
        raise NotImplementedError

    def node(self, node: Node, state: State) -> list[State]:
        """The states behind one command."""
        raise NotImplementedError

    def stopped(self, state: State, why: str) -> None:
        """Ends a way that cannot be followed further."""
        state.tell(why)
        state.flow = "exit"

    def returned(self, parent: State, child: State) -> State:
        """The state of a shell behind a subshell: what the subshell started stays, what it set does not."""
        back = parent.copy()
        back.starts, back.guards, back.unknown, back.decided = (
            child.starts,
            child.guards,
            child.unknown,
            dict(child.decided),
        )
        back.files, back.out, back.status, back.cost = dict(child.files), child.out, child.status, child.cost
        return back

    def _eval(self, node: Simple, words: list[str], state: State) -> list[State]:
        text = " ".join(words[1:])
        if marks.runtime(text) and marks.pieces(text) == [text]:
            if not any(name in text for name in (*_CONDA, "ssh-agent", "lesspipe", "dircolors")):
                state.tell(f"what `{one_line(node.source, 80)}` runs is known only when the script runs")
            state.status = SUCCESS
            return [state]
        return self._followed(text, state, node)

    def _followed(self, text: str, state: State, node: Simple) -> list[State]:
        """The commands of another text, in this shell."""
        if self.sources >= _SOURCES or not self.world.spend(1 + (len(text) >> 9)):
            self.stopped(state, "the script refers to itself, or is too long to be read to its end")
            return [state]
        script = parsed(text[:LARGEST])
        self.world.assigned |= script.assigned
        if script.broken is not None:
            state.tell(f"line {script.broken} of `{one_line(node.source, 60)}` cannot be parsed")
        self.sources += 1
        self.world.depth += 2
        states = self.run(script.body, state)
        self.world.depth -= 2
        self.sources -= 1
        return states

    def _source(self, node: Simple, words: list[str], state: State) -> list[State]:
        name = words[1] if len(words) > 1 else ""
        path = state.path(name)
        folder, base = os.path.split(path)
        state.status = SUCCESS
        text = state.read(path) if marks.known(name) and name else None
        if base == "activate" and os.path.basename(folder) in ("bin", "Scripts") and marks.known(path):
            activated(state, "VIRTUAL_ENV", os.path.dirname(folder))
        elif base == "activate" and marks.known(path):
            activated(state, "CONDA_PREFIX", os.path.dirname(os.path.dirname(path)))
        elif base in _QUIET_FILES:
            pass
        elif text is None:
            state.tell(f"what `{one_line(marks.plain(name), 100)}` sets is not read")
        else:
            return self._sourced(text, path, node, words, state)
        return [state]

    def _sourced(self, text: str, path: str, node: Simple, words: list[str], state: State) -> list[State]:
        before, arguments = state.source, state.arguments
        state.source = path
        if len(words) > 2:
            state.arguments = tuple(words[2:])
        states = self._followed(text, state, node)
        for one in states:
            one.flow = "" if one.flow == "return" else one.flow
            one.source = before
            one.arguments = arguments if len(words) > 2 else one.arguments
        return states

    def _written(self, words: list[str], state: State) -> tuple[str, list[str]] | None:
        """The script that the words start, where the text itself wrote it before; with its arguments."""
        rest = list(words)
        while rest and rest[0] in ("nohup", "setsid", "exec", "time"):
            rest.pop(0)
        if rest and _SHELLS.fullmatch(rest[0]):
            rest.pop(0)
            while rest and re.fullmatch(r"[-+][a-bd-z]+", rest[0]):
                rest.pop(0)
        elif rest and "/" not in rest[0]:
            return None
        path = state.path(rest[0]) if rest else ""
        return (path, rest[1:]) if state.files.get(path) is not None else None

    def _child(self, path: str, arguments: list[str], node: Simple, state: State) -> list[State]:
        child = state.copy()
        child.values = {n: v for n, v in state.values.items() if n in state.exported}
        child.functions, child.frames, child.options, child.trap = {}, (), frozenset(), ""
        child.arguments, child.source = tuple(arguments), path
        states = self._followed(state.files[path] or "", child, node)
        return [self.returned(state, one) for one in states]
