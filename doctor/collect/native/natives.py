"""The shared libraries of the distributions on a launch path: what they need, and what GPUs they hold code for."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator

from doctor.base.late import late_pattern
from doctor.collect.native.elf import ElfError
from doctor.collect.native.elf_dynamic import Dynamic
from doctor.collect.native.fatbin import gpu_code, recorded_archs
from doctor.collect.native.libraries import LibraryReader, reader_for
from doctor.collect.native.library_files import libraries_of, module_name
from doctor.facts.distribution import Distribution, Distributions, normalize
from doctor.facts.natives import BadLibrary, CudaNeed, NativeLibrary, Natives
from doctor.facts.target import Problem, Target
from doctor.facts.unavailable import Unavailable

_MAX_LIBRARIES = 20_000
# The CUDA libraries whose soname carries the CUDA major version itself (libcufft, libcusparse and others count apart).
_CUDA = late_pattern(r"lib(?:cudart|cublas|cublasLt|nvrtc|nvJitLink|cupti)\.so\.(\d+)")
_TORCH_CUDA = ("libtorch_cuda.so", "libc10_cuda.so")


def collect_natives(
    target: Target,
    distributions: Distributions,
    names: Collection[str],
    reader: LibraryReader | None = None,
    gpu: bool = True,
) -> Natives | Unavailable:
    """The shared libraries of the distributions `names` that are installed in `target`.

    `gpu` False leaves the GPU code unread. Verdicts are filled in by `doctor.link.loader.natives.judged`.
    """
    if target.kind == "declared":
        return Unavailable("not_supported", "a declared environment has no files")
    if not (target.platform or sys.platform).startswith("linux"):
        return Unavailable("not_supported", "shared libraries are checked only on Linux")
    wanted = {normalize(n) for n in names}
    chosen = [d for d in distributions.installed if d.key in wanted and not d.key.startswith("nvidia-")]
    problems: list[Problem] = []
    seer = _Seer(target, reader or reader_for(target), gpu, problems)
    libraries = tuple(lib for d in chosen for lib in seer.libraries(d))
    return Natives(
        distributions=tuple(d.key for d in chosen), libraries=libraries, cuda=tuple(_cuda_needs(libraries)),
        torch_archs=seer.torch_archs, machine=seer.reader.machine, problems=tuple(problems),
    )  # fmt: skip


class _Seer:
    """Looks at files one by one, keeping what went wrong."""

    def __init__(self, target: Target, reader: LibraryReader, gpu: bool, problems: list[Problem]) -> None:
        self.reader = reader
        self.torch_archs: tuple[str, ...] = ()
        self._python, self._gpu, self._problems = target.python_minor, gpu, problems

    def libraries(self, distribution: Distribution) -> Iterator[NativeLibrary]:
        for count, path in enumerate(libraries_of(distribution, self.reader)):
            if count >= _MAX_LIBRARIES:
                self._problems.append(Problem(distribution.metadata_path, f"lists over {_MAX_LIBRARIES} libraries"))
                return
            full = f"{distribution.location}/{path}"
            image = self.reader.image(full)
            if image is None:
                continue
            name = module_name(path, self._python)
            try:
                yield self._look(image, path, name, distribution)
            except ElfError as error:
                self._problems.append(Problem(full, str(error)))
                yield NativeLibrary(path, distribution.location, distribution.key, name)

    def _look(
        self, image: Dynamic | BadLibrary, path: str, name: str | None, distribution: Distribution
    ) -> NativeLibrary:
        if isinstance(image, BadLibrary):
            return NativeLibrary(path, distribution.location, distribution.key, name)
        stem = (name or "").rpartition(".")[2]
        if name is not None and not image.exports(f"PyInit_{stem}".encode(), None):
            name = None
        if self._gpu and distribution.key == "torch" and path.endswith("/libtorch_python.so"):
            self.torch_archs = recorded_archs(image.elf)
        code = gpu_code(image.elf) if self._gpu else ()
        return NativeLibrary(path, distribution.location, distribution.key, name, image.needed, code)


def _cuda_needs(libraries: Collection[NativeLibrary]) -> Iterator[CudaNeed]:
    """One file for each distribution and CUDA library, of those files that importing it loads."""
    seen: set[tuple[str, str]] = set()
    for library in libraries:
        if library.module is None and not (library.distribution == "torch" and library.path.endswith(_TORCH_CUDA)):
            continue
        for soname in library.needed:
            match = _CUDA.fullmatch(soname)
            if match and (library.distribution, soname) not in seen:
                seen.add((library.distribution, soname))
                yield CudaNeed(library.distribution, library.path, soname, int(match[1]))
