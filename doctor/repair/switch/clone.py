"""A copy of an environment that costs no space: new folders, hard links to the same files; and its state to compare."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from dataclasses import field

from doctor.base.record import dataclass
from doctor.repair.errors import Refused

_NO_LINK = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.EOPNOTSUPP, errno.EACCES)
# written to by tools without being replaced; a link would reach the live environment
_COPIED = frozenset({"pyvenv.cfg", ".lock"})  # the second is uv's, whose older releases open it for writing


@dataclass(slots=True)
class Snapshot:
    """The state of a tree: relative path -> what must not change (files: inode, size, mtime; folders: their names).

    `links` are the symbolic links that name folders.
    """

    entries: dict[str, tuple[object, ...]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    def differs(self, other: Snapshot) -> str | None:
        """The first path that is not the same in both, or None."""
        if self.entries == other.entries:
            return None
        changed = {p for p in {*self.entries, *other.entries} if self.entries.get(p) != other.entries.get(p)}
        return min(changed)


def clone_tree(source: str, target: str) -> Snapshot:
    """Makes `target` (which must not exist) a clone of `source`; gives the state of `source` as it was cloned."""
    seen = Snapshot()
    _walk(source, target, "", seen, os.stat(source).st_dev)
    return seen


def snapshot(tree: str) -> Snapshot:
    """The state of a tree as it is now."""
    seen = Snapshot()
    _walk(tree, None, "", seen, os.stat(tree).st_dev)
    return seen


def _walk(source: str, target: str | None, relative: str, seen: Snapshot, device: int) -> None:
    with os.scandir(source) as found:
        entries = list(found)
    status = os.stat(source)
    if status.st_dev != device:
        raise Refused(f"`{source}` is another file system mounted inside the environment")
    if target is not None:
        os.mkdir(target)
    seen.entries[relative] = (tuple(sorted(e.name for e in entries)), status.st_mode)
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        there = None if target is None else f"{target}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            _walk(entry.path, there, path, seen, device)
            continue
        at = entry.stat(follow_symlinks=False)
        seen.entries[path] = (at.st_ino, at.st_size, at.st_mtime_ns, at.st_mode)
        if stat.S_ISLNK(at.st_mode) and entry.is_dir():
            seen.links.append(path)
        if there is not None:
            _link(entry, there, at, copied=path in _COPIED)
    if target is not None:
        _same_status(source, target, status)


def _link(entry: os.DirEntry[str], target: str, at: os.stat_result, copied: bool) -> None:
    if not copied:
        try:
            os.link(entry.path, target, follow_symlinks=False)
            return
        except OSError as error:  # another's file where links are protected, or too many links
            if error.errno not in _NO_LINK:
                raise
    if not (stat.S_ISREG(at.st_mode) or stat.S_ISLNK(at.st_mode)):
        raise Refused(f"`{entry.path}` is neither a file, a folder nor a symbolic link")
    shutil.copy2(entry.path, target, follow_symlinks=False)
    _own(target, at)


def _same_status(source: str, folder: str, status: os.stat_result) -> None:
    _own(folder, status)
    shutil.copystat(source, folder)  # mode, times, and the access lists and labels that some systems keep


def _own(path: str, status: os.stat_result) -> None:
    if os.geteuid() == 0 and (status.st_uid, status.st_gid) != (0, 0):
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def remove_tree(path: str) -> None:
    """Removes a tree, folders marked read-only too. Its files may be shared with others: those keep theirs."""

    def again(function: object, name: str, _: object) -> None:
        os.chmod(os.path.dirname(name), 0o700)
        if os.path.isdir(name) and not os.path.islink(name):
            os.chmod(name, 0o700)
            shutil.rmtree(name)
        else:
            os.unlink(name)

    if os.path.lexists(path):
        shutil.rmtree(path, onerror=again)
