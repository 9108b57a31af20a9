"""YAML as people write it: keys in our order, lists indented under their key, longer texts as blocks."""

from __future__ import annotations

import yaml

from doctor.base.json_object import JsonObject
from doctor.base.text import UNSEEN

MOST = 50_000  # values that are written out; more of them are the aliases of a hostile file, and stay aliases


class _Dumper(yaml.SafeDumper):
    """Lists indented under their key, longer texts as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


class _Plain(_Dumper):
    """The same without anchors and aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if UNSEEN.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


for _kind in (_Dumper, _Plain):
    _kind.add_representer(str, _text)


def dumped(*documents: JsonObject) -> str:
    """Documents in the order of their keys; what a terminal would not show is escaped between double quotes."""
    dumper = _Plain if _count(documents) <= MOST else _Dumper
    text = yaml.dump_all(documents, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)
    return UNSEEN.sub(lambda m: f"\\U{ord(m[0]):08x}", text)


def few(document: JsonObject) -> bool:
    """Whether it can be written out, and compared, with every alias followed."""
    return _count((document,)) <= MOST


def _count(documents: tuple[JsonObject, ...]) -> int:
    """How many values they hold with every alias followed, up to a few more than `MOST`."""
    todo: list[object] = [*documents]
    count = 0
    while todo and count <= MOST:
        here = todo.pop()
        count += 1
        todo += here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
    return count
