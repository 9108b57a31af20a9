"""What a missing symbol or symbol version means to somebody who has never seen one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from doctor.base.late import late_pattern
from doctor.link.loader.types import Image

_TORCH = ("c10", "at", "torch", "caffe2", "c10d", "nvfuser")
_TORCH_FILES = late_pattern(r"^lib(?:c10|torch)[\w]*\.so")
_OWNERS = {
    "GLIBC": "the C library (glibc) of this system is too old for it",
    "GLIBCXX": "the C++ library (libstdc++.so.6) that is loaded is too old for it",
    "CXXABI": "the C++ library (libstdc++.so.6) that is loaded is too old for it",
    "GCC": "the compiler's support library (libgcc_s.so.1) that is loaded is too old for it",
}


def readable(symbol: bytes) -> str:
    """The qualified C++ name in a mangled one (`_ZN3c106detail...` is `c10::detail::...`), or the symbol as it is."""
    parts, _ = _nested(symbol)
    return "::".join(parts) if parts else symbol.decode("utf-8", "replace")


def _nested(symbol: bytes) -> tuple[list[str], bytes]:
    """The parts of a mangled name, and its bytes up to the end of the name (before the parameters)."""
    match = re.match(rb"_Z(?:T[VISThv]|GV)?(N)?[KVrRO]*", symbol)
    if not match:
        return [], symbol
    at, parts = match.end(), []
    while at < len(symbol):
        number = re.compile(rb"[1-9]\d{0,4}").match(symbol, at)
        if not number:
            break
        size = int(number[0])
        parts.append(symbol[number.end() : number.end() + size].decode("utf-8", "replace"))
        at = number.end() + size
        if not match[1]:
            break
    return parts, symbol[:at]


def explain_symbol(symbol: bytes, scope: Sequence[Image]) -> tuple[str, str | None]:
    """In plain words why `symbol` is missing, and the path of the library that should have it, if one is known."""
    parts, stem = _nested(symbol)
    if not parts or parts[0] not in _TORCH:
        if symbol.startswith((b"Py", b"_Py")):
            return "it was built for another version of Python", None
        return f"no loaded library has `{readable(symbol)}`; it was built for another version of one of them", None
    name = "::".join(parts)
    for image in scope:
        if _TORCH_FILES.match(posixpath.basename(image.path)):
            similar = [s for s in image.mentions(stem) if s != symbol]
            if any((b"__cxx11" in s) != (b"__cxx11" in symbol) for s in similar if _plain(s) == _plain(symbol)):
                return f"it was built for the other C++ ABI: here, `{name}` takes the other std::string", image.path
            if similar:
                return f"it was built for another torch: here, `{name}` has other parameters", image.path
    return f"it was built for another torch: this one has no `{name}`", None


def _plain(symbol: bytes) -> bytes:
    """A mangled name with std::string written one way, whichever C++ ABI it is of (substitutions left out)."""
    new = rb"NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
    return re.sub(rb"S[0-9A-Z]?_|S[0-9A-Z]+_", b"", symbol.replace(new, b"Ss"))


def explain_version(version: str, available: frozenset[bytes]) -> str:
    """In plain words what the lack of a symbol version means, with the highest one there is."""
    family = version.partition("_")[0]
    highest = highest_version(family, available)
    owner = _OWNERS.get(family, "the library that should have it is a different version")
    return f"{owner}: it needs `{version}`, the highest available is `{family}_{highest}`" if highest else owner


def highest_version(family: str, available: frozenset[bytes]) -> str | None:
    """The highest `2.36` among names such as `GLIBC_2.36` of this family, or None."""
    numbers = []
    for name in available:
        match = re.fullmatch(rf"{family}_(\d+(?:\.\d+)*)", name.decode("utf-8", "replace"))
        if match:
            numbers.append(tuple(int(n) for n in match[1].split(".")))
    return ".".join(map(str, max(numbers))) if numbers else None
