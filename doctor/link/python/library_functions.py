"""The functions of `doctor.link.python.library`: each takes machine and arguments, gives a value or raises PyRaise."""

from __future__ import annotations

import importlib.metadata
import itertools
import posixpath
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from doctor.facts import Cause
from doctor.link.python.dataclass import decorate
from doctor.link.python.objects import Spec
from doctor.link.python.packages import Packages
from doctor.link.python.paths import exists, glob_files, is_dir, is_file, listdir
from doctor.link.python.search import find_top, is_out_of_sight
from doctor.link.python.values import (
    UNKNOWN,
    ClassVal,
    FuncVal,
    ModuleVal,
    NativeVal,
    PyRaise,
    SuppressVal,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

Args = list[Value]
Kwargs = dict[str, Value]
NOT_FOUND = importlib.metadata.PackageNotFoundError


def _text(args: Args, at: int = 0) -> str | None:
    return args[at] if len(args) > at and isinstance(args[at], str) else None


def comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Machine, Args, Kwargs], Value]:
    """`operator.lt` and its like, for plain values."""

    def call(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        try:
            plain = len(args) == 2 and all(machine.is_plain(a) for a in args)
            return bool(compare(*args)) if plain else UNKNOWN
        except TypeError:
            return UNKNOWN

    return call


def _find_spec(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    name = _text(args)
    if name is None:
        return UNKNOWN
    if name.startswith("."):
        package = _text(args, 1) or kwargs.get("package")
        name = f"{package}{name}" if isinstance(package, str) else name
    parent = name.rpartition(".")[0]
    search = machine.search_of(machine.import_origin(parent, None)) if parent else None
    loaded = name in machine.modules and not is_out_of_sight(machine, name)
    known = machine.modules.get(name)
    if loaded and isinstance(known, ModuleVal) and known.file is not None:
        return Spec(name, origin=known.file, search=known.search)
    if loaded:
        return Spec(name, origin=UNKNOWN)
    found = find_top(machine, name) if not parent else machine.reader.find(name, search)
    return None if found is None else Spec(name, origin=found.file, search=found.search and list(found.search))


def _import_module(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    name = _text(args)
    if name is None:
        return UNKNOWN
    package = _text(args, 1) or kwargs.get("package")
    dots = len(name) - len(name.lstrip("."))
    if dots:
        if not isinstance(package, str):
            return UNKNOWN
        base = package.split(".")
        name = ".".join([*base[: len(base) - dots + 1], name[dots:]])
    here = machine.caller.module if machine.caller is not None else None
    return machine.import_origin(name, here, machine.line)


def _version(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    name = _text(args) or _text([kwargs.get("distribution_name")])
    if name is None:
        return UNKNOWN
    version = machine.reader.version(name)
    if version is None:
        here = machine.caller.module if machine.caller is not None else None
        text = f"No package metadata was found for {name}"
        cause = Cause("missing-module", name, error="PackageNotFoundError", text=text)
        raise PyRaise(NOT_FOUND, text, machine.located(cause, here, machine.line))
    return version


def _distribution(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    _version(machine, args, kwargs)
    return UNKNOWN


def _entry_points(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`importlib.metadata.entry_points(group=...)`; what a plugin is, is not known, but that there is none."""
    group = kwargs.get("group")
    return [] if isinstance(group, str) and not machine.reader.has_entry_points(group) else UNKNOWN


def _parse_version(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if len(args) == 1 and isinstance(args[0], (str, Version)) and len(str(args[0])) < 200:
        try:
            return Version(str(args[0]))
        except InvalidVersion as error:
            raise PyRaise(InvalidVersion, str(error)) from None
    return UNKNOWN


def _getenv(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    name = _text(args)
    if name is None:
        return UNKNOWN
    value = machine.reader.environment(name)
    return value if value is not None else args[1] if len(args) > 1 else kwargs.get("default")


def _constant(value: Value) -> Callable[[Machine, Args, Kwargs], Value]:
    return lambda machine, args, kwargs: value


def _same(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    return args[0] if args else UNKNOWN


def _decorator(name: str) -> Callable[[Machine, Args, Kwargs], Value]:
    """A decorator used bare (`@cache`) or with arguments (`@lru_cache(maxsize=None)`)."""

    def call(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        bare = len(args) == 1 and not isinstance(args[0], (int, type(None)))
        return args[0] if bare else NativeVal(name, _same)

    return call


def _wraps(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`functools.wraps(wrapped)`: the wrapper takes over the name."""

    def rename(machine: Machine, given: Args, kwargs: Kwargs) -> Value:
        if given and isinstance(given[0], FuncVal) and args and isinstance(args[0], (FuncVal, ClassVal)):
            given[0].name = args[0].name
        return given[0] if given else UNKNOWN

    return NativeVal("functools.wraps", rename)


def _cast(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    return args[1] if len(args) == 2 else UNKNOWN


def _suppress(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    return SuppressVal(tuple(args))


def _chain(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    found = [machine.items(a) for a in args]
    return UNKNOWN if any(f is None for f in found) else list(itertools.chain(*(f or [] for f in found)))


def _from_keys(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    keys = machine.items(args[0]) if args else None
    if keys is None or not all(machine.is_key(k) for k in keys):
        return UNKNOWN
    return dict.fromkeys(keys, args[1] if len(args) > 1 else None)


def _partial(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if not args:
        return UNKNOWN
    func, first = args[0], args[1:]
    return NativeVal(
        "partial", lambda machine, more, named: machine.call(func, [*first, *more], {**kwargs, **named}, machine.caller)
    )


def _os_path(action: Callable[..., Any]) -> Callable[[Machine, Args, Kwargs], Value]:
    def call(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        if not args or not all(isinstance(a, (str, PurePosixPath)) for a in args):
            return UNKNOWN
        return action(*(str(a) for a in args))

    return call


def _extend_path(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`pkgutil.extend_path(__path__, __name__)`: the package's folders on the whole search path."""
    name = _text(args, 1)
    if not args or not isinstance(args[0], list) or name is None:
        return UNKNOWN
    folders = (f"{p}/{name.replace('.', '/')}" for p in machine.reader.paths)
    return [*args[0], *(f for f in folders if f not in args[0] and machine.reader.is_dir(f))]


def _declare_namespace(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`pkg_resources.declare_namespace(__name__)`."""
    module = machine.modules.get(_text(args) or "")
    if isinstance(module, ModuleVal) and module.search is not None:
        module.namespace["__path__"] = _extend_path(machine, [list(module.search), module.name], {})
    return None


def _iter_modules(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    folders = args[0] if args else kwargs.get("path")
    prefix = _text(args, 1) or kwargs.get("prefix", "")
    if not isinstance(folders, list) or not isinstance(prefix, str):
        return UNKNOWN
    out = []
    for folder in folders:
        names = [f for f in machine.reader.python_files(str(folder)) if f.count("/") <= 1]
        out += [(None, prefix + n[:-3], False) for n in names if "/" not in n and n != "__init__.py"]
        out += [(None, prefix + n[:-12], True) for n in names if n.endswith("/__init__.py")]
    return sorted(out, key=lambda entry: str(entry[1]))


def _namedtuple(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    module = machine.caller.module if machine.caller is not None else ModuleVal("collections")
    return ClassVal(_text(args) or "namedtuple", module, open=True)


FUNCTIONS: dict[str, Callable[[Machine, Args, Kwargs], Value]] = {
    "importlib.util.find_spec": _find_spec,
    "importlib.find_loader": _find_spec,
    "importlib.import_module": _import_module,
    "importlib.metadata.version": _version,
    "importlib.metadata.distribution": _distribution,
    "importlib.metadata.metadata": _distribution,
    "importlib.metadata.packages_distributions": lambda machine, args, kwargs: Packages(machine),
    "packaging.version.parse": _parse_version,
    "pkg_resources.parse_version": _parse_version,
    "os.getenv": _getenv,
    "logging.getLogger": _constant(UNKNOWN),  # given the module's name, it binds nothing in the module
    "os.environ.get": _getenv,
    "os.path.join": _os_path(posixpath.join),
    "os.path.dirname": _os_path(posixpath.dirname),
    "os.path.basename": _os_path(posixpath.basename),
    "os.path.abspath": _os_path(posixpath.normpath),
    "os.path.realpath": _os_path(posixpath.normpath),
    "os.path.normpath": _os_path(posixpath.normpath),
    "os.path.splitext": _os_path(posixpath.splitext),
    "os.path.split": _os_path(posixpath.split),
    "os.path.exists": exists,
    "os.path.isfile": is_file,
    "os.path.isdir": is_dir,
    "os.listdir": listdir,
    "glob.glob": glob_files,
    "importlib.metadata.entry_points": _entry_points,
    "platform.system": lambda machine, args, kwargs: {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}.get(
        str(machine.library.table["sys.platform"]), UNKNOWN
    ),
    "platform.machine": lambda machine, args, kwargs: machine.reader.platform.rpartition("-")[2] or UNKNOWN,
    "platform.python_implementation": _constant("CPython"),
    "platform.python_version": lambda machine, args, kwargs: ".".join(map(str, machine.reader.python)) + ".0",
    "functools.lru_cache": _decorator("functools.lru_cache"),
    "functools.cache": _same,
    "functools.wraps": _wraps,
    "functools.partial": _partial,
    "functools.cached_property": _same,
    "contextlib.contextmanager": _same,
    "contextlib.asynccontextmanager": _same,
    "contextlib.suppress": _suppress,
    "dataclasses.dataclass": decorate,
    "typing.cast": _cast,
    "itertools.chain": _chain,
    "itertools.chain.from_iterable": lambda machine, args, kwargs: _chain(machine, machine.items(args[0]) or [], {}),
    "dict.fromkeys": _from_keys,
    "pkgutil.extend_path": _extend_path,
    "pkg_resources.declare_namespace": _declare_namespace,
    "pkgutil.iter_modules": _iter_modules,
    "collections.namedtuple": _namedtuple,
    "transformers.utils.import_utils.define_import_structure": lambda machine, args, kwargs: (
        machine.lazy.define_import_structure(args, kwargs)
    ),
}
