"""Which file system something lies on, and how much of it is free."""

from __future__ import annotations

import os

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts.host import Disk, DiskUse

_ESCAPE = late_pattern(r"\\([0-7]{3})")
_SIZE = late_pattern(r"(?:^|,)size=(\d{1,18})([kKmMgG]?)(?:,|$)")
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table; `options` are those of the mounted file system."""

    point: str
    fstype: str
    options: str = ""


def mounts(tree: Files) -> list[Mount]:
    """The mount table in order (a later line covers an earlier one)."""
    for path in ("/proc/self/mountinfo", "/proc/1/mountinfo"):
        if text := tree.first_text(path, 1024 * 1024):
            return [m for line in text.splitlines() if (m := _mountinfo(line))]
    lines = (tree.first_text("/proc/mounts") or "").splitlines()
    return [Mount(_plain(w[1]), w[2], w[3]) for line in lines if len(w := line.split()) >= 4]


def disk(tree: Files, table: list[Mount], use: DiskUse, path: str) -> Disk:
    """Where `path` lies; a folder that is yet to be made lies where its nearest parent does."""
    nearest = path
    while nearest not in ("/", "") and not tree.exists(nearest):
        nearest = nearest.rpartition("/")[0] or "/"
    mount = _deepest(table, tree.found(nearest) or nearest)
    total, free = space(tree, nearest)
    return Disk(use, path, mount.point if mount else None, mount.fstype if mount else None, total, free)


def shm(tree: Files, table: list[Mount]) -> tuple[int | None, int | None]:
    """`(total, free)` bytes of /dev/shm; of another root, what its mount table says."""
    if tree.own:
        return space(tree, "/dev/shm")
    mount = _deepest(table, "/dev/shm")
    match = _SIZE.search(mount.options) if mount and mount.point == "/dev/shm" else None
    return (int(match[1]) * UNITS[match[2].lower()], None) if match else (None, None)


def space(tree: Files, path: str) -> tuple[int | None, int | None]:
    """`(total, free)` bytes of the file system under `path`; free for this user. Only of this machine."""
    if not tree.own or not hasattr(os, "statvfs"):
        return None, None
    try:
        found = os.statvfs(path)
    except (OSError, ValueError):
        return None, None
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize


def _mountinfo(line: str) -> Mount | None:
    left, dash, right = line.partition(" - ")
    here, there = left.split(), right.split()
    if not dash or len(here) < 5 or not there:
        return None
    return Mount(_plain(here[4]), there[0], there[2] if len(there) > 2 else "")


def _deepest(table: list[Mount], path: str) -> Mount | None:
    covering = [m for m in table if m.point == "/" or path == m.point or path.startswith(m.point.rstrip("/") + "/")]
    return max(enumerate(covering), key=lambda pair: (len(pair[1].point), pair[0]), default=(0, None))[1]


def _plain(word: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1], 8)), word)
