"""Python source of strangers as a syntax tree: the one parser, bounded in size and in the stack that it takes.

Python's parser recurses in C. Its own bounds (6000 levels of the grammar, 200 brackets, 100 indents) hold for all but
chains: `a.b.b.b`, `f()()()`, `a + b + c` are one level deeper for every two characters, and turning the tree into
objects takes a frame for each. Python 3.11 and later count those and raise RecursionError; 3.10 ends with a
segmentation fault. So the stack is reckoned from the length of the text, on every Python alike: where this thread's
may not do, the text is parsed in a thread that has enough.
"""

from __future__ import annotations

import ast
import gc
import re
import sys
import warnings
from functools import cache
from typing import Any, Literal

from doctor.base.stack import NoStack, stack_left, with_stack

LARGEST = 8 << 20  # bytes or characters
# Measured with CPython 3.10: 1 MiB for the deepest grammar, 79 bytes a level of a chain, so 40 a character.
GRAMMAR_STACK = 2 << 20
CHARACTER_STACK = 128
LONGEST_NAME = 8192  # characters of a dotted name; the memory that Python's parser takes for one grows by its square
DEEPEST = 3000  # levels of a tree, as Python 3.11 has it with its usual limit of recursion
_IMPORTED = (  # compiled where it is needed: that takes a while, and nearly no file needs it
    rf"\b(?:import|from)[ \t\\]((?:[\w. \t]|\\\r?\n){{{LONGEST_NAME},}})"
)
Reason = Literal["syntax", "value", "bounds"]


class Unparsable(ValueError):
    """Text that becomes no tree. The message is Python's, without the place.

    `reason`: `syntax` for what Python calls a SyntaxError, with the line where it gives one; `value` for what Python
    refuses otherwise (NUL bytes, nesting without end); `bounds` where only we give up.
    """

    def __init__(self, message: str, reason: Reason = "value", line: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.line = line


def parse(source: str | bytes, python: tuple[int, int] | None = None) -> ast.Module:
    """The tree of a module, by the grammar of `python` as (major, minor), or of the running one. Raises Unparsable."""
    tree = _parsed(source, "exec", python)
    assert isinstance(tree, ast.Module)
    return tree


def expression(text: str) -> ast.expr:
    """The tree of one expression. Raises Unparsable."""
    tree = _parsed(text, "eval", None)
    assert isinstance(tree, ast.Expression)
    return tree.body


def literal(source: str | ast.expr) -> Any:
    """The value of a literal, given as text or as a tree. Raises Unparsable for anything else."""
    node = expression(source.lstrip(" \t")) if isinstance(source, str) else source
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise Unparsable(str(error) or type(error).__name__) from None


def _parsed(source: str | bytes, mode: str, python: tuple[int, int] | None) -> ast.AST:
    if len(source) > LARGEST:
        raise Unparsable(f"is {len(source) >> 20} MiB large; {LARGEST >> 20} MiB are read", "bounds")
    if len(source) > LONGEST_NAME and _names_without_end(source):
        raise Unparsable(f"imports a name of more than {LONGEST_NAME} characters", "bounds")
    stack = GRAMMAR_STACK + CHARACTER_STACK * len(source)
    if stack <= stack_left():
        return _parse(source, mode, python)
    try:
        tree = with_stack(lambda: _parse(source, mode, python), stack)
    except NoStack:
        raise Unparsable("there is no memory to parse it", "bounds") from None
    if sys.version_info < (3, 11) and _levels(tree, DEEPEST) > DEEPEST:
        raise Unparsable("it is nested too deeply")
    return tree


def _names_without_end(source: str | bytes) -> bool:
    """Whether a dotted name that is imported has hundreds of parts."""
    text = source.decode("latin-1") if isinstance(source, bytes) else source
    if (text.count("\\\n") + 1) * max(map(len, text.split("\n"))) < LONGEST_NAME:
        return False  # no line, joined or not, has room for one: so it is with nearly every file
    return any(found[1].count(".") > LONGEST_NAME // 8 for found in re.finditer(_IMPORTED, text))


def _parse(source: str | bytes, mode: str, python: tuple[int, int] | None) -> ast.AST:
    # Trees hold no cycles, and looking for cycles takes most of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source, mode=mode, feature_version=python)
    except SyntaxError as error:
        raise Unparsable(str(error.msg), "syntax", error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes, nesting without end
        raise Unparsable(str(error) or type(error).__name__) from None
    finally:
        if collecting:
            gc.enable()


def _levels(tree: ast.AST, most: int) -> int:
    """How deep a tree is, counted up to one more than `most`, without recursion."""
    level = [tree]
    number = 0
    while level and number <= most:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        number += 1
    return number


def end_of_block(text: str, start: int, indent: int) -> int:
    """Where the line ends after which something stands, from `start` on, that is indented no more than `indent`.

    Comments and empty lines are nothing.
    """
    found = _outside(indent).search(text, start)
    return found.start() if found is not None else len(text)


@cache
def _outside(indent: int) -> re.Pattern[str]:
    return re.compile(rf"\n[ \t]{{0,{min(indent, 400)}}}[^\s#]")
