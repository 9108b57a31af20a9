"""What a release imports from other packages, and when: eagerly on the serving path, guarded, or later."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from doctor.base.record import dataclass
from doctor.matrix.extract.bindings import is_type_checking

# Packages whose releases come and go in names; torch's and triton's are compiled.
TRACKED = frozenset([
    "transformers", "tokenizers", "huggingface_hub", "accelerate", "peft", "optimum", "gptqmodel", "auto_gptq", "awq",
    "compressed_tensors", "qwen_vl_utils", "timm", "bitsandbytes", "flash_attn", "transformers_stream_generator",
    "torchvision", "torchaudio",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name. `module` is absolute where `level` is 0; `name` None for `import module`.

    `when` is `eager` (runs when the file is imported), `guarded` (in a `try` that catches ImportError) or `later`
    (inside a function).
    """

    level: int
    module: str
    name: str | None
    when: str


def imports_of(tree: ast.Module) -> tuple[Import, ...]:
    """Every import of a file, outside `if TYPE_CHECKING:`."""
    return tuple(dict.fromkeys(_block(tree.body, "eager")))


def _block(body: Iterable[ast.stmt], when: str) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(0, a.name, None, when) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(node.level, node.module or "", a.name, when) for a in node.names)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _block(node.body, "later")
        elif isinstance(node, ast.If):
            yield from _block([] if is_type_checking(node.test) else node.body, _conditional(node.test, when))
            yield from _block(node.orelse, _conditional(node.test, when))
        elif isinstance(node, ast.Try):
            guarded = when if when == "later" or not _catches_import(node) else "guarded"
            yield from _block(node.body, guarded)
            for block in (*(h.body for h in node.handlers), node.orelse, node.finalbody):
                yield from _block(block, when if block is node.finalbody else guarded)
        elif isinstance(node, (ast.ClassDef, ast.With, ast.For, ast.While, ast.AsyncFor, ast.AsyncWith)):
            yield from _block(node.body, when)


def _conditional(test: ast.expr, when: str) -> str:
    """Behind a condition other than `__name__` an import may or may not run: it counts as guarded."""
    return when if when == "later" or isinstance(test, ast.Constant) else "guarded"


def _catches_import(node: ast.Try) -> bool:
    caught = {n.id for h in node.handlers if h.type for n in ast.walk(h.type) if isinstance(n, ast.Name)}
    return any(h.type is None for h in node.handlers) or bool(
        caught & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    )


FileImports = Mapping[str, tuple[str, tuple[Import, ...]]]


def import_facts(files: FileImports, entries: Iterable[str]) -> dict[str, Any]:
    """`MODULE:NAME` (or `MODULE`) -> `[when, file]` for every import of a tracked package.

    `files` maps modules to their member and imports. `when` is `eager` only where importing one of `entries` reaches
    the file; the first file that has the import in its strongest form stands for all.
    """
    reached = _reached(files, entries)
    best: dict[str, tuple[int, str, str]] = {}
    for module, (member, found) in sorted(files.items()):
        for item in found:
            key = _tracked(item)
            if key is None:
                continue
            when = "later" if item.when == "eager" and module not in reached else item.when
            rank = ("eager", "guarded", "later").index(when)
            best[key] = min(best.get(key, (9, "", "")), (rank, member, when))
    return {key: [when, member] for key, (_, member, when) in best.items()}


def model_facts(files: FileImports, entries: Iterable[str], models: Iterable[str]) -> dict[str, bool]:
    """What importing each of `models` imports beyond what `entries` do: `MODULE IMPORTED` -> True.

    IMPORTED is another module of the engine, which stands here in its turn, or `MODULE:NAME` of a tracked package. What
    a `try` guards and what functions import is left out.
    """
    reached, out = _reached(files, entries), dict[str, bool]()
    todo, seen = list(models), set(reached)
    while todo:
        module = todo.pop()
        if module in seen or module not in files:
            continue
        seen.add(module)
        inner = [m for m in _imported(module, files) if m in files and m not in reached and m != module]
        todo += inner
        tracked = (_tracked(item) for item in files[module][1] if item.when == "eager")
        out |= {f"{module} {one}": True for one in (*inner, *tracked) if one}
    return out


def half_facts(files: FileImports, every: Iterable[str], halves: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Which eager imports only one half of an engine makes: `MODULE:NAME` -> that backend.

    `every` are the entry modules of every launch, `halves` the further ones of each backend.
    """
    shared, out = _eager(files, every), dict[str, list[str]]()
    for half, entries in halves.items():
        for key in _eager(files, entries) - shared:
            out.setdefault(key, []).append(half)
    return {key: named[0] for key, named in out.items() if len(named) == 1}


def _eager(files: FileImports, entries: Iterable[str]) -> set[str]:
    """The tracked imports that importing `entries` makes eagerly."""
    every = (i for module in _reached(files, entries) & files.keys() for i in files[module][1] if i.when == "eager")
    return {key for item in every if (key := _tracked(item)) is not None}


def _tracked(item: Import) -> str | None:
    """`MODULE:NAME` or `MODULE` of an import from a tracked package."""
    if item.level or item.module.partition(".")[0] not in TRACKED or item.name == "*":
        return None
    return item.module if item.name is None else f"{item.module}:{item.name}"


def _reached(files: FileImports, entries: Iterable[str]) -> set[str]:
    """The modules that importing `entries` imports eagerly, their parent packages included."""
    seen: set[str] = set()
    todo = [e for e in entries if e in files]
    while todo:
        module = todo.pop()
        if module in seen or module not in files:
            continue
        seen.add(module)
        todo += _imported(module, files)
    return seen


def _imported(module: str, files: FileImports) -> Iterator[str]:
    """What importing a module imports eagerly, its package first; `from a import b` may import `a.b`."""
    yield module.rpartition(".")[0]
    member, found = files[module]
    for item in found:
        if item.when == "eager":
            base = _absolute(module, member.endswith("/__init__.py"), item)
            yield from (base, *([f"{base}.{item.name}"] if item.name else ()))


def _absolute(module: str, is_package: bool, item: Import) -> str:
    if not item.level:
        return item.module
    parts = module.split(".")
    parts = parts[: len(parts) - item.level + (1 if is_package else 0)]
    return ".".join([*parts, *([item.module] if item.module else [])])
