"""YAML that strangers wrote, within our own bounds: what a release of PyYAML happens to refuse decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import yaml

MOST_NODES = 50_000  # far beyond any real compose file
MOST_DOCUMENTS = 1000  # of one text; a rendered chart has some dozens
MOST_MERGED = 100_000  # keys that the mappings of one document with `<<` have once that is written out, together
MOST_KEYS = 10_000  # the same for one mapping
LONGEST_NUMBER = 1000  # characters; PyYAML reads `1:1:1...` in quadratic time
MERGE = "tag:yaml.org,2002:merge"
_SLOW_TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp"))
# What PyYAML lets through for words that do not fit their tag: `!!bool x`, `!!int ''`, `!!timestamp x`.
_ERRORS = (yaml.YAMLError, RecursionError, MemoryError, ValueError, TypeError, LookupError, AttributeError)


class YamlError(ValueError):
    """No YAML, or more of it than is read; the message is one phrase, or the name of an exception."""


def compose(text: str) -> yaml.Node | None:
    """The node graph of the only document in `text`, None for no document. Raises YamlError.

    Aliases are the same node again, so that lists which multiply through them cost nothing here; whoever walks
    the graph bounds the walk. `<<` stays a key.
    """
    return _composed(text, yaml.SafeLoader)[1]


def graphs(text: str) -> list[yaml.Node]:
    """The node graphs of all documents in `text`, as `compose` gives one. Raises YamlError."""
    try:
        return list(_roots(yaml.SafeLoader(text)))
    except YamlError:
        raise
    except _ERRORS as error:
        raise _named(error) from None


def load(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """The value of the only document in `text`; `loader` brings tags of its own. Raises YamlError.

    The pure loader, never the C one: there deep nesting is an exception, in C it is a crash.
    """
    reader, root, mappings = _composed(text, loader)
    _once(mappings, loader)
    _merge_all(mappings)
    try:
        return None if root is None else reader.construct_document(root)
    except _ERRORS as error:
        raise _named(error) from None


def load_all(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> list[Any]:
    """The values of all documents in `text`, those that are empty left out. Raises YamlError."""
    try:
        reader = loader(text)
        roots = list(_roots(reader))
    except YamlError:
        raise
    except _ERRORS as error:
        raise _named(error) from None
    mappings = [m for root in roots for m in _mappings(root)]
    _once(mappings, loader)
    _merge_all(mappings)
    try:
        return [reader.construct_document(root) for root in roots]
    except _ERRORS as error:
        raise _named(error) from None


def _once(mappings: list[yaml.MappingNode], loader: type[yaml.SafeLoader]) -> None:
    """Raises YamlError for a key that a mapping has twice, where the loader does not take that."""
    if not getattr(loader, "keys_once", False):
        return
    for mapping in mappings:
        seen: dict[str, int] = {}
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if seen.setdefault(key.value, line) != line:
                raise YamlError(f"line {line} repeats the key `{key.value[:60]}` of line {seen[key.value]}")


def _roots(reader: yaml.SafeLoader) -> Iterator[yaml.Node]:
    """The root of every document that is not empty; no more values in all than one document may have."""
    left, number = MOST_NODES, 0
    while reader.check_node():
        number += 1
        if number > MOST_DOCUMENTS:
            raise YamlError(f"more than {MOST_DOCUMENTS} documents")
        root = reader.get_node()
        if root is None or root.tag == "tag:yaml.org,2002:null":
            continue
        left -= sum(1 for _ in islice(_distinct(root), left + 1))
        if left < 0:
            raise YamlError(f"more than {MOST_NODES} values")
        yield root


def _composed(
    text: str, loader: type[yaml.SafeLoader]
) -> tuple[yaml.SafeLoader, yaml.Node | None, list[yaml.MappingNode]]:
    """The document and every mapping in it, checked against the bounds; and who constructs it."""
    try:
        reader = loader(text)
        root = reader.get_single_node()
    except _ERRORS as error:
        raise _named(error) from None
    return reader, root, [] if root is None else _mappings(root)


def _mappings(root: yaml.Node) -> list[yaml.MappingNode]:
    """Every mapping below a node. Raises YamlError where there is more than is read."""
    mappings = []
    for number, node in enumerate(_distinct(root)):
        if number >= MOST_NODES:
            raise YamlError(f"more than {MOST_NODES} values")
        if isinstance(node, yaml.MappingNode):
            mappings.append(node)
        elif node.tag in _SLOW_TAGS and len(node.value) > LONGEST_NUMBER:
            raise YamlError("a number without end")
    return mappings


def _named(error: BaseException) -> YamlError:
    return YamlError(str(getattr(error, "problem", None) or type(error).__name__))


def _distinct(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, however many aliases lead to it."""
    todo, seen = [root], {id(root)}
    while todo:
        node = todo.pop()
        yield node
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        listed = node.value if isinstance(node, yaml.SequenceNode) else ()
        for child in chain(chain.from_iterable(pairs), listed):
            if id(child) not in seen:
                seen.add(id(child))
                todo.append(child)


def _merge_all(mappings: list[yaml.MappingNode]) -> None:
    """Writes out `<<` in every mapping, within the bounds, so that nothing is left of it for the constructor.

    As the YAML merge type has it: a mapping's own keys go before merged ones, and of a list the earlier mapping
    goes before the later. (PyYAML 6.0.4 has the last the other way round.)
    """
    pending = {id(m) for m in mappings if any(key.tag == MERGE for key, _ in m.value)}
    left = MOST_MERGED
    for mapping in mappings:
        todo, opened = [mapping], set[int]()
        while todo:
            node = todo[-1]
            if id(node) not in pending:
                todo.pop()
                continue
            merged = _merged(node, left)
            if lacking := [m for m in merged if id(m) in pending]:
                if id(node) in opened:
                    raise YamlError("a mapping merges itself")
                opened.add(id(node))
                todo += lacking
                continue
            _merge(node, merged)
            pending.remove(id(node))
            left -= len(merged) + len(node.value)


def _merge(node: yaml.MappingNode, merged: list[yaml.MappingNode]) -> None:
    if len(node.value) + sum(len(m.value) for m in merged) > MOST_KEYS:
        raise YamlError("merged keys multiply beyond all bounds")
    own = [pair for pair in node.value if pair[0].tag != MERGE]
    node.value = [pair for m in merged for pair in m.value] + own


def _merged(node: yaml.MappingNode, most: int) -> list[yaml.MappingNode]:
    """What `<<` of a mapping names, the one that goes last first: a dictionary keeps the last of equal keys."""
    out: list[yaml.MappingNode] = []
    for key, value in node.value:
        if key.tag == MERGE:
            listed = value.value[::-1] if isinstance(value, yaml.SequenceNode) else [value]
            if len(listed) > most - len(out):
                raise YamlError("merged keys multiply beyond all bounds")
            if not all(isinstance(m, yaml.MappingNode) for m in listed):
                raise YamlError("expected a mapping or a list of mappings for merging")
            out += listed
    return out
