"""A copy of an environment to be changed, apart from it as far as `apart` can; and its state to compare."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import field

from doctor.base.record import dataclass
from doctor.repair.errors import Refused
from doctor.repair.switch.apart import LARGE, Copier, Shared
from doctor.repair.switch.manifest import Entries, counts, entry_of, walk

_SAME = -1  # instead of a time: the very inode of the source
# relative path -> sha256 and size, both as RECORD gives them
Claims = dict[str, tuple[str, int]]


@dataclass(slots=True)
class Snapshot:
    """The state of a tree: relative path -> what must not change (files: inode, size, times; folders: their names).

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


@dataclass(slots=True)
class Clone:
    """What was cloned: the source's state, its entries for the manifest, and the copies as they were made.

    `copies`: relative path -> inode and time of the last change of the copy, which then still is what `files` says.
    """

    seen: Snapshot
    files: Entries = field(default_factory=dict)
    copies: dict[str, tuple[int, int]] = field(default_factory=dict)
    shared: Shared = field(default_factory=Shared)


def clone_tree(source: str, target: str, claims: Claims) -> Clone:
    """Makes `target` (which must not exist) a clone of `source`, as that is now."""
    maker = _Maker(source, target, claims)
    _walk(source, "", maker.made.seen, os.stat(source).st_dev, maker)
    maker.made.shared = maker.copier.shared
    return maker.made


class _Maker:
    """Makes the clone while the source is walked through."""

    def __init__(self, source: str, target: str, claims: Claims) -> None:
        self.source, self.target, self.claims = source, target, claims
        self.copier = Copier()
        self.made = Clone(Snapshot())

    def file(self, path: str, at: os.stat_result) -> None:
        """One file or link."""
        old, new = f"{self.source}/{path}", f"{self.target}/{path}"
        digest = self.copier.put(old, new, at)
        if not counts_within(path):
            return
        sha, size = self.claims.get(path, (None, 0))
        self.made.files[path] = entry_of(old, at, digest, sha if size == at.st_size >= LARGE else None)
        copy = os.stat(new, follow_symlinks=False)
        self.made.copies[path] = (copy.st_ino, _SAME if copy.st_ino == at.st_ino else copy.st_ctime_ns)

    def folder(self, path: str) -> None:
        """A new folder."""
        os.mkdir(f"{self.target}/{path}" if path else self.target)

    def filled(self, path: str, at: os.stat_result) -> None:
        """A folder whose content has been made: mode, times, and the access lists and labels that some systems keep."""
        new = f"{self.target}/{path}" if path else self.target
        if os.geteuid() == 0 and (at.st_uid, at.st_gid) != (0, 0):
            os.chown(new, at.st_uid, at.st_gid)
        shutil.copystat(f"{self.source}/{path}", new)
        if path and counts_within(path):
            self.made.files[path] = entry_of(new, at)


def counts_within(path: str) -> bool:
    """Whether a path and all folders above it belong to what is compared."""
    return counts(path) and "/__pycache__/" not in f"/{path}"


def entries_of(tree: str, clone: Clone) -> Entries:
    """The manifest's entries of a changed clone: what is still the copy that was made is not read again."""
    out = {}
    for path, at in walk(tree):
        if clone.copies.get(path) in ((at.st_ino, at.st_ctime_ns), (at.st_ino, _SAME)):
            out[path] = clone.files[path]
        else:
            out[path] = entry_of(f"{tree}/{path}", at)
    return out


def snapshot(tree: str) -> Snapshot:
    """The state of a tree as it is now."""
    seen = Snapshot()
    _walk(tree, "", seen, os.stat(tree).st_dev, None)
    return seen


def _walk(source: str, relative: str, seen: Snapshot, device: int, maker: _Maker | None) -> None:
    at_path = f"{source}/{relative}" if relative else source
    with os.scandir(at_path) as found:
        entries = list(found)
    status = os.stat(at_path)
    if status.st_dev != device:
        raise Refused(f"`{at_path}` is another file system mounted inside the environment")
    if maker is not None:
        maker.folder(relative)
    seen.entries[relative] = (tuple(sorted(e.name for e in entries)), status.st_mode)
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if entry.is_dir(follow_symlinks=False):
            _walk(source, path, seen, device, maker)
            continue
        at = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(at.st_mode) and entry.is_dir():
            seen.links.append(path)
        if maker is not None:
            maker.file(path, at)
        # not the time of the inode's last change: a link to it, as uv makes from its cache, sets that too
        seen.entries[path] = (at.st_ino, at.st_size, at.st_mtime_ns, at.st_mode)
    if maker is not None:
        maker.filled(relative, status)


def remove_tree(path: str) -> None:
    """Removes a tree, folders marked read-only too. Its files may be shared with others: those keep theirs."""

    def again(function: object, name: str, _: object) -> None:
        if name != path:  # what is above the tree is not ours
            os.chmod(os.path.dirname(name), 0o700)
        if os.path.isdir(name) and not os.path.islink(name):
            os.chmod(name, 0o700)
            shutil.rmtree(name)
        else:
            os.unlink(name)

    if os.path.lexists(path):
        shutil.rmtree(path, onerror=again)
