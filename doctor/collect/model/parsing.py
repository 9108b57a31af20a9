"""Source text of strangers as a syntax tree, within bounds.

Python 3.10 ends with a segmentation fault on chains of some ten thousand attributes or operators, which a file of a
few kilobytes can hold: its stack is made large enough for the longest file that is read. Later ones raise an error.
"""

from __future__ import annotations

import ast
import gc
import threading
import warnings

from doctor.base.files import Unreadable
from doctor.base.text import one_line

STACK_BYTES = 512 << 20
DEEPEST = 500  # levels of a tree; real code has some sixty
MOST_NODES = 400_000


def parsed(data: bytes) -> tuple[str, ast.Module]:
    """The text of a source file and its tree. Raises Unreadable, whatever the file may hold."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8, as transformers reads it") from None
    found: list[ast.Module | str] = []
    before = threading.stack_size()
    try:
        threading.stack_size(STACK_BYTES)
        thread = threading.Thread(target=lambda: found.append(_parse(text)), name="parse", daemon=True)
        thread.start()
    except (ValueError, RuntimeError):  # no such stack here
        raise Unreadable("is not parsed: there is no memory for it") from None
    finally:
        threading.stack_size(before)
    thread.join()
    tree = found[0] if found else "cannot be parsed"
    if isinstance(tree, str):
        raise Unreadable(tree)
    return text, tree


def _parse(text: str) -> ast.Module | str:
    """The tree, or why there is none. Trees hold no cycles: looking for them takes most of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        return tree if _usual(tree) else "is nested too deeply, or too long, to be read"
    except SyntaxError as error:
        return f"does not parse (line {error.lineno or 1}: {one_line(str(error.msg), 80)})"
    except (ValueError, RecursionError, MemoryError):  # NUL bytes, nesting without end
        return "cannot be parsed: it is nested too deeply, or holds NUL bytes"
    finally:
        if collecting:
            gc.enable()


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
