"""Pipelines whose failing members a script lets pass: the shell's own status is that of the last member alone."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.launch.shell_text.grammar import parsed
from doctor.launch.shell_text.scan import Unparsable
from doctor.launch.shell_text.tree import AndOr, Background, Group, Node, Pipeline, Redirected, Simple, Word

UNKNOWN = ""  # the program of a member that is a variable or a group


def unhandled(text: str) -> tuple[tuple[str, ...], ...]:
    """The programs of the members of each pipeline that no `||`, `if`, `!` or `trap` looks at, in the script's order.

    A program is its last path component as it is written, empty where the script does not say it.
    """
    try:
        body = parsed(text).body
    except (Unparsable, RecursionError):
        return ()
    if any(_program(node) == "trap" for node in body):
        return ()
    return tuple(found for node in body for found in _of(node))


def _of(node: Node) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Pipeline) and not node.negated and len(node.commands) > 1:
        yield tuple(map(_program, node.commands))
    elif isinstance(node, Redirected | Background):
        yield from _of(node.body)
    elif isinstance(node, Group):
        for one in node.body:
            yield from _of(one)
    elif isinstance(node, AndOr) and all(op == "&&" for op, _ in node.rest):
        for one in (node.first, *(rest for _, rest in node.rest)):
            yield from _of(one)


def _program(node: Node) -> str:
    node = node.body if isinstance(node, Redirected) else node
    first = node.words[0] if isinstance(node, Simple) and node.words else None
    if not isinstance(first, Word) or any(c in first.source for c in "$`*?{"):
        return UNKNOWN
    return first.source.strip("\"'").rpartition("/")[2]
