"""Source text of strangers as a syntax tree, within bounds that no real code comes near."""

from __future__ import annotations

import ast

from doctor.base.files import Unreadable
from doctor.base.syntax import Unparsable, parse
from doctor.base.text import one_line

DEEPEST = 500  # levels of a tree; real code has some sixty
MOST_NODES = 400_000


def parsed(data: bytes) -> tuple[str, ast.Module]:
    """The text of a source file and its tree. Raises Unreadable, whatever the file may hold."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8, as transformers reads it") from None
    try:
        tree = parse(text)
    except Unparsable as error:
        if error.reason == "syntax":
            raise Unreadable(f"does not parse (line {error.line or 1}: {one_line(str(error), 80)})") from None
        raise Unreadable("cannot be parsed: it is nested too deeply, or contains NUL bytes") from None
    if not _usual(tree):
        raise Unreadable("is nested too deeply, or too long, to be read")
    return text, tree


def _usual(tree: ast.Module) -> bool:
    level: list[ast.AST] = [tree]
    nodes = 0
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        nodes += len(level)
        if not level:
            return True
        if nodes > MOST_NODES:
            return False
    return False
