"""External commands: what they are started with, what they print, whether they succeed."""

from __future__ import annotations

import os
import re

from doctor.launch.shell_text import marks
from doctor.launch.shell_text.filters import printed
from doctor.launch.shell_text.result import Start
from doctor.launch.shell_text.state import FAILURE, SUCCESS, Outcome, State, of_files
from doctor.launch.shell_text.texts import Texts
from doctor.launch.shell_text.tree import Simple

_MOST = 256  # commands of one way
_HANDING_ON = frozenset(("xargs", "parallel"))
_FAILS = frozenset(("pgrep", "pidof", "false"))


class Programs(Texts):
    """Follows external commands."""

    def found(self, name: str, node: Simple) -> Outcome:
        """Whether a program exists: not known, but likely."""
        return Outcome(None, True, node.source, ("command -v", name))

    def external(self, node: Simple, words: list[str], state: State) -> list[State]:
        """A program that the text starts."""
        if words[0] == "env" and len(words) == 1:
            return [state]
        if script := self._written(words, state):
            return self._child(script[0], script[1], node, state)
        text = printed(words, state)
        if len(state.starts) >= _MOST or not self.world.spend(len(text or "") >> 8):
            self.stopped(state, "the script is too long to be read to its end")
            return [state]
        state.starts = (*state.starts, self.started(node, words, state))
        if text is None:
            state.say(marks.computed(f"$({node.source})"))
        else:
            state.say(text)
        base = os.path.basename(words[0])
        if base == "tee" and state.stdin is not None:
            for file in (w for w in words[1:] if not w.startswith("-") and marks.known(w)):
                state.write(state.path(file), state.stdin, "-a" in words)
        state.status = Outcome(None, base not in _FAILS, node.source, ("run", node.line, node.source, *words))
        if base == "which":
            state.status = self.found(words[-1], node)
        elif base in ("grep", "egrep") and state.stdin is not None:
            text = printed(
                [w if not re.fullmatch(r"-\w*q\w*", w) else "-" + w[1:].replace("q", "") or "-E" for w in words], state
            )
            state.status = state.status if text is None else SUCCESS if text else FAILURE
        return [state]

    def started(self, node: Simple, words: list[str], state: State) -> Start:
        """The command as it would be started here."""
        environ = state.environ({})
        shown = tuple(marks.plain(w) for w in words)
        stdin = marks.plain(state.stdin) if state.stdin is not None and not marks.runtime(state.stdin) else None
        if stdin is not None and os.path.basename(shown[0]) in _HANDING_ON and of_files(state, stdin):
            stdin = None
        return Start(
            shown, node.line, environ, {n: v for n, v in environ.items() if n in state.own}, state.dropped, state.cwd,
            marks.sentences(tuple(words)), state.background, state.source, stdin,
            {p: marks.plain(t) for p, t in state.files.items() if t is not None},
        )  # fmt: skip
