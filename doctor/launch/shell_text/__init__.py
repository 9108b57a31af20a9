"""The one reader of shell text: it parses a script and follows, on paper, the ways that bash could go through it."""

from __future__ import annotations

from doctor.launch.shell import LARGEST
from doctor.launch.shell_text import marks
from doctor.launch.shell_text.grammar import parsed
from doctor.launch.shell_text.result import Setting, Start, Way
from doctor.launch.shell_text.state import State, merged
from doctor.launch.shell_text.walk import Walk

__all__ = ["LARGEST", "Setting", "Start", "Way", "ways"]
_MOST = 16


def ways(text: str, setting: Setting) -> tuple[Way, ...]:
    """The ways through a text, the one that bash would go with what is known first; 16 at most, and one at least."""
    script = parsed(marks.without_marks(text[:LARGEST]).replace("\r\n", "\n"))
    walk = Walk(setting)
    walk.world.assigned = script.assigned
    state = _begun(walk, setting)
    if script.broken is not None:
        state.tell(f"line {script.broken} of the script cannot be parsed")
    if len(text) > LARGEST:
        state.tell(f"the script is larger than {LARGEST >> 10} KiB; only its beginning is read")
    try:
        states = walk.run(script.body, state)
    except RecursionError:
        state.tell("commands are nested too deeply to be read")
        states = [state]
    states = [after for one in states for after in _trapped(walk, one)]
    return tuple(_way(one) for one in merged([_ended(s) for s in states]))[:_MOST]


def _begun(walk: Walk, setting: Setting) -> State:
    environ = {n: marks.without_marks(v) for n, v in setting.environ.items()}
    variables = {n: marks.without_marks(v) for n, v in setting.variables.items()}
    arguments = tuple(marks.without_marks(a) for a in setting.arguments)
    return State(walk.world, {**variables, **environ}, frozenset(environ), arguments, setting.cwd)


def _trapped(walk: Walk, state: State) -> list[State]:
    """A trap counts only where nothing else starts anything."""
    if state.starts or not state.trap:
        return [state]
    state.flow = ""
    return walk.run(parsed(state.trap).body, state)


def _ended(state: State) -> State:
    """Without what no longer matters, so that ways which start the same are one."""
    state.values, state.functions, state.frames = {}, {}, ()
    state.exported = state.own = state.gone = state.outer = state.dropped = state.options = frozenset()
    state.arguments, state.cwd, state.files, state.flow, state.levels = (), "", {}, "", 0
    state.out, state.stdin, state.trap = "", None, ""
    return state


def _way(state: State) -> Way:
    return Way(state.starts, state.guards, state.unknown)
