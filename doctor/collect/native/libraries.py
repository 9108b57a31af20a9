"""The reader that the link check sees shared libraries through: files by path, each read once, all below one root."""

from __future__ import annotations

import glob
import os
import platform
import posixpath
from collections.abc import Sequence
from functools import cached_property

from doctor.base.files import Files
from doctor.collect.native import loader_cache
from doctor.collect.native.elf import ElfError, read_elf
from doctor.collect.native.elf_dynamic import Dynamic
from doctor.facts.natives import BadLibrary
from doctor.facts.target import Target

MACHINES = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183, "riscv64": 243, "ppc64le": 21, "s390x": 22}
_MAX_TEXT = 8 << 20
_MAX_FOUND = 256


class LibraryReader:
    """Shared libraries of one target. Nothing here raises for what a file holds; a bad one is a `BadLibrary`."""

    def __init__(
        self,
        root: str | None = None,
        *,
        machine: int = 62,
        library_path: Sequence[str] = (),
        preload: Sequence[str] = (),
    ) -> None:
        self._fs = Files(root)
        self.machine = machine
        self.library_path = tuple(self.below(p) for p in library_path if p.startswith("/"))
        self.preload = tuple(preload)
        self._images: dict[str, Dynamic | BadLibrary | None] = {}
        self._by_file: dict[tuple[int, int], Dynamic | BadLibrary] = {}
        self._cache: dict[str, tuple[str, ...]] = {}
        self._watched = {self.below("/etc/ld.so.cache")}

    @property
    def seen(self) -> dict[str, tuple[int, int] | None]:
        """Every path that was looked at so far, folders that were listed among them: time of change and size, or None.

        What was looked for in vain counts as much: a library that appears there changes the answer.
        """
        return {path: self._stamp(path) for path in (*self._images, *self._watched)}

    def _stamp(self, path: str) -> tuple[int, int] | None:
        try:
            info = os.stat(self._fs.at(path))
            return info.st_mtime_ns, info.st_size
        except (OSError, ValueError):
            return None

    def watch(self, path: str) -> None:
        """Counts a file or folder that somebody else looked at as seen."""
        self._watched.add(path)

    def image(self, path: str) -> Dynamic | BadLibrary | None:
        """The library at `path` (of this machine); BadLibrary for what the loader refuses, None for no file."""
        if path not in self._images:
            self._images[path] = self._read(path)
        return self._images[path]

    def release(self) -> None:
        """Gives back the memory that the libraries read so far take; they can still be asked."""
        for image in self._by_file.values():
            if isinstance(image, Dynamic):
                image.elf.release()

    def _read(self, path: str) -> Dynamic | BadLibrary | None:
        real = self._fs.at(path)
        try:
            info = os.stat(real)
            key = (info.st_dev, info.st_ino)
            if key not in self._by_file or not info.st_ino:
                self._by_file[key] = self._parse(real)
            return self._by_file[key]
        except PermissionError:
            return BadLibrary("denied", "Permission denied")
        except (OSError, ValueError):
            return None

    def _parse(self, real: str) -> Dynamic | BadLibrary:
        try:
            elf = read_elf(real)
            if elf.machine != self.machine:
                return BadLibrary("machine", f"made for machine {elf.machine}, not {self.machine}")
            return Dynamic(elf)
        except ElfError as error:
            return error.bad

    def below(self, path: str) -> str:
        """An absolute path of the target, as seen from this machine."""
        return self._fs.inside(path)

    def resolved(self, path: str) -> str:
        """`path` with every link followed, as the target would follow them."""
        return self._fs.real(path)

    def cached(self, soname: str) -> tuple[str, ...]:
        """Where the loader's cache says that `soname` is; empty where it does not know it."""
        if soname not in self._cache:
            self._cache[soname] = tuple(self.below(p) for p in (self._ld_cache or {}).get(soname, ()))
        return self._cache[soname]

    @cached_property
    def _ld_cache(self) -> dict[str, tuple[str, ...]] | None:
        return loader_cache.load_cache(self._fs, self.machine)

    @cached_property
    def default_folders(self) -> tuple[str, ...]:
        """The loader's built-in folders; without a cache also those that ld.so.conf names, as after ldconfig."""
        extra = () if self._ld_cache is not None else loader_cache.configured_folders(self._fs)
        return tuple(self.below(p) for p in (*loader_cache.builtin_folders(self._fs, self.machine), *extra))

    @property
    def loaders(self) -> tuple[str, ...]:
        """The dynamic loader's own file, which is in every process."""
        return loader_cache.loader_paths(self._fs, self.machine)

    def find(self, pattern: str) -> tuple[str, ...]:
        """Files that match a pattern in one folder, in the order of the folder, which is that of Python's own glob."""
        self._watched.add(posixpath.dirname(pattern))
        return tuple(glob.glob(pattern)[:_MAX_FOUND])

    def text(self, path: str) -> str:
        """A text file of the target; empty where it cannot be read."""
        return self.data(path, _MAX_TEXT).decode("utf-8", "replace")

    def data(self, path: str, limit: int) -> bytes:
        """The bytes of a file of the target; empty where it cannot be read or is larger than `limit`."""
        self._watched.add(path)
        return self._fs.maybe(path, limit) or b""


def reader_for(target: Target) -> LibraryReader:
    """The reader for a target: its root and machine; LD_LIBRARY_PATH and LD_PRELOAD only where it is this machine's."""
    wanted = (target.platform or f"linux-{platform.machine()}").lower().replace("-", "_")
    machine = next((number for name, number in MACHINES.items() if wanted.endswith(name)), 62)
    here = not target.root
    folders = os.environ.get("LD_LIBRARY_PATH", "") if here else ""
    preload = os.environ.get("LD_PRELOAD", "") if here else ""
    return LibraryReader(
        target.root, machine=machine, library_path=folders.replace(";", ":").split(":"),
        preload=[p for p in preload.replace(":", " ").split() if p.startswith("/")],
    )  # fmt: skip
