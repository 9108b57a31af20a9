"""The YAML of compose files, as the library of Compose reads it (gopkg.in/yaml.v3, resolve.go).

`!reset` and `!override` are kept until files are merged; any other tag is left aside. Unlike YAML 1.1, `yes`, `on` and
`22:22` are texts, `1.0` and `1e3` are the numbers 1 and 1000, and a key may stand in a mapping only once.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from doctor.base.late import late_pattern
from doctor.base.record import dataclass


@dataclass(frozen=True)
class Tagged:
    """A value with a tag: `reset` takes away what stands there, `override` replaces it instead of merging."""

    tag: str
    value: Any


class ComposeLoader(yaml.SafeLoader):
    """Safe YAML with the tags and the plain scalars of compose files."""

    keys_once = True
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_KINDS = (
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"[-+]?(?:0[bo]?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$",
     list("-+.0123456789")),
    ("timestamp", r"\d{4}-\d\d?-\d\d?(?:[Tt ][\d:. +Zz-]+)?$", list("0123456789")),
    ("merge", r"<<$", ["<"]),
)  # fmt: skip
for _kind, _pattern, _first in _KINDS:
    ComposeLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", late_pattern(_pattern), _first)


class Infinite(float):
    """`.inf` and `.nan` as Compose writes them."""

    def __str__(self) -> str:
        return "NaN" if self != self else "+Inf" if self > 0 else "-Inf"


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(node.value).replace("_", "")
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    base = {"0x": 16, "0b": 2, "0o": 8}.get(digits[:2], 8 if digits[:1] == "0" and len(digits) > 1 else 10)
    return sign * int(digits, base)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    """A whole number without a fraction, so that its text is what Compose makes of it."""
    text = str(node.value).lower().lstrip("+")
    if text.endswith(("inf", "nan")):
        return Infinite(text.replace(".", ""))
    found = float(text)
    return int(found) if found.is_integer() and abs(found) < 1e21 else found


ComposeLoader.add_constructor("tag:yaml.org,2002:int", _integer)
ComposeLoader.add_constructor("tag:yaml.org,2002:float", _number)

def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if not isinstance(node, (yaml.MappingNode, yaml.SequenceNode, yaml.ScalarNode)):
        return None
    value = _value(loader, node)
    return Tagged(suffix, value) if suffix in ("reset", "override") else value


def _value(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else str(node.value)


ComposeLoader.add_multi_constructor("!", _tagged)


def scalar(value: Any) -> str:
    """A plain value as text; nothing for a list or a mapping, which aliases can make longer than any memory."""
    return "" if isinstance(value, (dict, list, tuple, set, Tagged)) else str(value)
