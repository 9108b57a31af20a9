"""Files of the target opened safely: regular files only, of bounded size, and below `--root` where one is given."""

from __future__ import annotations

import os
import stat
from pathlib import PurePath

from doctor.base.opening import NotRegular, first_bytes, open_regular, read_up_to

MOST_BYTES = 256 << 10
MOST_NAMES = 4096
BARRED = "cannot be read (permission denied)"
_MAX_LINKS = 40  # as Linux has it


class Unreadable(ValueError):
    """A file that is there but cannot be used; the message is one sentence without the path."""


class Files:
    """The target's file system. Paths are this machine's; below `root`, where one is given, and never outside it."""

    def __init__(self, root: str | None = None) -> None:
        real = os.path.realpath(root) if root else None
        self.root = None if real == os.sep else real

    def inside(self, path: str) -> str:
        """An absolute path as the target itself writes it, as a path of this machine."""
        if self.root is None or path == self.root or path.startswith(self.root.rstrip(os.sep) + os.sep):
            return path
        anchor = PurePath(path).anchor
        clamped = os.path.normpath(os.sep + path[len(anchor) :].lstrip(os.sep))
        return os.path.normpath(os.path.join(self.root, clamped.lstrip(os.sep)))

    def outside(self, path: str) -> str:
        """A path of this machine as the target itself writes it; the contrary of `inside`."""
        return path if self.root is None else path[len(self.root.rstrip(os.sep)) :] or os.sep

    @property
    def own(self) -> bool:
        """Whether this is the file system of the machine that we run on, not one below another root."""
        return self.root is None

    def real(self, path: str) -> str:
        """`path` with its symlinks followed, the way the target would follow them. A loop is left as it is."""
        if not _encodable(path):
            return path
        if self.root is None:
            return os.path.realpath(path)
        return self._below(self.root, self.inside(path)) or self.inside(path)

    def found(self, path: str) -> str | None:
        """As `real`, in the target's own words; None for a loop and where nothing is there."""
        try:
            if self.root is None:
                return os.path.realpath(path, strict=True)
            real = self._below(self.root, self.inside(path))
            return self.outside(real) if real is not None and os.path.lexists(real) else None
        except (OSError, ValueError):
            return None

    def at(self, path: str) -> str:
        """The path that this machine's own calls take for `path`, so that none leaves the root; empty for a loop."""
        return path if self.root is None or not _encodable(path) else self._below(self.root, self.inside(path)) or ""

    def _below(self, root: str, path: str) -> str | None:
        todo = [p for p in path[len(root) :].split(os.sep) if p][::-1]
        done = root
        links = 0
        while todo:
            part = todo.pop()
            if part == os.curdir:
                continue
            if part == os.pardir:
                done = root if done == root else os.path.dirname(done)
                continue
            step = os.path.join(done, part)
            link = _link(step)
            if link is None:
                done = step
                continue
            links += 1
            if links > _MAX_LINKS:
                return None
            if os.path.isabs(link):
                done = root
            todo.extend(p for p in link.split(os.sep)[::-1] if p)
        return done

    def isdir(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(self.at(path))

    def isfile(self, path: str) -> bool:
        """Whether a regular file is there."""
        return os.path.isfile(self.at(path))

    def exists(self, path: str) -> bool:
        """Whether anything is there, symlinks followed."""
        return os.path.exists(self.at(path))

    def barred(self, path: str) -> bool:
        """Whether this user may not read what is at `path`, or may not even know whether anything is there."""
        try:
            where = self.at(path)
            needed = os.R_OK | os.X_OK if stat.S_ISDIR(os.stat(where).st_mode) else os.R_OK
            return not os.access(where, needed)
        except PermissionError:
            return True
        except (OSError, ValueError):
            return False

    def size(self, path: str) -> int | None:
        """The size of a regular file in bytes, None where there is none."""
        try:
            status = os.stat(self.at(path))
        except (OSError, ValueError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def changed_at(self, path: str) -> int | None:
        """When a file's inode last changed, in nanoseconds; None where that is not known (Windows, no such file)."""
        try:
            return None if os.name == "nt" else os.stat(self.at(path)).st_ctime_ns
        except (OSError, ValueError):
            return None

    def listdir(self, path: str) -> list[str]:
        """The names in a folder, in the order in which the system gives them; Unreadable where that fails."""
        try:
            return os.listdir(self.at(path))
        except (OSError, ValueError) as error:
            raise Unreadable(_sentence(error)) from None

    def names(self, path: str) -> list[str]:
        """As `listdir`, sorted; empty where the folder cannot be read."""
        try:
            return sorted(self.listdir(path))
        except Unreadable:
            return []

    def few_names(self, path: str, most: int = MOST_NAMES) -> list[str]:
        """As `names`, of a folder that may hold no end of them: `most` of them at most."""
        try:
            with os.scandir(self.at(path)) as entries:
                return sorted(entry.name for entry, _ in zip(entries, range(most), strict=False))
        except (OSError, ValueError):
            return []

    def read(self, path: str, limit: int) -> bytes:
        """The whole content of a regular file of at most `limit` bytes; Unreadable otherwise."""
        try:
            handle, status = open_regular(self.at(path))
        except NotRegular:
            raise Unreadable("is not a regular file") from None
        except (OSError, ValueError) as error:
            raise Unreadable(_sentence(error)) from None
        try:
            if status.st_size > limit:
                raise Unreadable(f"is {status.st_size} bytes long, more than the {limit} that are read")
            data = read_up_to(handle, limit + 1)
        except OSError as error:
            raise Unreadable(_sentence(error)) from None
        finally:
            os.close(handle)
        if len(data) > limit:
            raise Unreadable(f"grew beyond the {limit} bytes that are read")
        return data

    def first(self, path: str, limit: int = MOST_BYTES) -> bytes | None:
        """The first `limit` bytes of a regular file, or all that it has; None where it cannot be read."""
        try:
            return first_bytes(self.at(path), limit)
        except (OSError, ValueError):
            return None

    def first_text(self, path: str, limit: int = MOST_BYTES) -> str | None:
        """As `first`, decoded; bytes that are not UTF-8 become replacement characters."""
        data = self.first(path, limit)
        return None if data is None else data.decode("utf-8", "replace")

    def head(self, path: str, size: int) -> bytes:
        """As `first`, empty where there is no such file."""
        return self.first(path, size) or b""

    def maybe(self, path: str, limit: int) -> bytes | None:
        """As `read`, None where there is no such file or it cannot be used."""
        try:
            return self.read(path, limit)
        except Unreadable:
            return None

    def text(self, path: str, limit: int) -> str | None:
        """As `maybe`, decoded; bytes that are not UTF-8 become replacement characters."""
        data = self.maybe(path, limit)
        return None if data is None else data.decode("utf-8-sig", "replace")


def _encodable(path: str) -> bool:
    """Whether the system can be asked for such a path: no NUL, and no half of a character (`\\ud800` in JSON)."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return None


def _sentence(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be read ({reason[0].lower()}{reason[1:]})" if reason else "cannot be read"
