"""What a file of remote code imports, and which of that transformers demands before it runs the file.

`transformers.dynamic_module_utils.check_imports` imports every top-level package that `get_imports` finds in the file,
and stops where one is missing. How `get_imports` looks was read in releases 4.33.3 to 5.23.0: by regular expressions
on the text until 4.50, on the syntax tree since 4.51. Its expressions take quadratic time on hostile text; the same
is done here in one pass.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.facts import CodeImport
from doctor.facts.model import Era

MOST = 1000
_IMPORT = late_pattern(r"^[^\S\n]*import\s+(\S+)\s*$", re.M)
_FROM = late_pattern(r"^[^\S\n]*from\s+(\S+)\s+import", re.M)
_TRY = late_pattern(r"try\s*:")
_FLASH = late_pattern(r"if is_flash_attn[a-zA-Z0-9_]+available\(\):\s*")
_FLASH_LINE = late_pattern(r"from flash_attn\s*.*\s*")
# names of transformers.utils.import_utils by which code asks what is installed
_AVAILABLE = late_pattern(
    r"is_\w+_available(?:_on_device)?|is_\w+_(?:greater|less)_or_equal\w*|is_quanto_greater|is_torch\w+"
    r"|is_(?:cuda|rocm)_platform|is_habana_gaudi1|is_in_notebook|is_sagemaker_\w+|is_training_run_on_sagemaker"
)


def imports_of(file: str, text: str, tree: ast.Module) -> list[CodeImport]:
    """Every absolute import of a file, in the order of its lines."""
    eras: tuple[tuple[Era, set[str]], ...] = (("text", by_text(text)), ("text-flash", by_text(text, flash=True)))
    out: list[CodeImport] = []
    seen: set[str] = set()
    for node, skipped in _statements(tree):
        for module, name in _names(node):
            top = module.partition(".")[0]
            seen.add(top)
            checked = (*(era for era, tops in eras if top in tops), *(e for e in _TREES if e not in skipped))
            out.append(CodeImport(file, node.lineno, module, name, "tree" in skipped, checked))
    for top in sorted({t for _, tops in eras for t in tops} - seen):  # words of a docstring that look like an import
        checked = tuple(era for era, tops in eras if top in tops)
        out.append(CodeImport(file, _line(text, top), one_line(top, 200), None, True, checked))
    return sorted(out, key=lambda i: i.line)[:MOST]


_TREES: tuple[Era, ...] = ("tree-flash", "tree")


def _statements(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, frozenset[Era]]]:
    """Every import statement, with the ways of looking that skip it. Iterative: the tree may be deep."""
    stack: list[tuple[ast.AST, frozenset[Era]]] = [(tree, frozenset())]
    while stack:
        node, skipped = stack.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, skipped
        elif not isinstance(node, ast.expr):
            inside = skipped | _skipping(node)
            stack.extend((child, inside) for child in ast.iter_child_nodes(node))


def _skipping(node: ast.AST) -> frozenset[Era]:
    if isinstance(node, ast.Try):
        return frozenset(_TREES)
    out: set[Era] = set()
    for part in ast.walk(node.test) if isinstance(node, ast.If) else ():
        name = part.func.id if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) else ""
        if name.startswith("is_flash_attn"):
            out.add("tree-flash")
        if _AVAILABLE.fullmatch(name):
            out.add("tree")
    return frozenset(out)


def _names(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str | None]]:
    if isinstance(node, ast.Import):
        yield from ((one_line(alias.name, 200), None) for alias in node.names)
    elif node.level == 0 and node.module:
        yield from ((one_line(node.module, 200), one_line(alias.name, 200)) for alias in node.names)


def by_text(text: str, *, flash: bool = False) -> set[str]:
    """The top-level packages that the releases until 4.50 find; `flash`: those since 4.45."""
    text = _without_try(text)
    if flash:
        text = _without_flash(text)
    found = (*_IMPORT.findall(text), *_FROM.findall(text))
    return {name.split(".")[0] for name in found if not name.startswith(".")}


def _without_try(text: str) -> str:
    r"""As `re.sub(r"\s*try\s*:.*?except.*?:", "", text, flags=DOTALL)`, which also takes out the end of `retry:`."""
    out: list[str] = []
    at = 0
    for match in _TRY.finditer(text):
        if match.start() < at:
            continue
        other = text.find("except", match.end())
        end = text.find(":", other + 6) if other >= 0 else -1
        if end < 0:
            break
        out.append(text[at : match.start()].rstrip())
        at = end + 1
    return "".join(out) + text[at:]


def _without_flash(text: str) -> str:
    out: list[str] = []
    at = 0
    for match in _FLASH.finditer(text):
        if match.start() < at:
            continue
        end = match.end()
        while line := _FLASH_LINE.match(text, end):
            end = line.end()
        if end > match.end():
            out.append(text[at : match.start()])
            at = end
    return "".join(out) + text[at:]


def _line(text: str, top: str) -> int:
    match = re.search(rf"^[^\S\n]*(?:import|from)\s+{re.escape(top)}", text, re.M)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def relative_files(file: str, tree: ast.Module, there: Callable[[str], bool]) -> list[str]:
    """The files beside `file` that it imports from, as paths from the repository's top; `there` tells which exist."""
    out: dict[str, None] = {}
    every = [node for node, _ in _statements(tree) if isinstance(node, ast.ImportFrom) and node.level]
    for node in sorted(every, key=lambda n: n.lineno):
        folder = posixpath.dirname(file)
        for _ in range(min(node.level - 1, 16)):
            folder = posixpath.dirname(folder)
        for module in [node.module] if node.module else [alias.name for alias in node.names]:
            path = posixpath.join(folder, module.replace(".", "/"))
            package = f"{path}/__init__.py"
            out[package if there(package) and not there(f"{path}.py") else f"{path}.py"] = None
    return list(out)[:MOST]
