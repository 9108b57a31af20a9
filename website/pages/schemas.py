"""The JSON Schemas as pages and as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from website.answers import ROOT
from website.pages.page import Page, escaped, table

FOLDER = ROOT / "doctor" / "report"
ENDING = ".schema.json"


def pages() -> Iterator[Page]:
    """The list of schemas, each as it is shipped, and a page with its keys."""
    files = sorted(FOLDER.glob(f"*{ENDING}"))
    names = {path.name.removesuffix(ENDING): path for path in files}
    rows = ((f"[{name}]({name}.md)", f"[{path.name}]({path.name})") for name, path in names.items())
    lead = '# JSON\n\n`--format json` of each command, described by JSON Schema. `"schema": 1` stays as long as no key changes.\n\n'
    yield Page("schemas/index.md", lead + table(("answer of", "schema"), rows), "JSON schemas")
    for name, path in names.items():
        yield Page(f"schemas/{path.name}", path.read_text(encoding="utf-8"))
        yield Page(f"schemas/{name}.md", _page(name, path), name)


def _page(name: str, path: Path) -> str:
    schema = json.loads(path.read_text(encoding="utf-8"))
    defs = schema.get("$defs", {})
    parts = [
        f"# {name} --format json\n\nThe schema itself: [{path.name}]({path.name})\n\n## The answer\n\n",
        _keys(schema, defs),
    ]
    for part, inner in defs.items():
        if "properties" in inner:
            parts += [f"\n## {part}\n\n", _keys(inner, defs)]
    return "".join(parts)


def _keys(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """The keys of an object; `parts` are the definitions that it refers to."""
    required = set(schema.get("required", ()))
    rows = (
        (f"`{key}`", _type(value, parts), "yes" if key in required else "", escaped(str(value.get("description", ""))))
        for key, value in schema.get("properties", {}).items()
    )
    return table(("key", "type", "always", "meaning"), rows)


def _type(value: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if "$ref" in value:
        part = str(value["$ref"]).rpartition("/")[2]
        if part in ("#", ""):
            return "the whole answer"
        return f"[{part}](#{part})" if "properties" in parts[part] else _type(parts[part], parts)
    if "enum" in value:
        return ", ".join(f"`{json.dumps(one)}`" for one in value["enum"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    kinds = value.get("type", "any")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    items = value.get("items")
    return f"{text} of {_type(items, parts)}" if isinstance(items, dict) else text
