"""A user's YAML changed where its values have to change, and nowhere else: comments, order and quotes stay.

Every edit is proven: what is written is read again, and has to be the value that was wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

import yaml

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.yaml_text import MERGE, YamlError, compose, load
from doctor.report.plan.dumped import dumped, few
from doctor.report.plan.recipe import WRITTEN

_COMMENT = late_pattern(r"(?:(?<=\s)|^)#.*")
LONGEST = 128 << 10  # characters


def kept(text: str, wanted: JsonObject, secrets: Mapping[str, str]) -> str | None:
    """The user's text with these values, comments without `secrets` (variable -> value); None where edits do not do.

    What the text alone has, such as `version`, stays.
    """
    if not text:
        return None
    try:
        here = load(text)
    except YamlError:
        return None
    more = {k: here[k] for k in ("version",) if isinstance(here, dict) and k in here}
    whole = {**more, **wanted}
    out = edited(_without_ours(text), whole)
    if out is None:
        return None
    clean = "\n".join(_comment_cleaned(line, secrets) if "#" in line else line for line in out.split("\n"))
    return clean if clean == out or load(clean) == whole else None


def _without_ours(text: str) -> str:
    """The text without the comment that we wrote above it before."""
    if not text.startswith(WRITTEN):
        return text
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if not line.startswith("#")), 0)
    return "\n".join(lines[first:]).lstrip("\n")


def _comment_cleaned(line: str, secrets: Mapping[str, str]) -> str:
    found = _COMMENT.search(line)
    if found is None:
        return line
    comment = found[0]
    for name, value in secrets.items():
        comment = comment.replace(value, f"${name}") if len(value) > 5 else comment
    return line[: found.start()] + redact_text(comment)


class _Stuck(Exception):
    """An edit that the text does not allow: the place is shared by an anchor, or nothing would be left."""


@dataclass(frozen=True)
class _Edit:
    begin: int
    end: int
    text: str


def edited(text: str, wanted: JsonObject) -> str | None:
    """The text with these values; None where that takes more than edits."""
    if len(text) > LONGEST or "\t" in text or "\r" in text or not few(wanted):
        return None
    try:
        root = compose(text)
        if not isinstance(root, yaml.MappingNode) or root.flow_style:
            return None
        editor = _Editor(text, root)
        out = text
        for one in sorted(editor.of_mapping(root, wanted), key=lambda e: (e.begin, e.end))[::-1]:
            out = out[: one.begin] + one.text + out[one.end :]
        return out if load(out) == wanted else None
    except (YamlError, yaml.YAMLError, _Stuck, RecursionError, TypeError, ValueError):
        return None


class _Editor:
    def __init__(self, text: str, root: yaml.Node) -> None:
        self.text = text
        self.shared = _shared(root)
        self.reader = yaml.SafeLoader("")
        self.values: dict[int, Any] = {}

    def value(self, node: yaml.Node) -> Any:
        """What a node holds, anchors and merged keys followed; each node is looked at once."""
        if id(node) not in self.values:
            self.values[id(node)] = self._value(node)
        return self.values[id(node)]

    def _value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self.value(n) for n in node.value]
        if not isinstance(node, yaml.MappingNode):
            return self.reader.construct_object(node)
        out: dict[Any, Any] = {}
        for merged in (value for key, value in node.value if key.tag == MERGE):
            for one in reversed(merged.value if isinstance(merged, yaml.SequenceNode) else [merged]):
                out.update(self.value(one))
        out.update({self.value(key): self.value(value) for key, value in node.value if key.tag != MERGE})
        return out

    def of_mapping(self, node: yaml.MappingNode, wanted: JsonObject) -> Iterator[_Edit]:
        """The edits that make a mapping this one. Raises _Stuck."""
        own = {self.value(key): (key, value) for key, value in node.value if key.tag != MERGE}
        merged = self.value(node)
        gone = [k for k in merged if k not in wanted]
        if any(k not in own for k in gone) or (gone and len(gone) == len(own)):
            raise _Stuck
        for key in gone:
            begin = self._line(own[key][0].start_mark.index)
            yield _Edit(begin, self._next_line(self._end(own[key][1])), "")
        more: JsonObject = {}
        for key, value in wanted.items():
            if key in merged and merged[key] == value and type(merged[key]) is type(value):
                continue
            if key in own:
                yield from self._changed(own[key], value)
            else:
                more[key] = value
        if more:
            yield self._added(node, more)

    def _changed(self, entry: tuple[yaml.Node, yaml.Node], wanted: Any) -> Iterator[_Edit]:
        """The edits that give a key another value. Raises _Stuck."""
        key, node = entry
        if id(node) in self.shared:
            raise _Stuck
        if isinstance(node, yaml.MappingNode) and isinstance(wanted, dict) and not node.flow_style and wanted:
            yield from self.of_mapping(node, wanted)
        elif isinstance(node, yaml.SequenceNode) and isinstance(wanted, list) and not node.flow_style and wanted:
            yield from self._of_list(node, wanted)
        elif _plain(node) and _on_one_line(wanted):
            begin = node.start_mark.index
            front = " " if self.text[begin - 1] == ":" else ""
            yield _Edit(begin, node.end_mark.index, f"{front}{_inline(wanted)}")
        elif isinstance(node, yaml.CollectionNode) and node.flow_style:
            yield _Edit(node.start_mark.index, node.end_mark.index, _inline(wanted))
        else:
            begin, column = key.start_mark.index, key.start_mark.column
            lines = _indented(dumped({self.value(key): wanted}), column)
            yield _Edit(begin, self._end(node), lines[column:].rstrip("\n"))

    def _of_list(self, node: yaml.SequenceNode, wanted: list[Any]) -> Iterator[_Edit]:
        """The edits of a list with an item a line: those that stay keep their comments."""
        here = [self.value(n) for n in node.value]
        column = node.start_mark.column
        for what, a, b, c, d in SequenceMatcher(None, [*map(repr, here)], [*map(repr, wanted)], False).get_opcodes():
            if what == "equal":
                continue
            if any(id(n) in self.shared for n in node.value[a:b]):
                raise _Stuck
            if b - a == d - c and all(map(_alike, node.value[a:b], wanted[c:d])):
                for one, value in zip(node.value[a:b], wanted[c:d], strict=True):
                    yield from self._in_place(one, value)
                continue
            begin = self._item(node.value[a]) if a < len(here) else self._next_line(self._end(node.value[-1]))
            end = self._next_line(self._end(node.value[b - 1])) if b > a else begin
            text = "".join(_indented(f"- {_nested(one)}\n", column) for one in wanted[c:d])
            yield self._on_lines(begin, end, text)

    def _in_place(self, node: yaml.Node, wanted: Any) -> Iterator[_Edit]:
        """The edits of an item of the same kind. Raises _Stuck."""
        if isinstance(node, yaml.MappingNode):
            yield from self.of_mapping(node, wanted)
        else:
            yield self._literal(node, wanted) or _Edit(node.start_mark.index, node.end_mark.index, _inline(wanted))

    def _literal(self, node: yaml.Node, wanted: Any) -> _Edit | None:
        """A text of several lines that stays one: `|` with its lines below; None for any other value."""
        if not isinstance(node, yaml.ScalarNode) or node.style != "|" or not isinstance(wanted, str):
            return None
        begin, end = node.start_mark.index, self._end(node)
        header, _, body = self.text[begin:end].partition("\n")
        first = next((line for line in body.split("\n") if line.strip()), "")
        front = first[: len(first) - len(first.lstrip(" "))]
        if not front or wanted[:1] in (" ", "\n"):
            return None
        lines = "\n".join(f"{front}{line}" if line else "" for line in wanted.rstrip("\n").split("\n"))
        return _Edit(begin, end, f"{header}\n{lines}")

    def _item(self, node: yaml.Node) -> int:
        """Where the line of an item begins. Raises _Stuck where its dash is on another line."""
        begin = self._line(node.start_mark.index)
        if not self.text[begin : node.start_mark.index].strip().startswith("-"):
            raise _Stuck
        return begin

    def _added(self, node: yaml.MappingNode, more: JsonObject) -> _Edit:
        """New keys behind the last one that stands there."""
        if node.flow_style or not node.value:
            raise _Stuck
        at = self._next_line(max(self._end(value) for _, value in node.value))
        column = node.value[0][0].start_mark.column
        return self._on_lines(at, at, _indented(dumped(more), column))

    def _on_lines(self, begin: int, end: int, text: str) -> _Edit:
        """Whole lines; the text may end without a line break."""
        front = "\n" if text and begin and self.text[begin - 1] != "\n" else ""
        return _Edit(begin, end, f"{front}{text}")

    def _end(self, node: yaml.Node) -> int:
        """Behind the last character of a value: a block ends with its last entry, not with what follows."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return max(self._end(last[1]), self._end(last[0])) if isinstance(last, tuple) else self._end(last)
        end = node.end_mark.index
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            body = self.text[node.start_mark.index : end]
            return node.start_mark.index + len(body.rstrip("\n "))
        return end

    def _line(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _next_line(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1


def _shared(root: yaml.Node) -> set[int]:
    """The nodes that an anchor shows in several places, and all below them."""
    out, seen = set[int](), set[int]()
    todo: list[tuple[yaml.Node, bool]] = [(root, False)]
    while todo:
        node, inside = todo.pop()
        inside |= id(node) in seen
        if id(node) in seen and id(node) in out:
            continue
        if inside:
            out.add(id(node))
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            todo += [(n, inside) for key, value in node.value for n in (key, value) if key.tag != MERGE]
        elif isinstance(node, yaml.SequenceNode):
            todo += [(n, inside) for n in node.value]
    return out


def _plain(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style not in ("|", ">")


def _alike(node: yaml.Node, wanted: Any) -> bool:
    """Whether an item can be edited in its place: a value on a line, or a block with keys."""
    if isinstance(node, yaml.MappingNode):
        return isinstance(wanted, dict) and not node.flow_style
    literal = isinstance(node, yaml.ScalarNode) and node.style == "|" and isinstance(wanted, str)
    return literal or (_plain(node) and _on_one_line(wanted))


def _on_one_line(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and "\n" not in str(value)


def _inline(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1 << 20, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _nested(value: Any) -> str:
    """An item of a list, its further lines below its first."""
    if not isinstance(value, (dict, list)) or not value:
        return _inline(value)
    lines = (dumped(value) if isinstance(value, dict) else _inline(value)).rstrip("\n").split("\n")
    return "\n".join([lines[0], *(f"  {line}" if line else line for line in lines[1:])])


def _indented(text: str, column: int) -> str:
    front = " " * column
    return "".join(f"{front}{line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))
