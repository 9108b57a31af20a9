"""Signals to doctor reach the server, each once.

They are blocked and fetched with their sender, so that none is lost between the start of doctor and the start of
the server, and one that the terminal sent to a whole group is told apart from one sent to doctor alone.
"""

from __future__ import annotations

import signal
import time

from doctor.base.record import dataclass

_NEVER = {"SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS", "SIGPIPE",
          "SIGXFSZ", "SIGXCPU", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGSTKFLT", "SIGPROF"}  # fmt: skip
ENDING = ("SIGTERM", "SIGINT", "SIGQUIT")
SI_KERNEL = 0x80
TWICE = 0.1
PATIENT = 3  # the Ctrl-C that ends the tree; those before are handed to the server


@dataclass(frozen=True, slots=True)
class Received:
    """One signal: its name, the pid that sent it (0: the kernel), and whether the terminal sent it."""

    number: int
    name: str
    sender: int
    from_terminal: bool


def name_of(number: int) -> str:
    """`SIGTERM` for 15; real-time signals as `SIGRTMIN+3`; a number that is no signal as `signal 99`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        low = getattr(signal, "SIGRTMIN", 1 << 10)
        return f"SIGRTMIN+{number - low}" if low <= number <= 64 else f"signal {number}"


class Signals:
    """Blocks what is to be forwarded, in this thread and those started later, and hands it out one by one."""

    def __init__(self) -> None:
        self.child_ignored = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, the kernel would throw every exit status away
        wanted = {n for n in signal.valid_signals() if name_of(n) not in _NEVER}
        self.watched = {n for n in wanted if signal.getsignal(n) != signal.SIG_IGN} | {signal.SIGCHLD}
        self.mask_before = signal.pthread_sigmask(signal.SIG_BLOCK, self.watched | {signal.SIGTTOU})
        self._last: dict[int, float] = {}

    def pending_end(self) -> int | None:
        """A signal that asks to end and came before the server was started, else None."""
        pending = signal.sigpending() & self.watched
        return next((int(n) for n in sorted(pending) if name_of(n) in (*ENDING, "SIGHUP")), None)

    def wait(self, timeout: float) -> Received | None:
        """The next signal within `timeout` seconds; None for none, for a child's end, and for a doubled one."""
        info = signal.sigtimedwait(self.watched, timeout)
        if info is None or info.si_signo == signal.SIGCHLD:
            return None
        got = Received(info.si_signo, name_of(info.si_signo), info.si_pid, info.si_code == SI_KERNEL)
        return None if self._doubled(got) else got

    def _doubled(self, got: Received) -> bool:
        """A hang-up reported by the terminal and by the shell, or a Ctrl-C that a wrapper passed on once more."""
        now = time.monotonic()
        since = now - self._last.get(got.number, -1e9)
        self._last[got.number] = now
        return since < {"SIGHUP": 1.0, "SIGINT": TWICE}.get(got.name, 0.0)
