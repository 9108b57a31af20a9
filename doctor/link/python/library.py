"""Library functions that module-level code decides by: find_spec, versions, platform, environment, paths, lazy helpers.

Keyed by where the patient's code finds them (`importlib.util.find_spec`), whether it imported the module or the name.
What is not here is UNKNOWN: its effects are taken to be none.
"""

from __future__ import annotations

import collections
import operator
import types
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.link.python.accelerators import without_driver
from doctor.link.python.enums import ENUM
from doctor.link.python.library_functions import FUNCTIONS, NOT_FOUND, comparison
from doctor.link.python.loaders import LOADER_FUNCTIONS, FileLoader
from doctor.link.python.paths import PATH_METHODS
from doctor.link.python.safe_regex import REGEX_FUNCTIONS, CompiledVal, MatchVal
from doctor.link.python.values import (
    UNKNOWN,
    ModuleVal,
    NativeVal,
    PyRaise,
    SysModulesVal,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

Args = list[Value]
Kwargs = dict[str, Value]
VersionInfo = collections.namedtuple("VersionInfo", "major minor micro releaselevel serial")


class Environ:
    """`os.environ`: variables that the launch would see, as far as they may be known; others count as unset."""


class Library:
    """The modelled part of the standard library and of packaging, for one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        reader = machine.reader
        major, minor = reader.python
        linux = reader.platform.startswith("linux")
        self.environ = Environ()
        self.table: dict[str, Value] = {
            "sys.version_info": VersionInfo(major, minor, 0, "final", 0),
            "sys.platform": "linux" if linux else "darwin" if "mac" in reader.platform else "win32",
            "sys.modules": SysModulesVal(), "sys.meta_path": machine.finders, "sys.maxsize": (1 << 63) - 1,
            "sys.path": list(reader.paths), "sys.byteorder": "little", "sys.version": f"{major}.{minor}.0",
            "os.name": "nt" if "win" in reader.platform and not linux else "posix", "os.environ": self.environ,
            "os.sep": "/", "os.path": ModuleVal("os.path", open=True, is_stdlib=True), "typing.TYPE_CHECKING": False,
            "typing_extensions.TYPE_CHECKING": False, "types.ModuleType": types.ModuleType,
            "importlib.metadata.PackageNotFoundError": NOT_FOUND, "importlib_metadata.PackageNotFoundError": NOT_FOUND,
            "packaging.version.Version": Version, "packaging.version.InvalidVersion": InvalidVersion,
            "packaging.specifiers.SpecifierSet": SpecifierSet,
            "packaging.specifiers.InvalidSpecifier": InvalidSpecifier, "pathlib.Path": PurePosixPath,
            "pathlib.PurePath": PurePosixPath, "collections.OrderedDict": dict, "enum.Enum": ENUM,
        }  # fmt: skip
        for name, call in (
            *FUNCTIONS.items(),
            *LOADER_FUNCTIONS.items(),
            *((f"re.{n}", c) for n, c in REGEX_FUNCTIONS.items()),
        ):
            self.table[name] = NativeVal(name, call)
        if reader.driverless:
            self.table.update(without_driver())
        for name in ("lt", "le", "eq", "ne", "ge", "gt"):
            self.table[f"operator.{name}"] = NativeVal(name, comparison(getattr(operator, name)))
        self.modeled = frozenset(name.rpartition(".")[0] for name in self.table)  # others need not be asked for

    def attribute(self, module: str, name: str) -> Value:
        """The modelled value of `module.name`, or UNKNOWN."""
        canonical = _CANONICAL.get(module, module)
        return self.table.get(f"{canonical}.{name}", UNKNOWN) if canonical in self.modeled else UNKNOWN

    def object_attribute(self, owner: Value, name: str) -> Value:
        """An attribute of an object that this library made, or UNKNOWN."""
        if owner is self.environ:
            return self.table.get(f"os.environ.{name}", UNKNOWN)
        if isinstance(owner, NativeVal):
            return self.table.get(f"{owner.name}.{name}", UNKNOWN)
        if isinstance(owner, (CompiledVal, MatchVal, FileLoader)):
            return owner.method(name)
        if isinstance(owner, PurePosixPath):
            return self._path_method(owner, name)
        return UNKNOWN

    def _path_method(self, path: PurePosixPath, name: str) -> Value:
        """A method of `pathlib.Path` that asks the file system."""
        call = PATH_METHODS.get(name)
        if call is None:
            return UNKNOWN
        return NativeVal(name, lambda machine, args, kwargs: call(machine, path, args))

    def item(self, owner: Value, key: Value) -> Value:
        """`os.environ[key]`; KeyError where unset."""
        if owner is self.environ and isinstance(key, str):
            value = self.machine.reader.environment(key)
            if value is None:
                raise PyRaise(KeyError, key)
            return value
        return UNKNOWN

    def contains(self, container: Value, element: Any) -> bool | None:
        """`element in os.environ`."""
        if container is self.environ and isinstance(element, str):
            return self.machine.reader.environment(element) is not None
        return None


_CANONICAL = {
    "importlib_metadata": "importlib.metadata", "posixpath": "os.path", "ntpath": "os.path",
    "typing_extensions": "typing", "packaging": "packaging.version", "Environ": "os.environ", "dict": "dict",
}  # fmt: skip
