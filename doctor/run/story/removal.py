"""Removing runs: each goes in one step, and only where nobody has it any more."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from doctor.run.log import overflow
from doctor.run.story.holding import alone, is_running

_GOING = ".removed-"
_TRIES = 20


def remove(folder: Path) -> str | None:
    """Removes a run; None, or why it stays. Interrupted, what is left is no run any more and goes with the next one."""
    for _ in range(_TRIES):
        if is_running(folder):
            break
        with alone(folder) as free:
            if free:
                return _removed(folder)
        time.sleep(0.01)  # somebody asks at this very moment whether it runs
    return "it is still in use"


def _removed(folder: Path) -> str | None:
    going = folder.with_name(f"{_GOING}{folder.name}")
    try:
        _remove_tree(going)
        folder.rename(going)
        overflow.remove(folder)
    except OSError as e:
        return e.strerror or str(e)
    with contextlib.suppress(OSError):
        _remove_tree(going)
    return None


def clear(base: Path) -> None:
    """Removes what an interrupted removal left, as far as that is possible."""
    with contextlib.suppress(OSError):
        for path in list(base.glob(f"{_GOING}*")):
            with contextlib.suppress(OSError):
                _remove_tree(path)


def _remove_tree(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
