"""The libraries that `import torch` opens itself before its extension module is loaded.

Read out of the installed `torch/__init__.py` (`_load_global_deps`, `_preload_cuda_deps`), never typed by hand:
its list names folders and patterns below `nvidia/` of every search path entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from doctor.base import syntax
from doctor.base.record import dataclass
from doctor.link.loader.types import Reader

_MAX_FUNCTION = 20_000


@dataclass(frozen=True, slots=True)
class Preload:
    """A library that a package opens by path; `everywhere` is RTLD_GLOBAL. `required` fails the import without it."""

    path: str
    everywhere: bool = False
    required: bool = False


def global_deps(package: str, reader: Reader) -> Preload | None:
    """What torch opens first and for everybody: `lib/libtorch_global_deps.so`; None where this torch has none."""
    path = f"{package}/lib/libtorch_global_deps.so"
    return Preload(path, everywhere=True, required=True) if reader.image(path) is not None else None


def cuda_libraries(package: str, paths: Sequence[str], reader: Reader) -> tuple[Preload, ...]:
    """The CUDA libraries that torch opens from the nvidia wheels, in its order."""
    wanted = _wanted(reader.text(f"{package}/__init__.py"))
    major = _cuda_major(reader.text(f"{package}/version.py"))
    found = []
    for folder, pattern in wanted:
        for path in paths:
            hits = [h for p in _patterns(path, folder, pattern, major) for h in reader.find(p)]
            if hits:
                found.append(Preload(hits[0]))
                break
    return tuple(found)


def _patterns(path: str, folder: str, pattern: str, major: str | None) -> Iterator[str]:
    yield f"{path}/nvidia/{folder}/lib/{pattern}"
    if major:
        yield f"{path}/nvidia/cu{major}/lib/{pattern}"
    yield f"{path}/{folder}/lib/{pattern}"


def _wanted(source: str) -> list[tuple[str, str]]:
    """(folder, pattern) pairs of `cuda_libs`, a list or dict in `_preload_cuda_deps`; empty where it is neither."""
    start = source.find("def _preload_cuda_deps")
    text = source[start : start + _MAX_FUNCTION] if start >= 0 else ""
    literal = re.search(r"cuda_libs[^=\n]*=\s*([\[{].*?^    [\]}])", text, re.M | re.S)
    if not literal:
        return []
    try:
        value = syntax.literal(literal[1])
    except syntax.Unparsable:
        return []
    pairs = value.items() if isinstance(value, dict) else value
    return [(str(p[0]), str(p[1])) for p in pairs if isinstance(p, (tuple, list)) and len(p) == 2]


def _cuda_major(source: str) -> str | None:
    match = re.search(r"^cuda\b[^=\n]*=\s*['\"](\d+)\.", source, re.M)
    return match[1] if match else None
