"""The probe of a server that has become ready: made in a child process, whose words go into the run folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from doctor.base.new_files import create_private
from doctor.base.opening import first_bytes

FILE = "probe.txt"
_KEY = "QVL_DOCTOR_PROBE_KEY"
_LARGEST = 1 << 20
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from doctor.__main__ import main; main()"


class Probing:
    """`qvl-doctor probe ADDRESS`, and what it says once it has ended. The key is handed over in its environment."""

    def __init__(self, folder: Path, address: str, key: str | None) -> None:
        self._file, self._said = folder / FILE, False
        environ = {**os.environ, **({_KEY: key} if key else {})}
        words = ["probe", address, "--format", "brief", *(["--api-key-env", _KEY] if key else [])]
        place = str(Path(__file__).parents[2])
        with os.fdopen(create_private(self._file), "wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _START, place, *words], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.DEVNULL, env=environ, close_fds=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The child, which is not one of the server's processes."""
        return self._child.pid

    def lines(self, gone: bool) -> Iterator[str]:
        """What the probe says, once, when it is `gone`."""
        if not gone or self._said:
            return
        self._said = True
        text = first_bytes(self._file, _LARGEST).decode("utf-8", "replace")
        yield from text.splitlines() or ["the probe ended without an answer"]

    def end(self) -> None:
        """Nobody waits for it any more."""
        if not self._said:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
