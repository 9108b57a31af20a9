"""Pipelines whose failing members a script lets pass: the shell's own status is that of the last member alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.launch.shell_text.grammar import parsed
from doctor.launch.shell_text.scan import Unparsable
from doctor.launch.shell_text.tree import (
    AndOr,
    Background,
    Case,
    Counting,
    For,
    Function,
    Group,
    If,
    Node,
    Pipeline,
    Redirected,
    Simple,
    While,
    Word,
)  # fmt: skip

Member = frozenset[str]
UNKNOWN: Member = frozenset()  # a member that is a variable, a group or a function: any program
_LOOKED_AT = 6  # words of a member: `nohup nice -n 5 python server.py` becomes the last of them
_HANDLES = ("PIPESTATUS", "pipestatus")


def unhandled(text: str) -> tuple[tuple[Member, ...], ...]:
    """The members of each pipeline that no `||`, `if`, `!`, `trap` or PIPESTATUS looks at, in the script's order.

    A member is what its program may be called: the last path components of its first words.
    """
    try:
        body = parsed(text).body
    except (Unparsable, RecursionError):
        return ()
    if any("trap" in _first(node) for node in body) or any(name in text for name in _HANDLES):
        return ()
    return tuple(_Walk({node.name: node for node in body if isinstance(node, Function)}).every(body))


class _Walk:
    """Through what runs without anybody looking at its status; a function where it is called so."""

    def __init__(self, functions: dict[str, Function]) -> None:
        self._functions = functions
        self._entered: set[str] = set()

    def every(self, nodes: Sequence[Node]) -> Iterator[tuple[Member, ...]]:
        for node in nodes:
            yield from self._of(node)

    def _of(self, node: Node) -> Iterator[tuple[Member, ...]]:
        if isinstance(node, Pipeline):
            if not node.negated and len(node.commands) > 1:
                yield tuple(self._member(one) for one in node.commands)
        elif isinstance(node, Simple):
            for name in _first(node) & (self._functions.keys() - self._entered):
                self._entered.add(name)
                yield from self._of(self._functions[name].body)
        elif isinstance(node, AndOr):
            if all(op == "&&" for op, _ in node.rest):
                yield from self.every((node.first, *(rest for _, rest in node.rest)))
        else:
            yield from self.every(_inside(node))

    def _member(self, node: Node) -> Member:
        return UNKNOWN if _first(node) & self._functions.keys() else _names(node)


def _inside(node: Node) -> tuple[Node, ...]:
    """What a compound command runs, without its conditions."""
    if isinstance(node, Redirected | Background):
        return (node.body,)
    if isinstance(node, Group | While | For | Counting):
        return node.body
    if isinstance(node, If):
        return (*(one for _, body in node.branches for one in body), *node.otherwise)
    if isinstance(node, Case):
        return tuple(one for _, body, _ in node.clauses for one in body)
    return ()


def _first(node: Node) -> Member:
    """The program alone, as it is written."""
    node = node.body if isinstance(node, Redirected) else node
    return _names(node, 1) if isinstance(node, Simple) else UNKNOWN


def _names(node: Node, most: int = _LOOKED_AT) -> Member:
    node = node.body if isinstance(node, Redirected) else node
    words = node.words[:most] if isinstance(node, Simple) else ()
    sources = [word.source for word in words if isinstance(word, Word)]
    if not sources or any(c in sources[0] for c in "$`*?{"):
        return UNKNOWN
    return frozenset(source.strip("\"'").rpartition("/")[2] for source in sources if not source.startswith("-"))
