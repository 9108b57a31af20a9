"""The server of one node under `qvl-doctor run`, as the node's side of `fleet run` holds it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from doctor.base.files import Files
from doctor.base.json_object import JsonObject
from doctor.base.text import clean
from doctor.fleet.single_file import running_from

LARGEST_REPORT = 4 << 20
LONGEST_LINE, TAIL = 2000, 40
SECONDS = 5.0  # beyond the grace that the server itself is given
KEPT_IN = "qvl-doctor: the log is kept in "


class Served:
    """A started server. Its lines and its end go to `say`; `stop` ends it."""

    def __init__(
        self, words: Sequence[str], options: Sequence[str], grace: float, say: Callable[[JsonObject], None]
    ) -> None:
        """`options` are those of `run`. Raises OSError where doctor cannot be started once more."""
        self.grace, self.say, self.folder = grace, say, ""
        self.child = subprocess.Popen(
            [*_doctor(), "run", "--grace", str(grace), *options, "--", *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ), start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """SIGTERM, which `run` passes on to the server, then SIGKILL for the rest of its group."""
        for sign, seconds in ((signal.SIGTERM, self.grace + SECONDS), (signal.SIGKILL, 1.0)):
            if self.child.poll() is not None:
                return
            with contextlib.suppress(OSError):
                if sign == signal.SIGKILL:
                    os.killpg(self.child.pid, sign)
                else:
                    self.child.send_signal(sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(timeout=seconds)

    def _follow(self) -> None:
        assert self.child.stdout is not None
        while line := self.child.stdout.readline(LONGEST_LINE):
            text = clean(line.decode("utf-8", "replace").rstrip("\r\n"))
            if text.startswith(KEPT_IN):
                self.folder = text.removeprefix(KEPT_IN)
            self.say({"line": text})
        status = self.child.wait()
        self.say({"ended": {"status": status, "folder": self.folder, **self._report()}})

    def _report(self) -> JsonObject:
        """What the run's own report says of how it ended, and why."""
        try:
            data = json.loads(Files().read(str(Path(self.folder, "report.json")), LARGEST_REPORT))
            found = data.get("findings") or []
            tail = [str(line)[:LONGEST_LINE] for line in (data.get("tail") or [])[-TAIL:]]
            said = {"sentence": data.get("sentence"), "tail": tail}
            return {**said, "found": found[0].get("message") if found else None}
        except (ValueError, AttributeError, TypeError, LookupError):
            return {}


def _doctor() -> list[str]:
    """The words that start this doctor once more."""
    file = running_from()
    return [sys.executable, "-I", "-S", str(file)] if file else [sys.executable, "-m", "doctor"]
