"""The dynamic loader's first half: which files it would map for a library, in its own order.

Follows `_dl_map_object` and `_dl_map_object_deps` of glibc (elf/dl-load.c, elf/dl-deps.c). Not followed: hardware
capability folders are looked into last, not first (the same library built for another CPU), and audit modules.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import field

from doctor.base.record import dataclass
from doctor.facts.natives import BadLibrary, NativeVerdict
from doctor.link.loader.types import Image, Reader

_MAX_OBJECTS = 4000
_HWCAPS = ("glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2")


class Refused(Exception):
    """The loader would end with an error; carries the verdict."""

    def __init__(self, verdict: NativeVerdict) -> None:
        super().__init__(verdict.text)
        self.verdict = verdict


@dataclass(eq=False, slots=True)
class Loaded:
    """A library in the process: under which path, loaded for whom, with its direct dependencies."""

    image: Image
    path: str
    loader: Loaded | None = None
    deps: list[Loaded] = field(default_factory=list)


class Space:
    """The libraries of a process. `everywhere` is the global scope, whose symbols every library sees."""

    def __init__(self, base: Space | None = None) -> None:
        self.names: dict[str, Loaded] = dict(base.names) if base else {}
        self.files: dict[int, Loaded] = dict(base.files) if base else {}
        self.everywhere: list[Loaded] = list(base.everywhere) if base else []
        self.main: Loaded | None = base.main if base else None

    def add(self, entry: Loaded) -> None:
        """Puts a mapped library in."""
        self.files[id(entry.image)] = entry
        self.names.setdefault(entry.path, entry)
        if entry.image.soname:
            self.names.setdefault(entry.image.soname, entry)


class Mapper:
    """Finds and maps libraries for one target."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._folders: dict[tuple[str, str], tuple[str, ...]] = {}

    def map(self, space: Space, path: str) -> tuple[list[Loaded], list[Loaded]]:
        """Maps `path` and all it needs into `space`: everything in breadth-first order, and what of it is new.

        Raises Refused with the first library, in that order, that cannot be mapped.
        """
        new: list[Loaded] = []
        root = self._open(space, path, None, new)
        order, seen = [root], {root}
        for entry in order:
            fresh = not entry.deps
            for name in entry.image.needed:
                dep = self._open(space, name, entry, new)
                if fresh:
                    entry.deps.append(dep)
                if dep not in seen:
                    seen.add(dep)
                    order.append(dep)
            if len(order) > _MAX_OBJECTS:
                raise ValueError("needs more libraries than any process has")
        return order, new

    def _open(self, space: Space, name: str, loader: Loaded | None, new: list[Loaded]) -> Loaded:
        known = space.names.get(name)
        if known is not None:
            return known
        path, image = self._locate(space, name, loader)
        known = space.files.get(id(image))
        if known is None:
            _check_usable(image, path)
            known = Loaded(image, path, loader)
            space.add(known)
            new.append(known)
        space.names.setdefault(name, known)
        return known

    def _locate(self, space: Space, name: str, loader: Loaded | None) -> tuple[str, Image]:
        """The file that the loader takes for `name`. Raises Refused."""
        other_class = False
        requirer = loader.path if loader else None
        for path in self._candidates(space, name, loader):
            found = self.reader.image(path)
            if found is None or (isinstance(found, BadLibrary) and found.kind in ("machine", "denied")):
                if "/" in name and found is not None:
                    raise Refused(_not_for_here(name, requirer, found))
                continue
            if not isinstance(found, BadLibrary):
                return path, found
            if found.kind != "class":
                raise Refused(_damaged(path, requirer, found.text))
            other_class = True
        if other_class:
            raise Refused(_not_for_here(name, requirer, BadLibrary("class", "wrong ELF class: ELFCLASS32")))
        raise Refused(_missing(name, requirer))

    def _candidates(self, space: Space, name: str, loader: Loaded | None) -> Iterator[str]:
        if "/" in name:
            origin = posixpath.dirname(loader.path) if loader else ""
            yield self.reader.below(name) if loader and name.startswith("/") else name.replace("$ORIGIN", origin)
            return
        searched = False
        for folder in self._search_path(space, loader):
            searched = True
            yield f"{folder}/{name}"
        if not (loader and loader.image.no_default_libs):
            yield from self.reader.cached(name)
            for folder in self.reader.default_folders:
                yield f"{folder}/{name}"
        if searched:
            for folder in self._search_path(space, loader):
                yield from (f"{folder}/{caps}/{name}" for caps in _HWCAPS)

    def _search_path(self, space: Space, loader: Loaded | None) -> Iterator[str]:
        runpath = loader.image.runpath if loader else None
        if runpath is None:
            at, main_seen = loader, False
            while at is not None:
                yield from self._expand(at.image.rpath, at.path)
                main_seen |= at is space.main
                at = at.loader
            if space.main is not None and not main_seen:
                yield from self._expand(space.main.image.rpath, space.main.path)
        yield from self.reader.library_path
        if runpath is not None and loader is not None:
            yield from self._expand(runpath, loader.path)

    def _expand(self, value: str | None, path: str) -> tuple[str, ...]:
        """The folders of a DT_RPATH or DT_RUNPATH, `$ORIGIN` and `$LIB` filled in; relative ones are left out."""
        if not value:
            return ()
        origin = posixpath.dirname(path)
        key = (value, origin)
        if key not in self._folders:
            self._folders[key] = tuple(dict.fromkeys(self._folders_of(value, origin)))
        return self._folders[key]

    def _folders_of(self, value: str, origin: str) -> Iterator[str]:
        for part in value.split(":"):
            plain = part.replace("${", "$").replace("}", "")
            libs = ("lib/x86_64-linux-gnu", "lib64", "lib") if "$LIB" in plain else ("",)
            for lib in libs:
                folder = plain.replace("$LIB", lib).replace("$PLATFORM", "x86_64")
                if folder.startswith("$ORIGIN"):
                    yield (origin + folder[len("$ORIGIN") :]).rstrip("/")
                elif folder.startswith("/"):
                    yield self.reader.below(folder).rstrip("/")


def _check_usable(image: Image, path: str) -> None:
    if not image.complete:
        raise Refused(_damaged(path, None, "the file is truncated"))


def _missing(name: str, requirer: str | None) -> NativeVerdict:
    text = f"{name}: cannot open shared object file: No such file or directory"
    meaning = f"no folder that the loader searches has `{posixpath.basename(name)}`"
    return NativeVerdict("fail", "missing-library", name, requirer, text=text, meaning=meaning)


def _not_for_here(name: str, requirer: str | None, bad: BadLibrary) -> NativeVerdict:
    if bad.kind == "class":
        text = f"{name}: {bad.text}"
        return NativeVerdict("fail", "wrong-architecture", name, requirer, text=text, meaning="it is a 32-bit library")
    reason = "Permission denied" if bad.kind == "denied" else "No such file or directory"
    meaning = "permission denied" if bad.kind == "denied" else f"it is built for another processor ({bad.text})"
    kind = "damaged-library" if bad.kind == "denied" else "wrong-architecture"
    text = f"{name}: cannot open shared object file: {reason}"
    return NativeVerdict("fail", kind, name, requirer, text=text, meaning=meaning)  # type: ignore[arg-type]


def _damaged(path: str, requirer: str | None, text: str) -> NativeVerdict:
    meaning = "the file is damaged or truncated; reinstall it"
    return NativeVerdict("fail", "damaged-library", path, requirer, text=f"{path}: {text}", meaning=meaning)
