"""Where a Python process stands, asked of py-spy where that is installed: it reads the memory and runs nothing."""

from __future__ import annotations

import re
import subprocess

from doctor.base.late import late_pattern
from doctor.base.text import one_line

SECONDS = 10.0
MOST_FRAMES = 3
_FRAME = late_pattern(r"^ {4}(?P<what>\S.{0,200}) \((?P<where>[^()\n]{1,300}):(?P<line>\d{1,7})\)$", re.M)


def stack_of(pid: int | None) -> str | None:
    """The innermost frames of the main thread in one clause; None where py-spy is not there or may not look."""
    program = _program() if pid is not None else None
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "dump", "--nonblocking", "--pid", str(pid)], capture_output=True, timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _innermost(pid or 0, done.stdout[: 1 << 20].decode("utf-8", "replace")) if done.returncode == 0 else None


def _program() -> str | None:
    """py-spy next to our own Python, else on the path."""
    import shutil
    import sys
    from pathlib import Path

    own = Path(sys.prefix) / "bin" / "py-spy"
    return str(own) if own.is_file() else shutil.which("py-spy")


def _innermost(pid: int, text: str) -> str | None:
    heads = (f"Thread {pid} ", "MainThread")  # it has its name once `threading` is imported
    parts = re.split(r"\n(?=Thread )", text)[1:]
    main = next((part for head in heads for part in parts if head in part.partition("\n")[0]), "")
    frames = [f"{m['what']} ({m['where'].rpartition('/')[2]}:{m['line']})" for m in _FRAME.finditer(main)][:MOST_FRAMES]
    return f"process {pid} is in {one_line(' < '.join(frames), 300)}" if frames else None
