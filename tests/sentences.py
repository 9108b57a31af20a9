"""Every string that a person can see: messages and help in the code, explanations of rules, known crashes, pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.sources import ROOT, SOURCES, nodes_of, tree_of

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where PyYAML is built with it
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
_TWO_WORDS = re.compile(r"[A-Za-z]{2,},? [A-Za-z`{]")
_PATTERN = re.compile(r"\(\?[:P<!=i]|\\b|\\d|\\s|\[\^|\.\*|\]\+|\\\\")  # a regular expression is not prose
_LIST = re.compile(r"\s*(?!.*\b(?:the|an?|is|are|of|to|in|not)\b)(?:\w+\s+){11,}\w+\s*", re.S)  # nor is a long list of names
_PROGRAM = re.compile(r"^import \w", re.M)  # nor is a program that a child process runs
_TABLE = re.compile(r"^\| do not write \| write \|\n(?:\|.*\n)+", re.M)
_ROW = re.compile(r"^\| `(?P<turn>[^`]+)` \|", re.M)
_QUOTED = re.compile(r"```.*?```|`[^`]*`", re.S)


class Said(NamedTuple):
    """One text and where it is; `message`: it is one message or label, not a page, an explanation or the help of a command."""

    where: str
    text: str
    message: bool


def everything() -> Iterator[Said]:
    """All of it: code first, then data, then pages."""
    for path in SOURCES:
        yield from of_code(path)
    for path in sorted((ROOT / "matrices").rglob("*.yaml")):
        yield from _of_data(path, yaml.load(path.read_text(encoding="utf-8"), LOADER))
    for name in PAGES:
        yield Said(name, _prose(ROOT / name), False)


def of_code(path: Path) -> Iterator[Said]:
    """The strings of one source file that read like text; f-strings with `{}` for each value in them."""
    tree, nodes = tree_of(path), nodes_of(path)
    name = str(path.relative_to(ROOT))
    explained = re.search(r"rules/[a-z]{3}/[a-z]{3}\d{3}_|/cli/", name) is not None
    documents, parts = set(), set()
    for node in nodes:
        parts |= _parts(node)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            documents |= {id(s.value) for s in node.body[:1] if isinstance(s, ast.Expr)}
            if ((explained and node is tree) or _is_command(node)) and (text := ast.get_docstring(node)):
                yield Said(f"{name}:{getattr(node, 'lineno', 1)}", _QUOTED.sub("", text), False)
    for node in nodes:
        text = None if id(node) in documents | parts else _text(node)
        if text and _is_prose(text):
            yield Said(f"{name}:{getattr(node, 'lineno', 1)}", text, True)


def _is_prose(text: str) -> bool:
    return bool(_TWO_WORDS.search(text)) and not (_PATTERN.search(text) or _PROGRAM.search(text) or _LIST.fullmatch(text))


def _parts(node: ast.AST) -> set[int]:
    """Strings below `node` that are no text of their own: parts of an f-string, arguments of `re`, lists that are split."""
    if isinstance(node, ast.JoinedStr):
        return {id(part) for part in ast.walk(node) if part is not node}
    if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("re.", "late_pattern")):
        return {id(part) for argument in node.args[:1] for part in ast.walk(argument)}
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return set()
    return {id(node.func.value)} if node.func.attr == "split" and not node.args else set()


def _is_command(node: ast.AST) -> bool:
    """Whether click prints the docstring of this function as its help."""
    calls = (d for d in getattr(node, "decorator_list", ()) if isinstance(d, ast.Call))
    return any(isinstance(d.func, ast.Attribute) and d.func.attr in ("command", "group") for d in calls)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return None


# keys of data that is printed
PRINTED = ("message", "title", "text", "fix", "what", "why", "cause", "note", "summary", "meaning", "differs", "aliases")


def _of_data(path: Path, data: Any, key: str = "") -> Iterator[Said]:
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _of_data(path, value, key if key == "aliases" else str(name))
    elif isinstance(data, list):
        for value in data:
            yield from _of_data(path, value, key)
    elif isinstance(data, str) and key in PRINTED and _TWO_WORDS.search(data):
        yield Said(f"{path.relative_to(ROOT)}: {key}", data, True)


def _prose(path: Path) -> str:
    """A page without what it quotes, and without the table of turns itself."""
    text = path.read_text(encoding="utf-8")
    return _QUOTED.sub("", _TABLE.sub("", text))


def turns() -> list[tuple[str, re.Pattern[str]]]:
    """The turns that CONTRIBUTING lists: words as written, `*` for any ending; "there is no X" is good English."""
    table = _TABLE.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    found = [m["turn"] for m in _ROW.finditer(table[0])] if table else []
    return [(t, re.compile(_pattern(t), re.I)) for t in found]


def _pattern(turn: str) -> str:
    words = r"\s+".join(re.escape(w).replace(r"\*", r"\w*") for w in turn.split())
    start = r"(?<!there )(?<!there\n)" if turn.startswith(("is ", "are ")) else ""
    return rf"{start}(?<![\w-]){words}(?![\w-])" + (r"(?!\s+(?:longer|more)\b)" if turn.endswith(" no") else "")
