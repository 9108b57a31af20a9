"""What module-level code asks the file system: only folders of the environment are answered."""

from __future__ import annotations

import fnmatch
import glob
import posixpath
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from doctor.link.python.accelerators import DEVICE_FILES
from doctor.link.python.values import UNKNOWN, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

Args = list[Value]
Kwargs = dict[str, Value]
NAMES_LIMIT = 20_000


def place(machine: Machine, args: Args) -> str | None:
    """The path that is asked about, where it is one of the environment; elsewhere machines differ."""
    path = str(args[0]) if args and isinstance(args[0], (str, PurePosixPath)) else None
    normal = posixpath.normpath(path) if path is not None else ""
    return normal if any(normal == p or normal.startswith(p + "/") for p in machine.reader.paths) else None


def is_of_a_device(machine: Machine, args: Args) -> bool:
    """Whether the path is one that only a driver makes, where no driver is installed."""
    path = str(args[0]) if args and isinstance(args[0], (str, PurePosixPath)) else ""
    return machine.reader.driverless and path.startswith(DEVICE_FILES)


def exists(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`os.path.exists`."""
    path = place(machine, args)
    if path is None and is_of_a_device(machine, args):
        return False
    return UNKNOWN if path is None else machine.reader.is_file(path) or machine.reader.is_dir(path)


def is_dir(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`os.path.isdir`."""
    path = place(machine, args)
    return UNKNOWN if path is None else machine.reader.is_dir(path)


def is_file(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`os.path.isfile`."""
    path = place(machine, args)
    if path is None and is_of_a_device(machine, args):
        return False
    return UNKNOWN if path is None else machine.reader.is_file(path)


def listdir(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`os.listdir`."""
    path = place(machine, args)
    names = machine.reader.names(path) if path is not None else None
    return UNKNOWN if names is None or len(names) > NAMES_LIMIT else names


def _iterdir(machine: Machine, path: PurePosixPath, args: Args) -> Value:
    names = listdir(machine, [path], {})
    return UNKNOWN if names is UNKNOWN else [path / n for n in names]


def _glob(machine: Machine, path: PurePosixPath, args: Args) -> Value:
    pattern = args[0] if args and isinstance(args[0], str) else ""
    if pattern in ("*.py", "**/*.py"):
        names = machine.reader.python_files(str(path))
        return [path / n for n in names if pattern == "**/*.py" or "/" not in n]
    found = listdir(machine, [path], {})
    if found is UNKNOWN or not pattern or "/" in pattern or "**" in pattern:
        return UNKNOWN
    return [path / n for n in found if fnmatch.fnmatchcase(n, pattern)]


def glob_files(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`glob.glob(pattern)`; only the last part of the pattern may have wildcards."""
    folder, _, pattern = str(args[0] if args else "").rpartition("/")
    if kwargs or len(args) != 1 or glob.has_magic(folder) or "**" in pattern:
        return UNKNOWN
    found = listdir(machine, [folder], {})
    if found is UNKNOWN:
        return UNKNOWN
    return [f"{folder}/{n}" for n in found if fnmatch.fnmatchcase(n, pattern) and not n.startswith(".")]


def _same(machine: Machine, path: PurePosixPath, args: Args) -> Value:
    return path


PATH_METHODS: dict[str, Callable[[Machine, PurePosixPath, Args], Value]] = {
    "resolve": _same,
    "absolute": _same,
    "expanduser": _same,
    "exists": lambda machine, path, args: exists(machine, [path], {}),
    "is_dir": lambda machine, path, args: is_dir(machine, [path], {}),
    "is_file": lambda machine, path, args: is_file(machine, [path], {}),
    "iterdir": _iterdir,
    "glob": _glob,
}
