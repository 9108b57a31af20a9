"""The one child that imports for real. It says through a pipe of its own, module by module, how each import went.

A module that kills the process (a segmentation fault, `os._exit`) is told by the end of the pipe, one that hangs by
the clock. The child has its own session, and is ended with everything that it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from doctor.base.opening import system_bytes
from doctor.base.record import dataclass

BLOCK = 64 << 10
LARGEST = 100 * BLOCK
NOISE = 2400
_END = b'{"end": true}\n'
_PROGRAM = """
import importlib, json, os, sys, time, traceback
out = os.fdopen(int(sys.argv[1]), "w", buffering=1)
front, first_failure_ends = sys.argv[2], sys.argv[3] == "stop"
if not getattr(sys.flags, "safe_path", False):
    sys.path[:1] = [front] if front else []
elif front:
    sys.path.insert(0, front)
for name in sys.argv[4:]:
    start, found = time.monotonic(), {"module": name}
    try:
        importlib.import_module(name)
    except BaseException as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
        found["error"], found["text"] = type(error).__name__, str(error)[:2000]
        if frames:
            found["file"], found["line"] = frames[-1].filename, frames[-1].lineno
    found["seconds"] = round(time.monotonic() - start, 3)
    out.write(json.dumps(found) + "\\n")
    if first_failure_ends and "error" in found:
        break
out.write(json.dumps({"end": True}) + "\\n")
out.flush()
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What is started: the program, its environment and working folder, and the `front` of its search path."""

    python: str
    environ: Mapping[str, str]
    cwd: str | None = None
    front: str = ""
    first_failure_ends: bool = False


MARK = "QVL_DOCTOR_IMPORT"


@dataclass(frozen=True, slots=True)
class Import:
    """One import that came to its end; `error` and `text` are Python's own words where it raised."""

    module: str
    error: str | None = None
    text: str = ""
    file: str | None = None
    line: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Round:
    """What one child did. `ended`: it said that it is done; `late`: the time was up; else it died with `status`.

    `noise` is the end of what the modules printed.
    """

    imports: tuple[Import, ...] = ()
    ended: bool = False
    late: bool = False
    status: int = 0
    noise: str = ""


def import_in_child(who: Interpreter, modules: Sequence[str], until: float) -> Round:
    """Imports `modules` one after another, until a moment of the monotonic clock. Raises OSError: cannot be started."""
    reading, writing = os.pipe()
    mark = os.urandom(16).hex()
    words = [who.python, "-c", _PROGRAM, str(writing), who.front, "stop" if who.first_failure_ends else "", *modules]
    try:
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=(writing,),
            env={MARK: mark, **who.environ, "PYTHONDONTWRITEBYTECODE": "1"}, start_new_session=True, cwd=who.cwd,
        )  # fmt: skip
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    noise = child.stdout.fileno() if child.stdout else -1
    try:
        answers, printed, late = _listen(reading, noise, until)
    finally:
        os.close(reading)
        status = _ended(child)
        _end_marked(f"{MARK}={mark}".encode())
    return Round(_imports(answers), answers.endswith(_END), late, status, printed.decode("utf-8", "replace"))


def _ended(child: subprocess.Popen[bytes]) -> int:
    """The child's status; it and what it started are ended where it is still there a moment later."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(0.5)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    if child.stdout:
        child.stdout.close()
    return child.wait()


def _end_marked(mark: bytes) -> None:
    """Ends what the modules started in sessions of their own, known by a variable that it inherited (Linux)."""
    for _ in range(3):  # what starts others may do so once more
        pids = [int(p) for p in os.listdir("/proc") if p.isdigit()] if os.path.isdir("/proc") else []
        found = [p for p in pids if mark in (system_bytes(f"/proc/{p}/environ", 4096) or b"")]
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _listen(reading: int, noise: int, until: float) -> tuple[bytes, bytes, bool]:
    """The answers and the end of the noise, until the child said the end, closed its pipe, or was late (then True)."""
    answers, printed = b"", b""
    with selectors.DefaultSelector() as both:
        both.register(reading, selectors.EVENT_READ)
        both.register(noise, selectors.EVENT_READ)
        while not answers.endswith(_END) and len(answers) < LARGEST:
            wait = until - time.monotonic()
            if wait <= 0:
                return answers, printed, True
            ready = {key.fd for key, _ in both.select(wait)}
            if noise in ready:  # before the answers, whose end ends this loop
                block = os.read(noise, BLOCK)
                printed = (printed + block)[-NOISE:]
                if not block:
                    both.unregister(noise)
            elif reading in ready:
                block = os.read(reading, BLOCK)
                if not block:
                    break
                answers += block
    return answers, printed, False


def _imports(data: bytes) -> tuple[Import, ...]:
    """Whole lines that are what our child writes; the modules could write into the pipe too."""
    out = []
    for line in data.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(line)
            if isinstance(found, dict) and "module" in found:
                out.append(_import(found))
    return tuple(out)


def _import(found: Mapping[str, object]) -> Import:
    error, text, file = found.get("error"), found.get("text", ""), found.get("file")
    line, seconds = found.get("line"), found.get("seconds")
    return Import(
        str(found["module"]), error if isinstance(error, str) else None, str(text),
        file if isinstance(file, str) else None, line if isinstance(line, int) else None,
        float(seconds) if isinstance(seconds, (int, float)) else 0.0,
    )  # fmt: skip
