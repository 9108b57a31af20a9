"""Where the target's dynamic loader looks for libraries by name: its cache, its configuration, its built-in folders.

Source: glibc's sysdeps/generic/dl-cache.h (both formats of ld.so.cache) and elf/ldconfig.c (ld.so.conf).
"""

from __future__ import annotations

import glob
import posixpath
import struct

from doctor.base.files import Files
from doctor.base.late import late_pattern

_OLD, _NEW = b"ld.so-1.7.0", b"glibc-ld.so.cache1.1"
_MAX_CACHE = 64 << 20
_MAX_CONF, _MAX_INCLUDES, _MAX_DEPTH = 1 << 20, 512, 5
_MAX_NAME = 4096
# What ldconfig writes for a machine's own libraries (FLAG_ELF_LIBC6 and the ABI), by ELF machine number.
_FLAGS = {62: 0x0303, 183: 0x0A03, 243: 0x1003}
_LOADERS = {62: ("lib64/ld-linux-x86-64.so.2",), 183: ("lib/ld-linux-aarch64.so.1",)}
_DEFAULTS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
_FOLDERS = late_pattern(rb"(?:(?:/[\w.+-]+)+/\0){2,}")
WSL_LIBRARIES = "/usr/lib/wsl/lib"


def read_cache(data: bytes, machine: int) -> dict[str, tuple[str, ...]]:
    """soname -> paths from the bytes of an ld.so.cache, best first; empty where the bytes are no such cache."""
    if data.startswith(_NEW):
        return _new_format(data, 0, machine)
    if data.startswith(_OLD) and len(data) >= 16:
        entries = min(struct.unpack_from("<I", data, 12)[0], (len(data) - 16) // 12)
        strings = 16 + 12 * entries
        follows = (strings + 7) // 8 * 8
        if data.startswith(_NEW, follows):
            return _new_format(data, follows, machine)
        return _collect(data, 16, entries, "<iII", strings, machine)
    return {}


def _new_format(data: bytes, start: int, machine: int) -> dict[str, tuple[str, ...]]:
    if len(data) < start + 48:
        return {}
    entries = min(struct.unpack_from("<I", data, start + 20)[0], (len(data) - start - 48) // 24)
    return _collect(data, start + 48, entries, "<iIIIQ", start, machine)


def _collect(data: bytes, at: int, entries: int, form: str, strings: int, machine: int) -> dict[str, tuple[str, ...]]:
    plain: dict[str, list[str]] = {}
    special: dict[str, list[str]] = {}
    wanted = _FLAGS.get(machine)
    size = struct.calcsize(form)
    for flags, key, value, *rest in struct.iter_unpack(form, data[at : at + entries * size]):
        if (wanted is not None and flags not in (1, wanted)) or not flags & 0xFF:
            continue
        name, path = _string(data, strings + key), _string(data, strings + value)
        if name and path.startswith("/"):
            (special if rest and rest[1] else plain).setdefault(name, []).append(path)
    names = {**special, **plain}
    return {n: tuple(plain.get(n, []) + special.get(n, [])) for n in names}


def _string(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + _MAX_NAME)
    return data[at:end].decode("utf-8", "surrogateescape") if end > at else ""


def configured_folders(fs: Files) -> tuple[str, ...]:
    """The folders that ld.so.conf and what it includes name, as the target's paths; WSL's drivers last."""
    found: dict[str, None] = {}
    _read_conf(fs, "/etc/ld.so.conf", found, [_MAX_INCLUDES], 0)
    return (*found, WSL_LIBRARIES)


def _read_conf(fs: Files, name: str, found: dict[str, None], budget: list[int], depth: int) -> None:
    budget[0] -= 1
    if budget[0] < 0 or depth > _MAX_DEPTH:
        return
    text = (fs.maybe(fs.inside(name), _MAX_CONF) or b"").decode("utf-8", "surrogateescape")
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                full = pattern if pattern.startswith("/") else posixpath.join(posixpath.dirname(name), pattern)
                for file in sorted(glob.glob(fs.inside(full)))[:_MAX_INCLUDES]:
                    _read_conf(fs, fs.outside(file), found, budget, depth + 1)
        elif words and words[0].startswith("/"):
            found[words[0].split("=")[0].rstrip("/")] = None


def builtin_folders(fs: Files, machine: int) -> tuple[str, ...]:
    """The folders that are compiled into the target's loader, read out of its own bytes; the usual ones without it."""
    for loader in _LOADERS.get(machine, ()):
        for match in _FOLDERS.finditer(fs.maybe(fs.inside("/" + loader), 4 << 20) or b""):
            folders = [f.decode().rstrip("/") for f in match[0].split(b"\0") if f]
            if any(f.startswith("/usr/lib") for f in folders):
                return tuple(dict.fromkeys(folders))
    return _DEFAULTS


def loader_paths(fs: Files, machine: int) -> tuple[str, ...]:
    """Where the target's dynamic loader itself stands, as programs name it."""
    return tuple(fs.inside("/" + loader) for loader in _LOADERS.get(machine, ()))


def load_cache(fs: Files, machine: int) -> dict[str, tuple[str, ...]] | None:
    """The target's loader cache, or None where it has none (then its loader knows the built-in folders alone)."""
    data = fs.maybe(fs.inside("/etc/ld.so.cache"), _MAX_CACHE) or b""
    return read_cache(data, machine) if data else None
