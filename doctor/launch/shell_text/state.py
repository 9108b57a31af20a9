"""Where a way through the text has come to: variables, the folder, the commands so far, the outcome of the last one."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import field

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.launch.shell import LARGEST
from doctor.launch.shell_text import marks
from doctor.launch.shell_text.contents import is_private, may_be_shown
from doctor.launch.shell_text.result import Setting, Start
from doctor.launch.shell_text.tree import Node

STEPS = 4000
DEEPEST = 40
Value = str | dict[str, str]
Run = Callable[[tuple[Node, ...], "State"], "list[State]"]


class World:
    """What all ways share: where the text runs, what is left of the steps, and how commands are followed."""

    def __init__(self, setting: Setting, run: Run) -> None:
        self.setting, self.run = setting, run
        self.steps, self.depth, self.drawn = STEPS, 0, 0  # `drawn`: how many files were read for their content
        self.assigned: frozenset[str] = frozenset()

    def spend(self, steps: int = 1) -> bool:
        """Takes steps; False when none are left."""
        self.steps -= steps
        return self.steps > 0


@dataclass(frozen=True)
class Outcome:
    """Whether a command succeeds; where `holds` is None, `guess` is what bash would find with what is known.

    `text` is the condition as written, `key` what makes two of them the same, `empty` and `filled` the variables that
    are empty or set where it holds, `test` whether it is a test rather than a program.
    """

    holds: bool | None
    guess: bool = True
    text: str = ""
    key: object = None
    test: bool = False
    negated: bool = False
    about: frozenset[str] = frozenset()
    empty: str | None = None
    filled: str | None = None


SUCCESS, FAILURE = Outcome(True), Outcome(False)
_COMPARED = (
    "starts", "cwd", "flow", "levels", "arguments", "exported", "own", "gone", "outer", "unknown", "out", "stdin",
    "status", "trap", "options", "values", "files", "functions", "frames",
)  # fmt: skip


@dataclass
class State:
    """One way, up to here. Its containers are replaced rather than changed, but for those that `copy` copies."""

    world: World
    values: dict[str, Value]
    exported: frozenset[str]
    arguments: tuple[str, ...]
    cwd: str
    own: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    outer: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    functions: dict[str, Node] = field(default_factory=dict)
    starts: tuple[Start, ...] = ()
    guards: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    decided: dict[object, bool] = field(default_factory=dict)
    files: dict[str, str | None] = field(default_factory=dict)
    frames: tuple[dict[str, tuple[Value | None, bool]], ...] = ()
    options: frozenset[str] = frozenset()
    status: Outcome = SUCCESS
    flow: str = ""
    levels: int = 0
    out: str = ""
    stdin: str | None = None
    background: bool = False
    capturing: bool = False
    source: str | None = None
    trap: str = ""
    loop: tuple[int, ...] = ()
    cost: int = 0

    def copy(self) -> State:
        """Another state that can go another way."""
        new = copy.copy(self)
        new.values, new.functions = dict(self.values), dict(self.functions)
        new.decided, new.files = dict(self.decided), dict(self.files)
        return new

    def same(self, other: State) -> bool:
        """Whether both are alike but for what was assumed on the way."""
        return all(getattr(self, name) == getattr(other, name) for name in _COMPARED)

    def get(self, name: str) -> Value | None:
        """The value of a variable: None where it is known to be unset, marked text where nobody sets it."""
        found = self.values.get(name)
        if found is None and name not in self.gone:
            return marks.unset(name, f"${{{name}}}")
        return found

    def put(self, name: str, value: Value) -> None:
        """Sets a variable."""
        if isinstance(value, str) and len(value) > LARGEST:
            value = marks.computed(f"${{{name}}}")
        self.values[name] = value
        self.own |= {name}
        self.gone -= {name}
        if "a" in self.options:
            self.exported |= {name}
        if name in self.exported:
            self.dropped -= {name}

    def drop(self, name: str) -> None:
        """Unsets a variable."""
        self.values.pop(name, None)
        if name in self.exported or self.world.setting.open_environment:
            self.dropped |= {name}
        self.exported -= {name}
        self.gone |= {name}

    def local(self, name: str) -> None:
        """Makes a variable local to the function that runs."""
        if self.frames and name not in self.frames[-1]:
            frame = {**self.frames[-1], name: (self.values.get(name), name in self.gone)}
            self.frames = (*self.frames[:-1], frame)
            self.values.pop(name, None)
            self.gone |= {name}

    def leave(self) -> None:
        """Gives the local variables of a function their former values."""
        *rest, frame = self.frames
        self.frames = tuple(rest)
        for name, (value, gone) in frame.items():
            self.values.pop(name, None)
            if value is not None:
                self.values[name] = value
            self.gone = self.gone | {name} if gone else self.gone - {name}

    def tell(self, sentence: str) -> None:
        """Adds what is unknown on the whole."""
        if sentence not in self.unknown and len(self.unknown) < 16:
            self.unknown = (*self.unknown, sentence)

    def path(self, text: str) -> str:
        """An absolute path."""
        return os.path.normpath(os.path.join(self.cwd, text))

    def read(self, path: str) -> str | None:
        """The text of a file: what this way wrote to it, else what is on disk."""
        if path in self.files:
            return self.files[path]
        found = self.world.setting.read(path)
        return None if found is None else marks.without_marks(found[:LARGEST]).replace("\r\n", "\n")

    def content(self, path: str) -> str | None:
        """The text of a file for what it says, not as a script; None for one that is for its owner's eyes."""
        if path not in self.files:
            if is_private(path):
                return None
            self.world.drawn += 1
        return self.read(path)

    def exists(self, path: str) -> bool | None:
        """Whether there is a file, None where that is unknown."""
        if path in self.files:
            return True
        found = self.world.setting.exists(path)
        return True if found is None and self.world.setting.read(path) is not None else found

    def write(self, path: str, text: str, append: bool) -> None:
        """Keeps what was written to a file; None where a program wrote it."""
        before = self.files.get(path, "") if append else ""
        whole = None if before is None or marks.runtime(text) else (before + text)[:LARGEST]
        if len(self.files) < 64:
            self.files[path] = whole

    def say(self, text: str) -> None:
        """Writes to standard output."""
        self.out = (self.out + text)[:LARGEST] if marks.known(self.out + text) else self.out + text
        if len(self.out) > 2 * LARGEST:
            self.out = marks.computed("...")

    def environ(self, before: dict[str, str]) -> dict[str, str]:
        """The exported variables, with the assignments in front of a command."""
        out = {n: v for n, v in self.values.items() if n in self.exported and isinstance(v, str)}
        return {n: marks.plain(v) for n, v in {**out, **before}.items()}


def of_files(state: State, text: str) -> bool:
    """Whether files were read and this text is no words of a command, so that it may be somebody's secret."""
    return state.world.drawn > 0 and marks.known(text) and not may_be_shown(text)


def decisions(state: State) -> Iterator[tuple[State, bool]]:
    """The ways on from a command: one where its outcome is known, else one for each outcome, the likelier first."""
    outcome = state.status
    if outcome.holds is not None:
        yield state, outcome.holds
        return
    before = state.decided.get(outcome.key)
    if before is not None:
        holds = before if outcome.test else True
        state.status = SUCCESS if holds != outcome.negated else FAILURE
        yield state, holds != outcome.negated
        return
    other = state.copy()
    for one, holds in ((state, outcome.guess), (other, not outcome.guess)):
        one.cost += holds != outcome.guess
        one.decided[outcome.key] = holds
        how = ("holds" if holds else "does not hold") if outcome.test else "succeeds" if holds else "fails"
        one.guards = (*one.guards, f"`{one_line(outcome.text, 80)}` {how}")
        _supposed(one, outcome, holds)
        one.status = SUCCESS if holds != outcome.negated else FAILURE
        yield one, holds != outcome.negated


def _supposed(state: State, outcome: Outcome, holds: bool) -> None:
    """What the assumption says about the variables of the condition."""
    empty, filled = (outcome.empty, outcome.filled) if holds else (outcome.filled, outcome.empty)
    if empty:
        state.gone |= {empty}
    elif filled:
        state.outer |= {filled}
    elif holds != outcome.guess:
        state.outer |= outcome.about


def merged(states: list[State], most: int = 16) -> list[State]:
    """The states without those that are like another, and without the least likely beyond `most`."""
    out: list[State] = []
    for state in states:
        twin = next((o for o in out if o.same(state)), None)
        if twin is None:
            out.append(state)
            continue
        twin.guards = tuple(g for g in twin.guards if g in state.guards)
        twin.decided = {k: v for k, v in twin.decided.items() if state.decided.get(k) == v}
        twin.cost = min(twin.cost, state.cost)
    out.sort(key=lambda s: s.cost)
    if len(out) > most:
        del out[most:]
        for state in out:
            state.tell(f"the text has more than {most} paths; the least likely are not read")
    return out
