"""The words of a file with their places: of a shell's text, of a Dockerfile's lists, and of every value of YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts.written import Style
from doctor.launch.edit_in_text import tokens, value_of

YAML = (".yaml", ".yml", ".json")
LARGEST = 1 << 19  # characters of a file
_EXEC = late_pattern(r"^[ \t]*(?:CMD|ENTRYPOINT)[ \t]*(\[(?:[^\]\"]|\"(?:[^\"\\\n]|\\.)*\")*\])", re.M)
_STRING = late_pattern(r'"((?:[^"\\\n]|\\.)*)"')
_STOPS = late_pattern(r"\n|[;&|<>()]+|#.*")


@dataclass(frozen=True, slots=True)
class Token:
    """A word from `start` to before `end`; `stop` is the end of a command, `key` a key of YAML."""

    start: int
    end: int
    value: str
    style: Style = "shell"
    stop: bool = False
    key: bool = False


def tokens_of(text: str, name: str) -> list[Token]:
    """The words of a file by what its name says it is; none of one that cannot be read so."""
    if len(text) > LARGEST:
        return []
    if name.endswith(YAML):
        return sorted(_of_yaml(text), key=lambda t: t.start)
    lists = [_of_list(found) for found in _EXEC.finditer(text)]
    spans = [(one[0].start, one[-1].end) for one in lists if one]
    rest = [t for t in _of_shell(text, 0) if not any(a <= t.start < b for a, b in spans)]
    return sorted([*rest, *(t for one in lists for t in one)], key=lambda t: t.start)


def _of_shell(text: str, begin: int, style: Style = "shell", *, lines: bool = True) -> Iterator[Token]:
    """The words of shell text that begins at `begin` of its file; `lines`: a line's end is the end of a command."""
    for one in tokens(text):
        stop = bool(_STOPS.fullmatch(one.value))
        if stop and not lines and one.value == "\n":
            continue
        raw = text[one.start : one.end]
        plain = raw.replace('\\"', '"') if style == "double" else raw.replace("''", "'") if style == "single" else raw
        value = one.value if plain == raw else value_of(plain)
        yield Token(begin + one.start, begin + one.end, value, style, stop)


def _of_list(found: re.Match[str]) -> list[Token]:
    """The words of `CMD ["vllm", "serve"]`."""
    from doctor.base.syntax import literal

    begin = found.start(1)
    inner = _STRING.finditer(found[1])
    out = [Token(begin + m.start(), begin + m.end(), str(literal(m[0])), "json") for m in inner]
    return [*out, Token(found.end(1) - 1, found.end(1), "]", "json", stop=True)] if out else []


def _of_yaml(text: str) -> Iterator[Token]:
    import yaml

    from doctor.base.yaml_text import YamlError, graphs

    try:
        todo = [(root, False) for root in graphs(text)]
    except YamlError:
        return
    seen = set[int]()
    while todo:
        node, key = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            todo += [(k, True) for k, _ in node.value] + [(v, False) for _, v in node.value]
        elif isinstance(node, yaml.SequenceNode):
            todo += [(one, False) for one in node.value]
        elif isinstance(node, yaml.ScalarNode):
            yield from _of_scalar(text, node.start_mark.index, node.end_mark.index, (node.value, node.style, key))


def _of_scalar(text: str, start: int, end: int, scalar: tuple[str, str | None, bool]) -> Iterator[Token]:
    """A value as one word, or the words of a command that is one value."""
    value, style, key = scalar
    if len(value.split()) < 2 and style not in ("|", ">"):
        yield Token(start, end, value, "item", key=key)
        return
    inner = text[start:end]
    if style in ("|", ">"):
        head = inner.find("\n") + 1
        yield from _of_shell(inner[head:], start + head, lines=style == "|")
    elif style in ('"', "'"):
        yield from _of_shell(inner[1:-1], start + 1, "double" if style == '"' else "single", lines=False)
    else:
        yield from _of_shell(inner, start, "plain", lines=False)
    yield Token(end, end, "", stop=True)
