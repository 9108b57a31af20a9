"""What a signal to doctor does to the server: passed on, stopped and continued with it, and the kill at last."""

from __future__ import annotations

import os
import signal
import time

from doctor.run.session import Session
from doctor.run.signals import ENDING, PATIENT, Received, name_of
from doctor.run.story.events import Killed, SignalCame

_STOPS = ("SIGTSTP",)


class Control:
    """Acts on signals. `kill_at` is when patience ends, by the monotonic clock; `interrupts`: how often Ctrl-C came.

    Engines force their own exit on the second Ctrl-C, so each is handed to the server; the third ends the tree.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.kill_at: float | None = None
        self.interrupts = 0
        self.stopped = False

    def handle(self, got: Received) -> None:
        """Notes one signal and does what it means."""
        session = self.session
        if got.name == "SIGCONT":
            self._resume()
            return
        session.journal.add(SignalCame(got.name, got.sender, session.tree.now(), got.from_terminal))
        if got.name in _STOPS:
            self._suspend()
            return
        if self.last_interrupt(got):
            return
        self._forward(got.number, group=got.from_terminal)
        if got.name in (*ENDING, "SIGHUP"):
            session.asked_to_end()
        if got.name in ENDING and self.kill_at is None:
            self._give_grace()

    def handle_late(self, got: Received) -> None:
        """The same while the last processes are waited for, which have been asked to end already."""
        if not self.last_interrupt(got) and got.name in ENDING:
            self.session.asked_to_end()

    def last_interrupt(self, got: Received) -> bool:
        """Counts a Ctrl-C; whether this is the third, which kills."""
        self.interrupts += got.name == "SIGINT"
        last = got.name == "SIGINT" and self.interrupts >= PATIENT
        if last:
            self.kill_all("Ctrl-C was pressed three times")
        return last

    def end_server(self) -> None:
        """Asks the server to end, as a SIGTERM to doctor would."""
        self.session.asked_to_end()
        self._forward(signal.SIGTERM, group=False)
        self._give_grace()

    def kill_when_late(self) -> None:
        """SIGKILL once the time to end is up."""
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self.kill_all(f"it did not stop within {self.session.options.grace:g} s of being asked to")

    def kill_all(self, why: str) -> None:
        """SIGKILL to every process of the tree, repeated until the main one is gone."""
        session = self.session
        if not session.was_killed:
            session.journal.add(Killed(f"SIGKILL was sent by qvl-doctor: {why}", session.tree.now()))
            session.say(f"killing the server: {why}")
        session.asked_to_end()
        session.tree.scan()
        refused = session.tree.send(signal.SIGKILL)
        if refused:
            session.warn(f"not permitted to end: {', '.join(str(p.pid) for p in refused)} (another user's)")
        self.kill_at = time.monotonic() + 1

    def _give_grace(self) -> None:
        self.kill_at = time.monotonic() + self.session.options.grace

    def _forward(self, number: int, group: bool) -> None:
        """To the server alone, or, when the terminal sent it, to the server's group as the terminal would have done."""
        main = self.session.main
        if main is None or not main.alive:
            return
        try:
            if group:
                os.killpg(main.pid, number)
            else:
                os.kill(main.pid, number)
        except ProcessLookupError:
            return
        except PermissionError:
            self.session.warn(f"{name_of(number)} could not be sent to process {main.pid}: it is another user's")

    def _suspend(self) -> None:
        self.session.tree.scan()
        self.session.tree.send(signal.SIGSTOP)
        self.stopped = True
        left = None if self.kill_at is None else self.kill_at - time.monotonic()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._resume()
        self.kill_at = None if left is None else time.monotonic() + left

    def _resume(self) -> None:
        if self.stopped:
            self.session.tree.send(signal.SIGCONT)
            self.stopped = False
