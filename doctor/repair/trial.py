"""The real import, in a child process of the target: what `check --deep` was asked to run, and nothing else does.

The child imports the modules one after the other and says after each how it went, through a pipe of its own. A module
that kills the process (a segmentation fault, `os._exit`) is told by the end of the pipe, one that hangs by the clock;
the rest is then tried in a new child. What the modules print goes nowhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from doctor.base.text import one_line
from doctor.facts import Target, Trial, Trials, Unavailable

PATIENCE = 180.0
LARGEST = 64 << 10
_CHILD = """
import importlib, json, os, sys, time, traceback
out = os.fdopen(int(sys.argv[1]), "w", buffering=1)
front = sys.argv[2]
if not getattr(sys.flags, "safe_path", False):
    sys.path[:1] = [front] if front else []
elif front:
    sys.path.insert(0, front)
for name in sys.argv[3:]:
    out.write(json.dumps({"begin": name}) + "\\n")
    start, told = time.monotonic(), {"module": name}
    try:
        importlib.import_module(name)
    except BaseException as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
        told["error"], told["text"] = type(error).__name__, str(error)[:2000]
        if frames:
            told["file"], told["line"] = frames[-1].filename, frames[-1].lineno
    told["seconds"] = round(time.monotonic() - start, 3)
    out.write(json.dumps(told) + "\\n")
out.write(json.dumps({"end": True}) + "\\n")
out.flush()
os._exit(0)
"""


def try_imports(
    target: Target, modules: Sequence[str], environ: Mapping[str, str], patience: float = PATIENCE
) -> Trials | Unavailable:
    """Imports `modules` with the target's own interpreter; `patience` in seconds for all of them together."""
    if os.name != "posix" or target.root is not None or target.kind != "installed" or target.executable is None:
        return Unavailable("not_supported", "the target has no interpreter here that could be started")
    if not modules:
        return Unavailable("not_supported", "there is no engine whose modules could be imported")
    until = time.monotonic() + patience
    left, trials = list(modules), []
    while left:
        try:
            done = _round(target, left, environ, until)
        except OSError as error:
            return Unavailable("failed", f"`{target.executable}` cannot be started: {error.strerror}")
        trials.extend(done)
        left = left[len(done) :]
        if not done or done[-1].outcome == "timed-out":
            break
    return Trials(target.executable, tuple(trials))


def _round(target: Target, modules: Sequence[str], environ: Mapping[str, str], until: float) -> list[Trial]:
    """One child; its last trial is the one that ended it, if one did."""
    reading, writing = os.pipe()
    words = [target.executable or "", "-c", _CHILD, str(writing), target.front or "", *modules]
    try:
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(writing,),
            env={**environ, "PYTHONDONTWRITEBYTECODE": "1"}, start_new_session=True, cwd=target.front or None,
        )  # fmt: skip
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        lines, late = _listen(reading, until)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if _still_there(child):
                os.killpg(child.pid, signal.SIGKILL)
        status = child.wait()
    return _told(target, lines, late, status, list(modules))


def _still_there(child: subprocess.Popen[bytes]) -> bool:
    """Whether the child is still there a moment after its pipe has ended."""
    try:
        child.wait(0.5)
    except subprocess.TimeoutExpired:
        return True
    return False


def _listen(reading: int, until: float) -> tuple[list[dict[str, Any]], bool]:
    """The child's lines until it has said the end, closed the pipe, or used up the time (then True)."""
    data = b""
    while not data.endswith(b'{"end": true}\n') and len(data) < LARGEST * 100:
        wait = until - time.monotonic()
        if wait <= 0 or not select.select([reading], [], [], wait)[0]:
            return _parsed(data), True
        chunk = os.read(reading, LARGEST)
        if not chunk:
            break
        data += chunk
    return _parsed(data), False


def _parsed(data: bytes) -> list[dict[str, Any]]:
    """Whole lines that are what our child writes; the modules could write into the pipe too."""
    out = []
    for line in data.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(line)
            if isinstance(found, dict):
                out.append(found)
    return out


def _told(target: Target, lines: list[dict[str, Any]], late: bool, status: int, asked: list[str]) -> list[Trial]:
    by_name = {str(line["module"]): line for line in lines if "module" in line}
    out = []
    for name in asked:
        line = by_name.get(name)
        if line is None:
            if any(entry.get("end") for entry in lines):
                break
            how = None if late else _ending(status)
            out.append(Trial(name, "timed-out" if late else "died", signal=how))
            break
        out.append(_trial(target, name, line))
    return out


def _trial(target: Target, name: str, line: dict[str, Any]) -> Trial:
    seconds = line.get("seconds")
    spent = float(seconds) if isinstance(seconds, (int, float)) else 0.0
    if not isinstance(line.get("error"), str):
        return Trial(name, "ok", seconds=spent)
    at = line.get("line")
    return Trial(
        name, "raised", one_line(line["error"], 100), one_line(str(line.get("text", "")), 2000),
        _relative(target, line.get("file")), at if isinstance(at, int) else None, seconds=spent,
    )  # fmt: skip


def _relative(target: Target, file: object) -> str | None:
    if not isinstance(file, str):
        return None
    base = max((p for p in target.paths if file.startswith(p + os.sep)), key=len, default=None)
    return one_line(file[len(base) + 1 :] if base else file, 500)


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
