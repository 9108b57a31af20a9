"""Removing runs: each goes in one step, and only where nobody has it any more."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from doctor.run.story.holding import alone, is_running

_GOING = ".removed-"


def remove(folder: Path) -> str | None:
    """Removes a run; None, or why it stays. Interrupted, what is left is no run any more and goes with the next one."""
    if is_running(folder):
        return "it is still in use"
    with alone(folder) as free:
        if not free:
            return "it is still in use"
        going = folder.with_name(f"{_GOING}{folder.name}")
        try:
            _remove_tree(going)
            folder.rename(going)
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
