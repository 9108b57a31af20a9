"""Would the dynamic loader take this extension module, in a process that has these libraries already?

Pure: sees files only through the reader it is given (`doctor.link.loader.types.Reader`). Every file is read once per
linker. What it does not foresee: code that runs when a library is loaded, and space for thread-local data.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from doctor.base.late import late_pattern
from doctor.facts.distribution import Distributions
from doctor.facts.natives import NativeLibrary, Natives, NativeVerdict
from doctor.link.loader.explanations import highest_version
from doctor.link.loader.ldso import Loaded, Mapper, Refused, Space
from doctor.link.loader.symbols import Symbols
from doctor.link.loader.torch_preload import Preload, cuda_libraries, global_deps
from doctor.link.loader.types import Reader

OK = NativeVerdict("ok")
_TORCH = late_pattern(r"torch\b(?![-_.])", re.I)
_C_LIBRARY = ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "libutil.so.1")
_STACK_REFUSED = (2, 41)  # since this glibc, `dlopen` no longer makes the stack executable (its NEWS of 2.41)
_VERSIONED = {"GLIBC": "libc.so.6", "GLIBCXX": "libstdc++.so.6", "CXXABI": "libstdc++.so.6"}


class NativeLinker:
    """The loader of one target.

    `paths` are the target's search path entries (where torch looks for the nvidia wheels), `executable` its
    interpreter if known; without one, Python's own API is taken to be there.
    """

    def __init__(self, reader: Reader, paths: Sequence[str] = (), executable: str | None = None) -> None:
        self._reader = reader
        self._paths = tuple(paths)
        self._mapper = Mapper(reader)
        self._verdicts: dict[tuple[str, tuple[Preload, ...]], NativeVerdict] = {}
        self._start = self._start_process(executable)
        self._symbols = Symbols(python_inside=self._start.main is None)
        self._spaces: dict[tuple[Preload, ...], Space] = {(): self._start}
        self._preloads: dict[str, tuple[Preload, ...]] = {}

    @property
    def usable(self) -> bool:
        """Whether the target's C library was found; without it every verdict is unknown."""
        return "libc.so.6" in self._start.names

    def load(self, path: str, loaded: Sequence[str | Preload] = ()) -> NativeVerdict:
        """The verdict on opening the library at `path` after those of `loaded` have been opened, in that order."""
        before = tuple(p if isinstance(p, Preload) else Preload(p) for p in loaded)
        key = (path, before)
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(path, before)
        return self._verdicts[key]

    def closure(self, path: str, loaded: Sequence[str | Preload] = ()) -> tuple[str, ...]:
        """The files that opening `path` brings in or relies on, in the loader's order; empty where it fails."""
        before = tuple(p if isinstance(p, Preload) else Preload(p) for p in loaded)
        try:
            order, _ = self._mapper.map(Space(self._space(before)), path)
        except (Refused, ValueError):
            return ()
        return tuple(e.path for e in order)

    def preload_of(self, package: str) -> tuple[Preload, ...]:
        """The libraries that are in the process once the package in this folder has been imported.

        Knows torch (its global libraries, the CUDA wheels it opens, its extension module); of any other package:
        nothing, for what it imports comes through `load`.
        """
        if package not in self._preloads:
            known = posixpath.basename(package) == "torch"
            self._preloads[package] = self._torch(package) if known else ()
        return self._preloads[package]

    def versions(self) -> dict[str, str]:
        """The highest versions that the target's own C and C++ libraries define, by family (`GLIBC`: `2.36`)."""
        found = {}
        for family, soname in _VERSIONED.items():
            space = Space(self._start)
            try:
                order, _ = self._mapper.map(space, soname)
                number = highest_version(family, order[0].image.versions)
            except (Refused, ValueError):
                continue
            if number:
                found[family] = number
        return found

    def _judge(self, path: str, before: tuple[Preload, ...]) -> NativeVerdict:
        if not self.usable:
            return NativeVerdict("unknown", reason="the C library of the target was not found")
        try:
            self._open(Space(self._space(before)), path)
        except Refused as refused:
            return refused.verdict
        except ValueError as error:
            return NativeVerdict("unknown", reason=f"a library could not be read: {error}")
        return OK

    def _open(self, space: Space, path: str) -> list[Loaded]:
        """Opens `path` in `space`. Raises Refused, and ValueError for a file that cannot be understood."""
        order, new = self._mapper.map(space, path)
        self._check_stack(new)
        self._symbols.check_versions(new, space)
        self._symbols.check_symbols(order, new, space)
        return order

    def _check_stack(self, new: Sequence[Loaded]) -> None:
        for entry in new:
            if entry.image.wants_executable_stack and self._glibc >= _STACK_REFUSED:
                text = f"{entry.path}: cannot enable executable stack as shared object requires: Invalid argument"
                meaning = "it requires an executable stack, which this C library no longer allows"
                raise Refused(NativeVerdict("fail", "damaged-library", entry.path, entry.path, None, text, meaning))

    @property
    def _glibc(self) -> tuple[int, ...]:
        libc = self._start.names.get("libc.so.6")
        number = highest_version("GLIBC", libc.image.versions) if libc else None
        return tuple(int(n) for n in (number or "0").split("."))

    def _space(self, before: tuple[Preload, ...]) -> Space:
        """The process after all of `before` were opened; one that fails leaves nothing behind."""
        if before not in self._spaces:
            space = self._space(before[:-1])
            self._spaces[before] = self._after(space, before[-1])
        return self._spaces[before]

    def _after(self, space: Space, preload: Preload) -> Space:
        grown = Space(space)
        try:
            order = self._open(grown, preload.path)
        except (Refused, ValueError):
            return space
        if preload.everywhere:
            grown.everywhere = list(dict.fromkeys((*grown.everywhere, *order)))
        return grown

    def _torch(self, package: str) -> tuple[Preload, ...]:
        first = global_deps(package, self._reader)
        cuda = cuda_libraries(package, self._paths, self._reader)
        opened: list[Preload] = []
        if first is not None:
            alone = self.load(first.path)
            has_cuda = any("libcudart.so" in p for p in self.closure(first.path))
            if alone.status == "ok":
                opened = [first, *(cuda if has_cuda else ())]
            else:
                opened = [*cuda, first]
        extensions = sorted(self._reader.find(f"{package}/_C.*.so"))
        return (*opened, *(Preload(e) for e in extensions[:1]))

    def _start_process(self, executable: str | None) -> Space:
        space = self._bare()
        if executable is not None:
            try:
                # the loader takes $ORIGIN of a program from the file at the end of its links
                space.everywhere, _ = self._mapper.map(space, self._reader.resolved(executable))
                space.main = space.everywhere[0]
            except (Refused, ValueError):
                space = self._bare()
        for name in (*self._reader.preload, *_C_LIBRARY) if space.main is None else self._reader.preload:
            trial = Space(space)
            try:
                order, _ = self._mapper.map(trial, name)
            except (Refused, ValueError):
                continue
            trial.everywhere = list(dict.fromkeys((*trial.everywhere, *order)))
            space = trial
        return space

    def _bare(self) -> Space:
        """A process that has nothing but the dynamic loader itself."""
        space = Space()
        for path in self._reader.loaders:
            with suppress(Refused, ValueError):
                self._mapper.map(space, path)
        return space



def judged(natives: Natives, linker: NativeLinker, distributions: Distributions) -> Natives:
    """`natives` with a verdict on every extension module, and the versions of the target's C and C++ libraries.

    A module of a distribution that requires torch is judged as after `import torch`; so is any other that would be
    refused alone, for which package imports what first is the import check's question.
    """
    torch = distributions.get("torch")
    after_torch = linker.preload_of(f"{torch.location}/torch") if torch is not None else ()
    users = {d.key for d in distributions.installed if any(_TORCH.match(r) for r in d.requires)}

    def verdict(library: NativeLibrary) -> NativeVerdict | None:
        if library.module is None:
            return None
        path = f"{library.location}/{library.path}"
        if library.distribution == "torch":
            return linker.load(path, tuple(p for p in after_torch if p.path != path))
        alone = linker.load(path, after_torch if library.distribution in users else ())
        return linker.load(path, after_torch) if alone.status == "fail" else alone

    libraries = tuple(replace(lib, verdict=verdict(lib)) for lib in natives.libraries)
    return replace(natives, libraries=libraries, versions=linker.versions())
