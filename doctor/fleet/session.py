"""The coordinator's side of one node: a process of a carrier (ssh, kubectl, srun), its pipes, and time limits."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from doctor.base.held import without_loader
from doctor.base.json_object import JsonObject
from doctor.base.text import one_line
from doctor.fleet.boot import framed, shell_line
from doctor.fleet.carriers import Place
from doctor.fleet.wire import LONGEST, WireError, line_of, message_of

ERRORS = 4096  # bytes of stderr that are kept


class NodeError(Exception):
    """A node did not answer, or not as it should; one sentence."""


class Talk(Protocol):
    """A node that can be asked. `ran` is its interpreter that runs doctor, where it said so."""

    ran: str | None

    def ask(self, message: JsonObject, seconds: float) -> JsonObject:
        """The answer. Raises NodeError."""

    def close(self) -> None:
        """Ends it, with all that was started for it."""


class Session:
    """A started carrier. `ask` sends one question and waits for its answer; `close` ends it within two seconds.

    With a dead coordinator the system closes the pipes, and the node's side ends by itself.
    """

    def __init__(self, words: Sequence[str]) -> None:
        """Raises NodeError where the carrier's program cannot be started."""
        self.stderr = bytearray()
        self.ran: str | None = None
        self.lines: queue.SimpleQueue[JsonObject | NodeError] = queue.SimpleQueue()
        try:
            self.child = subprocess.Popen(
                list(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=without_loader(os.environ), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise NodeError(f"`{words[0]}` cannot be started: {error.strerror or error}") from None
        for work in (self._listen, self._errors):
            threading.Thread(target=work, daemon=True).start()

    def begin(self, file: Callable[[], bytes], seconds: float) -> None:
        """Sends the single file where the node needs it, and keeps which interpreter runs it. Raises NodeError."""
        said = self.receive(seconds)
        if said.get("need") == "file":
            self.send(framed(file()))
            said = self.receive(seconds * 2)
        self.ran = one_line(str(said.get("executable") or ""), 300) or None

    def ask(self, message: JsonObject, seconds: float) -> JsonObject:
        """The answer. Raises NodeError."""
        self.send(line_of(message))
        return self.receive(seconds)

    def send(self, data: bytes) -> None:
        """Raises NodeError where the carrier has ended."""
        assert self.child.stdin is not None
        try:
            self.child.stdin.write(data)
            self.child.stdin.flush()
        except OSError:
            raise NodeError(self._ended()) from None

    def receive(self, seconds: float) -> JsonObject:
        """The next message. Raises NodeError where none comes in time, or the node reports a problem."""
        try:
            found = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise NodeError(f"no answer within {seconds:.0f} seconds") from None
        if isinstance(found, NodeError):
            raise found
        if problem := found.get("problem"):
            raise NodeError(one_line(str(problem), 300))
        return found

    def next(self, seconds: float) -> JsonObject | None:
        """The next message of a server that runs, None where none comes in time. Raises NodeError at its end."""
        try:
            found = self.lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(found, NodeError):
            raise found
        return found

    def close(self) -> None:
        """Ends the carrier: by the end of its input, else by a signal to its group."""
        with contextlib.suppress(OSError):
            if self.child.stdin is not None:
                self.child.stdin.close()
        for sign in (0, 15, 9):
            if sign:
                with contextlib.suppress(OSError):
                    os.killpg(self.child.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(timeout=2.0 if sign == 0 else 1.0)
                return

    def _listen(self) -> None:
        assert self.child.stdout is not None
        try:
            while line := self.child.stdout.readline(LONGEST):
                if not line.endswith(b"\n") and len(line) >= LONGEST:
                    raise WireError(f"it sent a line of more than {LONGEST >> 20} MiB")
                if (message := message_of(line)) is not None:
                    self.lines.put(message)
        except (WireError, OSError, ValueError) as error:
            self.lines.put(NodeError(one_line(str(error), 200)))
            self._stop()
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=1)
        self.lines.put(NodeError(self._ended()))

    def _stop(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.child.pid, 9)

    def _errors(self) -> None:
        assert self.child.stderr is not None
        while part := self.child.stderr.read1(65536):  # type: ignore[attr-defined]
            self.stderr += part
            del self.stderr[:-ERRORS]

    def _ended(self) -> str:
        """Why the carrier ended: its last words, else its status."""
        deadline = time.monotonic() + 1.0
        while self.child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.02)
        said = [one_line(x, 200) for x in bytes(self.stderr).decode("utf-8", "replace").splitlines() if x.strip()]
        return said[-1] if said else f"the connection ended with status {self.child.returncode}"


def sessions(
    file: Callable[[], bytes], pythons: Sequence[str], seconds: float
) -> Callable[[Place, Sequence[str]], Session]:
    """What begins a session over a carrier: starts its words, then sends the single file once it is built.

    `pythons` are tried first there, `seconds` is the limit of each step. What is returned raises NodeError.
    """

    def begun(place: Place, words: Sequence[str]) -> Session:
        session = Session(place.command(shell_line(words, pythons)))
        try:
            session.begin(file, seconds)
        except NodeError:
            session.close()
            raise
        return session

    return begun
