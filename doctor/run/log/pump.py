"""The second-best way to keep a log: a holder process between the server and the disk.

Where the log's file system cannot reserve space or give it back, or has hardly any left, a write by the server itself
could fail and kill it. There a holder reads a pipe and writes the file, and never stops for an error. It outlives
doctor, so that the server never meets a pipe that nobody reads.
"""

from __future__ import annotations

import contextlib
import os
import signal

from doctor.base.record import dataclass
from doctor.run.log import reserve
from doctor.run.log.logfile import Log
from doctor.run.log.sink import Sink

SCARCE = 64 << 20
PIPE_SIZE = 1 << 20
BLOCK = 1 << 18
_SET_PIPE_SIZE = 1031


def advisable(log: Log) -> str | None:
    """Why the server had better not write this log itself, or None."""
    if not reserve.supported(log.fd):
        return "the file system of the log cannot reserve space"
    if reserve.free_bytes(log.fd) < SCARCE:
        return "the disk of the log is nearly full"
    return None


@dataclass(slots=True)
class Pump:
    """The pipe of one log and its holder. `write_end` is for the server and closed here once the server has it."""

    log: Log
    cap: int
    read_end: int
    write_end: int
    pid: int = 0

    @classmethod
    def start(cls, log: Log, cap: int) -> Pump:
        """Makes the pipe and its holder."""
        import fcntl

        read_end, write_end = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(write_end, _SET_PIPE_SIZE, PIPE_SIZE)
        pump = cls(log, cap, read_end, write_end)
        pump.hold()
        return pump

    def hold(self) -> None:
        """Starts a holder; also when an earlier one was killed: nothing in the pipe is lost by that."""
        self.pid = os.fork()
        if self.pid == 0:
            _hold(self.log, self.cap, self.read_end)

    def started(self) -> None:
        """The server has its end: the holder shall see the end of file when the last writer is gone."""
        os.close(self.write_end)
        self.write_end = -1

    def waiting(self) -> int:
        """Bytes that are in the pipe still."""
        import fcntl
        import struct
        import termios

        return int(struct.unpack("i", fcntl.ioctl(self.read_end, termios.FIONREAD, b"\0\0\0\0"))[0])


def _hold(log: Log, cap: int, source: int) -> None:
    """The holder: nothing of doctor's is kept open, no signal but SIGKILL ends it, it ends with the last writer."""
    status = 1
    try:
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)
        _keep_only(source, log.fd)
        sink = Sink(log, cap)
        while block := os.read(source, BLOCK):
            sink.write(block)
        sink.close()
        status = 0
    finally:
        os._exit(status)


def _keep_only(*kept: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))
