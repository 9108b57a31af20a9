"""Every module of a release and the names that can be imported from it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import field

from doctor.base.record import dataclass
from doctor.matrix.extract.bindings import Bindings, bindings, parse
from doctor.matrix.extract.cut import without_bodies
from doctor.matrix.extract.imports import FileImports, Import, imports_of
from doctor.matrix.extract.lazy import Lazy, lazy
from doctor.remote.source import WheelSource

LARGEST_SOURCE = 4 << 20
ANYTHING = "*"
_DEPTH = 12


@dataclass(slots=True)
class _File:
    """One parsed source file."""

    bound: Bindings
    lazy: Lazy | None
    fallbacks: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()


@dataclass(slots=True)
class Parsed:
    """Files already parsed, by what identifies their content; releases share most of their files.

    `imports` tells to note what each file imports, too.
    """

    files: dict[tuple[int, int], _File | None] = field(default_factory=dict)
    imports: bool = False


def importable(source: WheelSource, tops: Iterable[str], parsed: Parsed | None = None) -> dict[str, frozenset[str]]:
    """`{module: names}` for every module below the top-level packages `tops`.

    A package's submodules are importable from it and stand in the result as modules, not as names. A file that this
    Python cannot parse, or that makes names up by `__getattr__`, stands with the name `*`: any name may be there.
    Names from C extensions are not known and not listed.
    """
    parsed = Parsed() if parsed is None else parsed
    members = _members(source, tops)
    source.prefetch(members)
    package = _Package({})
    for member, module in members.items():
        package.files[module] = _load(source, member, parsed)
        if member.endswith("/__init__.py"):
            package.folders.add(module)
    return package.resolve()


def file_imports(source: WheelSource, tops: Iterable[str], parsed: Parsed) -> FileImports:
    """`{module: (member, imports)}` for the same modules; `parsed.imports` must be set."""
    members = _members(source, tops)
    source.prefetch(members)
    loaded = {module: (member, _load(source, member, parsed)) for member, module in members.items()}
    return {module: (member, file.imports if file else ()) for module, (member, file) in loaded.items()}


def sources_of(source: WheelSource, tops: Iterable[str]) -> list[str]:
    """The members that are read for the names and imports of these packages."""
    return list(_members(source, tops))


def _members(source: WheelSource, tops: Iterable[str]) -> dict[str, str]:
    wanted = frozenset(tops)
    return {m: f for m in source.names() if (f := _module(m)) and f.partition(".")[0] in wanted}


def _module(member: str) -> str | None:
    """`transformers/utils/__init__.py` as `transformers.utils`; None for what is not Python source of a package."""
    if not member.endswith(".py") or "-" in member:
        return None
    dotted = member[:-3].replace("/", ".")
    return dotted[: -len(".__init__")] if dotted.endswith(".__init__") else dotted


def _load(source: WheelSource, member: str, parsed: Parsed) -> _File | None:
    key = source.identity(member)
    if key not in parsed.files:
        text = source.read(member, LARGEST_SOURCE).decode("utf-8-sig", "replace")
        tree = _tree(member, text)
        parsed.files[key] = None if tree is None else _parsed(member, tree, text, parsed.imports)
    return parsed.files[key]


def _tree(member: str, text: str) -> ast.Module | None:
    """The file's tree; but for packages, which may list their names in a function, without what binds nothing."""
    if not member.endswith("/__init__.py") and (tree := parse(without_bodies(text))) is not None:
        return tree
    return parse(text)


def _parsed(member: str, tree: ast.Module, text: str, imports: bool) -> _File:
    found = imports_of(tree) if imports else ()
    return _File(bindings(tree), _lazy_of(member, tree, text), _fallbacks(text), found)


def _lazy_of(member: str, tree: ast.Module, text: str) -> Lazy | None:
    return lazy(tree, text) if member.endswith("/__init__.py") else None


def _fallbacks(text: str) -> tuple[str, ...]:
    """The suffixes that a lazy module strips when a name is not found (`FooTokenizerFast` is `FooTokenizer`)."""
    if "class _LazyModule" not in text:
        return ()
    return tuple(s for s in ("TokenizerFast", "ImageProcessorFast") if f'name.endswith("{s}")' in text)


def _fast_twins(names: dict[str, frozenset[str]], below: str) -> dict[str, frozenset[str]]:
    """`models.x.image_processing_x_fast` with the names of `image_processing_x`, classes also by their old names."""
    return {
        f"{module}_fast": bound | {n + "Fast" for n in bound if n.endswith("ImageProcessor")}
        for module, bound in names.items()
        if module.startswith(below) and module.rpartition(".")[2].startswith("image_processing_")
        if not module.endswith("_fast")
    }


@dataclass(slots=True)
class _Package:
    files: dict[str, _File | None]
    folders: set[str] = field(default_factory=set)

    def resolve(self) -> dict[str, frozenset[str]]:
        fast = {s for f in self.files.values() if f for s in f.fallbacks}
        out = {module: frozenset(self._names(module, fast)) for module in self.files}
        for module, file in self.files.items():
            for alias, target in (file.lazy.aliases if file and file.lazy else {}).items():
                if f"{module}.{target}" in out:
                    out.setdefault(f"{module}.{alias}", out[f"{module}.{target}"])
            if file and file.lazy and file.lazy.fast_images:
                out = {**_fast_twins(out, f"{module}.models."), **out}
        return out

    def _names(self, module: str, fast: set[str]) -> set[str]:
        file = self.files[module]
        if file is None:
            return {ANYTHING}
        if file.lazy is None:
            names = self._plain(module, 0)
            return names | {ANYTHING} if "__getattr__" in file.bound.names else names
        names = set(file.lazy.names)
        for folder in file.lazy.reads:
            names |= self._exports_below(f"{module}.{folder}" if folder else module)
        names |= {n + "Fast" for n in names for s in fast if n.endswith(s[: -len("Fast")])}
        return names if file.lazy.replaces else names | self._plain(module, 0)

    def _plain(self, module: str, depth: int) -> set[str]:
        """The names that an ordinary module binds, its star imports from the same package followed."""
        file = self.files.get(module)
        if file is None or depth > _DEPTH:
            return set()
        names = set(file.bound.names)
        for level, target in file.bound.stars:
            names |= self._starred(self._absolute(module, level, target), depth + 1)
        return names

    def _starred(self, module: str, depth: int) -> set[str]:
        file = self.files.get(module)
        if file is None:
            return set()
        if file.bound.exports is not None:
            return set(file.bound.exports)
        return {n for n in self._plain(module, depth) if not n.startswith("_")}

    def _absolute(self, module: str, level: int, target: str) -> str:
        if not level:
            return target
        parts = module.split(".")
        keep = len(parts) - level + (1 if module in self.folders else 0)
        return ".".join([*parts[:keep], *([target] if target else [])])

    def _exports_below(self, package: str) -> set[str]:
        """What transformers' `define_import_structure` reads of a folder: `__all__` and `@requires` of its files."""
        names: set[str] = set()
        for module, file in self.files.items():
            if file is None or module in self.folders or not module.startswith(package + "."):
                continue
            if not module.rpartition(".")[2].startswith(("convert_", "modular_")):
                names |= set(file.bound.exports or ()) | file.bound.required
        return names
