"""What an interpreter or a prefix is, read from the files around it; it is never started.

Follows CPython's own `getpath`: `pyvenv.cfg` beside the executable or one folder up makes a venv; otherwise
symlinks are followed and the prefix is the nearest folder above that holds the standard library.
"""

from __future__ import annotations

import os
import re
from dataclasses import field

from doctor.base.files import BARRED, Files, Unreadable
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts import Problem

_EXE_VERSION = late_pattern(r"(?:python|pypy)(\d\.\d{1,2})t?(?:\.exe)?$")
_LIB_VERSION = late_pattern(r"(?:python|pypy)(\d\.\d{1,2})(t?)$")
_CONDA_PYTHON = late_pattern(r"python-(\d\.\d{1,2}(?:\.\d{1,3})?)[^-]{0,20}-")
_PATCHLEVEL = late_pattern(rb'#define\s+PY_VERSION\s+"(\d\.\d{1,2}\.\d{1,3})')
_CFG_VERSION = late_pattern(r"(\d\.\d{1,2}(?:\.\d{1,3})?)")
_SMALL = 64 << 10
EXECUTABLES = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe", "bin/pypy3")


@dataclass
class Interpreter:
    """A Python installation or venv. `library` is the base's standard library folder, `libdir` its name."""

    prefix: str
    executable: str | None = None
    base_prefix: str | None = None
    version: str | None = None
    libdir: str | None = None
    library: str | None = None
    venv: bool = False
    system_site: bool = False
    problems: list[Problem] = field(default_factory=list)


def is_environment(files: Files, prefix: str) -> bool:
    """Whether a folder is a venv, a conda prefix or a Python installation."""
    if files.isfile(os.path.join(prefix, "pyvenv.cfg")) or files.isdir(os.path.join(prefix, "conda-meta")):
        return True
    return bool(_libdirs(files, prefix)) or files.isfile(os.path.join(prefix, "Lib", "os.py"))


def executable_of(files: Files, prefix: str) -> str | None:
    """The interpreter that stands in a prefix, a dangling link included; None where there is none."""
    for name in EXECUTABLES:
        path = os.path.join(prefix, *name.split("/"))
        if os.path.lexists(path) or files.exists(path):
            return path
    return None


def prefix_of(files: Files, executable: str) -> str | None:
    """The prefix that this interpreter would report: a venv's folder, else where its standard library stands."""
    folder = os.path.dirname(executable)
    for candidate in (folder, os.path.dirname(folder)):
        if files.isfile(os.path.join(candidate, "pyvenv.cfg")):
            return candidate
    return _landmark(files, os.path.dirname(files.real(executable)))


def _landmark(files: Files, folder: str) -> str | None:
    """`folder`, or one or two above it: what holds `lib/pythonX.Y`, `Lib/os.py` or `conda-meta`.

    Never the root of the file system: with a merged `/usr` it looks like a prefix, and everything is below it.
    """
    top = files.root or os.path.abspath(os.sep)
    for _ in range(3):
        if folder == top:
            return None
        if is_environment(files, folder):
            return folder
        folder = os.path.dirname(folder)
    return None


def read_interpreter(files: Files, prefix: str, executable: str | None, version: str | None = None) -> Interpreter:
    """Everything that the files of a prefix say about its Python; `version` is the user's word, where they don't."""
    found = Interpreter(prefix, executable or executable_of(files, prefix))
    config_path = os.path.join(prefix, "pyvenv.cfg")
    if files.isfile(config_path):
        _read_venv(files, found, config_path)
    else:
        found.base_prefix = prefix
        found.version = _own_version(files, prefix, found.executable)
    _find_library(files, found)
    found.version = _patched(files, found) or version
    if found.version and found.libdir is None:
        found.libdir = "python" + ".".join(found.version.split(".")[:2])
    return found


def _read_venv(files: Files, found: Interpreter, path: str) -> None:
    try:
        config = _parse_config(files.read(path, _SMALL).decode("utf-8-sig", "replace"))
    except Unreadable as error:
        config = {}
        found.problems.append(Problem(path, f"`pyvenv.cfg` {error}, so its base Python is unknown"))
    found.venv = True
    found.system_site = config.get("include-system-site-packages", "").lower() == "true"
    match = _CFG_VERSION.match(config.get("version") or config.get("version_info") or "")
    claimed = match[1] if match else None
    home = config.get("home")
    if not home and config:
        found.problems.append(Problem(path, "`pyvenv.cfg` has no `home`, so its base Python is unknown"))
    elif home:
        home = os.path.join(found.prefix, home) if not os.path.isabs(home) else files.inside(home)
        found.base_prefix = _base_of(files, home, claimed)
        if found.base_prefix is None:
            gone = f"the venv's base Python is gone: `{home}` no longer has an interpreter"
            barred = f"the venv's base Python in `{home}` {BARRED}"
            found.problems.append(Problem(home, barred if files.barred(home) else gone))
    found.version = _venv_version(files, found, claimed)


def _parse_config(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def _base_of(files: Files, home: str, version: str | None) -> str | None:
    minor = ".".join((version or "").split(".")[:2])
    names = [f"python{minor}", "python3", "python", "python.exe", f"pypy{minor}", "pypy3"]
    for name in names:
        path = os.path.join(home, name)
        if files.exists(path):
            return _landmark(files, os.path.dirname(files.real(path)))
    return _landmark(files, files.real(home)) if files.isdir(home) and not files.barred(home) else None


def _venv_version(files: Files, found: Interpreter, claimed: str | None) -> str | None:
    """What the link `bin/python` leads to says most; then `pyvenv.cfg`; then the one library folder there is."""
    real = files.real(found.executable) if found.executable else ""
    match = _EXE_VERSION.search(os.path.basename(real))
    if match and not (claimed or "").startswith(match[1] + ".") and claimed != match[1]:
        return match[1]
    if claimed:
        return claimed
    here = _libdirs(files, found.prefix)
    return _lib_version(here[0]) if len(here) == 1 else None


def _own_version(files: Files, prefix: str, executable: str | None) -> str | None:
    for name in files.names(os.path.join(prefix, "conda-meta")):
        if match := _CONDA_PYTHON.match(name):
            return match[1]
    real = os.path.basename(files.real(executable)) if executable else ""
    if match := _EXE_VERSION.search(real):
        return match[1]
    for name in files.names(prefix):
        if match := re.fullmatch(r"python(3)(\d{1,2})\.dll", name):
            return f"{match[1]}.{match[2]}"
    here = _libdirs(files, prefix)
    if len(here) == 1:
        return _lib_version(here[0])
    linked = os.path.basename(files.real(os.path.join(prefix, "bin", "python3")))
    match = _EXE_VERSION.search(linked)
    return match[1] if match else None


def _libdirs(files: Files, prefix: str) -> list[str]:
    """Names such as `python3.10` below `lib` or `lib64` that look like a Python's library or a venv's."""
    out = []
    for lib in ("lib", "lib64"):
        folder = os.path.join(prefix, lib)
        for name in files.names(folder):
            path = os.path.join(folder, name)
            if _LIB_VERSION.match(name) and name not in out and _holds_library(files, path):
                out.append(name)
    return out


def _holds_library(files: Files, path: str) -> bool:
    return files.isfile(os.path.join(path, "os.py")) or files.isdir(os.path.join(path, "site-packages"))


def _lib_version(name: str) -> str | None:
    match = _LIB_VERSION.match(name)
    return match[1] if match else None


def _find_library(files: Files, found: Interpreter) -> None:
    base = found.base_prefix
    minor = ".".join((found.version or "").split(".")[:2])
    named = [f"python{minor}", f"python{minor}t", f"pypy{minor}"] if minor else []
    if base is None:
        found.libdir = next((n for n in _libdirs(files, found.prefix) if n in named or not named), None)
        return
    for name in named:
        for lib in ("lib", "lib64"):
            path = os.path.join(base, lib, name)
            if files.isfile(os.path.join(path, "os.py")):
                found.libdir, found.library = name, path
                return
    if files.isfile(os.path.join(base, "Lib", "os.py")):
        found.libdir, found.library = "Lib", os.path.join(base, "Lib")
    else:
        message = f"the standard library of Python {minor or 'of this environment'} was not found below `{base}`"
        found.problems.append(Problem(base, message))


def _patched(files: Files, found: Interpreter) -> str | None:
    """The version with its patch level, as the base's header files or its package database tell it."""
    version = found.version
    if not version or found.base_prefix is None:
        return version
    minor = ".".join(version.split(".")[:2])
    header = os.path.join(found.base_prefix, "include", found.libdir or "", "patchlevel.h")
    for path in (header, os.path.join(found.base_prefix, "include", "patchlevel.h")):
        match = _PATCHLEVEL.search(files.maybe(path, _SMALL) or b"")
        if match and match[1].decode().startswith(minor + "."):
            return match[1].decode()
    if version.count(".") >= 2:
        return version
    return _debian_version(files, minor) or version


def _debian_version(files: Files, minor: str) -> str | None:
    status = files.maybe(files.inside("/var/lib/dpkg/status"), 32 << 20) or b""
    start = status.find(f"\nPackage: python{minor}-minimal\n".encode())
    match = re.search(rb"\nVersion: (\d\.\d{1,2}\.\d{1,3})", status[start : start + 2000]) if start >= 0 else None
    return match[1].decode() if match else None
