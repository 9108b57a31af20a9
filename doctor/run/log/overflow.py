"""Whose the files are that a log continues in while its disk is full, and how a run folder leads to them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from doctor.run.story import creation

FOLDER = "overflow"


def places(log: Path) -> list[Path]:
    """Where the log of this name and run may continue."""
    return [base / FOLDER / log.parent.name / log.name for base in creation.all_bases()]


def is_ours(path: Path) -> bool:
    """Whether it is a file of this user, in a folder that nobody else can write to."""
    try:
        folder, file = path.parent.lstat(), path.lstat()
    except OSError:
        return False
    plain = path.is_file() and not path.is_symlink()
    return plain and file.st_uid == folder.st_uid == os.getuid() and not folder.st_mode & 0o022


def leads_to(log: Path) -> bool:
    """Whether a link in a run folder is ours: to the log of that name and run in one of our own places."""
    if not log.is_symlink() or not hasattr(os, "getuid"):
        return False
    target = log.readlink()
    return target in places(log) and is_ours(target)


def remove(run: Path) -> None:
    """Removes what a run keeps elsewhere."""
    for base in creation.all_bases():
        folder = base / FOLDER / run.name
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
