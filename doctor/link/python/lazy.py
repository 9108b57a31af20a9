"""transformers' lazy modules, in all their generations.

`_LazyModule(name, file, import_structure, ...)` replaces a package in `sys.modules` and imports a submodule when a
name is asked for. Its constructor and `define_import_structure` loop over thousands of names, so they are modelled
here; its `__getattr__`, where the generations differ, is the patient's own and is interpreted.
"""

from __future__ import annotations

import posixpath
import re
import types
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.base.late import late_pattern
from doctor.link.python.reader import SourceProblem
from doctor.link.python.surface import line_starts
from doctor.link.python.values import UNKNOWN, ClassVal, FuncVal, InstanceVal, ModuleVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

_ALL = late_pattern(rb"__all__\s*(?::[^=\n]*)?(?:=|\+=)\s*[\[(]([^\])]*)[\])]")
_STRING = late_pattern(rb"[\"']([A-Za-z_]\w*)[\"']")
_REQUIRES = late_pattern(
    rb"@requires\((?P<args>[^)]*(?:\([^)]*\))?[^)]*)\)[^\n]*\n(?:[@\s)#][^\n]*\n)*(?:class|def) (?P<name>\w+)",
    re.M,
)
_BACKEND = late_pattern(r"[\"']([^\"']+)[\"']")
_VERSIONED = late_pattern(r"([\w\-]{1,60})\s*([<>=!~].{1,40})")
Structure = dict[frozenset[str], dict[str, set[str]]]


class LazyModules:
    """Builds lazy modules for one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.backends: dict[str, bool] = {}
        self.structures: dict[str, Structure] = {}
        self.origins: dict[str, str] = {}

    def fits(self, cls: ClassVal) -> bool:
        """Whether the class is a lazy module class: a ModuleType whose constructor takes an import structure."""
        init = cls.namespace.get("__init__")
        if not isinstance(init, FuncVal) or not any(b is types.ModuleType for b in cls.mro()):
            return False
        self.machine.function_body(init)  # its parameters come with its body
        return "import_structure" in {a.arg for a in init.node.args.args}

    def construct(self, instance: InstanceVal, args: list[Value], kwargs: dict[str, Value]) -> None:
        """Sets what the constructor sets."""
        init = instance.cls.namespace["__init__"]
        names = [a.arg for a in init.node.args.args][1:]
        given: dict[str, Value] = {**dict(zip(names, args, strict=False)), **kwargs}
        structure = given.get("import_structure")
        name, file = given.get("name"), given.get("module_file")
        attributes = instance.attributes
        attributes.update(
            __name__=name, _name=name, __file__=file, __spec__=given.get("module_spec"),
            _objects=given.get("extra_objects") or {}, _import_structure=structure,
            _explicit_import_shortcut=given.get("explicit_import_shortcut") or {}, _object_missing_backend={},
        )  # fmt: skip
        attributes["__path__"] = [posixpath.dirname(file)] if isinstance(file, str) else UNKNOWN
        if not isinstance(structure, dict) or self.machine.is_tainted(structure):
            instance.open = True
            attributes.update(_modules=UNKNOWN, _class_to_module=UNKNOWN)
            return
        if any(isinstance(key, frozenset) for key in structure):
            self._by_backend(attributes, structure, instance.cls)
        else:
            attributes["_modules"] = set(structure)
            attributes["_class_to_module"] = {v: k for k, values in structure.items() for v in self._names(values)}
        attributes["__all__"] = [*attributes["_modules"], *attributes["_class_to_module"]]

    def _names(self, values: Value) -> list[str]:
        return [v for v in self.machine.items(values) or () if isinstance(v, str)]

    def _by_backend(self, attributes: dict[str, Value], structure: Structure, cls: ClassVal) -> None:
        modules: set[str] = set()
        classes: dict[str, str] = {}
        stated: dict[str, frozenset[str]] = {}
        for backends, content in structure.items():
            for key, values in content.items() if isinstance(content, dict) else ():
                modules.update(key.rsplit(".", i)[0] for i in range(key.count(".") + 1))
                names = self._names(values)
                classes.update(dict.fromkeys(names, key))
                if backends:
                    stated.update(dict.fromkeys((key, *names), backends))
        missing = MissingBackends(self, classes, stated, cls.module)
        attributes.update(_modules=modules, _class_to_module=classes, _object_missing_backend=missing)

    def lacking(self, backends: Iterable[str], module: ModuleVal) -> list[str]:
        """Those of the backends that are not there."""
        return [b for b in backends if not self._available(b, module)]

    def _available(self, backend: str, module: ModuleVal) -> bool:
        if backend not in self.backends:
            self.backends[backend] = self._probe(backend, module)
        return self.backends[backend]

    def _probe(self, backend: str, module: ModuleVal) -> bool:
        mapping = module.namespace.get("BACKENDS_MAPPING")
        entry = mapping.get(backend) if isinstance(mapping, dict) else None
        if isinstance(entry, tuple) and entry:
            try:
                return self.machine.call(entry[0], [], {}) is not False
            except PyRaise:
                return False
        versioned = _VERSIONED.fullmatch(backend)
        if versioned is None:
            return True
        version = self.machine.reader.version(versioned[1])
        try:
            return version is not None and SpecifierSet(versioned[2]).contains(version, prereleases=True)
        except InvalidSpecifier:
            return True

    def define_import_structure(self, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """transformers' function of this name: the exported names of every file of a folder, by required backends."""
        path = str(args[0]) if args and isinstance(args[0], (str, PurePosixPath)) else None
        prefix = args[1] if len(args) > 1 else kwargs.get("prefix")
        if path is None or not (prefix is None or isinstance(prefix, str)):
            return UNKNOWN
        folder = posixpath.dirname(path) if path.endswith(".py") else path
        if folder not in self.structures:
            self.structures[folder] = self._read(folder)
        made = self.structures[folder]
        lead = f"{prefix}." if prefix else ""
        for modules in made.values():
            self.origins.update({lead + m: f"{folder}/{m.replace('.', '/')}.py" for m in modules})
        return {k: {lead + m: set(names) for m, names in v.items()} for k, v in made.items()}

    def _read(self, folder: str) -> Structure:
        out: Structure = {frozenset(): {}}
        for file in self.machine.reader.python_files(folder):
            base = posixpath.basename(file)
            if base == "__init__.py" or base.startswith(("convert_", "modular_")):
                continue
            try:
                exported = self.machine.reader.said(f"{folder}/{file}", "exports.1", _exports)
            except SourceProblem:
                continue
            for backends, name in exported:
                group = out.setdefault(frozenset(backends), {})
                group.setdefault(file[:-3].replace("/", "."), set()).add(name)
        return out

    def file_backends(self, key: str) -> tuple[str, ...]:
        """The backends that a file needs by its name (`modeling_*` needs torch), by the patient's own table."""
        file = self.origins.get(key)
        utils = self.machine.modules.get("transformers.utils.import_utils")
        table = utils.namespace.get("BASE_FILE_REQUIREMENTS") if isinstance(utils, ModuleVal) else None
        if file is None or not isinstance(table, dict):
            return ()
        stem = posixpath.basename(file)[:-3]
        for check, backends in table.items():
            answer = self.machine.call(check, [stem, UNKNOWN], {})
            if answer is UNKNOWN:
                text = self.machine.reader.text(file).decode("utf-8", "replace")
                answer = self.machine.call(check, [stem, text], {})
            if answer is True and isinstance(backends, tuple):
                return tuple(b for b in backends if isinstance(b, str))
        return ()


class MissingBackends(dict[str, list[str]]):
    """`_object_missing_backend`: worked out for the names that are asked for, not for all of the thousands."""

    def __init__(
        self, lazy: LazyModules, classes: dict[str, str], stated: dict[str, frozenset[str]], module: ModuleVal
    ) -> None:
        super().__init__()
        self._lazy, self._classes, self._stated, self._module = lazy, classes, stated, module

    def __contains__(self, name: object) -> bool:
        return bool(self.get(name))

    def get(self, name: object, default: Any = None) -> Any:
        """The backends that the name lacks; `default` where it lacks none."""
        if not isinstance(name, str):
            return default
        key = self._classes.get(name, name)
        needed = (*self._stated.get(name, ()), *self._lazy.file_backends(key))
        return self._lazy.lacking(needed, self._module) or default

    def __getitem__(self, name: str) -> list[str]:
        found: list[str] = self.get(name, [])
        return found


def _exports(text: bytes) -> list[tuple[list[str], str]]:
    """The names that a file exports, each with the backends that its `@requires` names."""
    out: list[tuple[list[str], str]] = []
    seen: set[str] = set()
    if b"@requires" in text:
        for match in (m for at in line_starts(text, b"@requires(") if (m := _REQUIRES.match(text, at)) is not None):
            name = match["name"].decode()
            seen.add(name)
            out.append((sorted(_BACKEND.findall(match["args"].decode("utf-8", "replace"))), name))
    if b"__all__" in text:
        for match in (m for at in line_starts(text, b"__all__") if (m := _ALL.match(text, at)) is not None):
            out.extend(([], n.decode()) for n in _STRING.findall(match[1]) if n.decode() not in seen)
    return out
