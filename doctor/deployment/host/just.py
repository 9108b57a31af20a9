"""justfiles: the recipe of every name as shell text, with `{{ variables }}` put in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service
from doctor.deployment.host.source import Source
from doctor.launch.variables import assignments

MOST_LINES, MOST, LONGEST = 5000, 200, 1 << 16
_ASSIGNED = late_pattern(r"(export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)$")
_RECIPE = late_pattern(r"@?([A-Za-z_][\w-]*)((?:\s+[^:]*)?):(?!=)")
_PARAMETER = late_pattern(r"""[$+*]*([A-Za-z_][\w-]*)=("[^"]*"|'[^']*'|\S+)""")
_BRACES = late_pattern(r"\{\{\s*([^{}]*?)\s*\}\}")
_DEFAULT = late_pattern(r"""env(?:_var_or_default)?\(\s*["'](\w+)["']\s*(?:,\s*(["'].*["'])\s*)?\)$""")


def is_justfile(source: Source) -> bool:
    """By its name."""
    return source.name.lower() in ("justfile", ".justfile") or source.name.lower().endswith(".just")


def services(source: Source) -> list[Service]:
    """Every recipe; each of its lines is a shell of its own, unless it begins with `#!`."""
    variables: dict[str, str] = {}
    exported: dict[str, str] = {}
    recipes: dict[str, tuple[dict[str, str], list[str]]] = {}
    body: list[str] = []
    for line in source.text.splitlines()[:MOST_LINES]:
        if line[:1].isspace():
            body.append(line)
        elif found := _ASSIGNED.match(line):
            variables[found[2]] = _value(found[3].strip(), source.environ, variables)
            exported |= {found[2]: variables[found[2]]} if found[1] else {}
        elif found := _RECIPE.match(line):
            body = []
            given = {m[1]: m[2].strip("\"'") for m in _PARAMETER.finditer(found[2])}
            recipes[found[1]] = (given, body)
    if re.search(r"^set\s+dotenv-load\b(?!.*false)", source.text, re.MULTILINE):
        exported = {**assignments(source.beside(".env") or ""), **exported}
    return [
        source.program("just recipe", ("bash", "-c", _script(lines, {**variables, **given})), name, variables=exported,
                       folder=source.folder)
        for name, (given, lines) in list(recipes.items())[:MOST]
    ]  # fmt: skip


def _script(lines: list[str], known: Mapping[str, str]) -> str:
    filled = [_BRACES.sub(lambda m: known.get(m[1], f"${{{re.sub(r'[^A-Za-z0-9_]', '_', m[1]) or 'X'}}}"), line)
              for line in lines]  # fmt: skip
    text = "\n".join(line.strip() for line in filled)[:LONGEST]
    if text.lstrip().startswith("#!"):
        return text
    joined = text.replace("\\\n", "\0")
    out = (f"(\n{re.sub(r'^[-@]+', '', line)}\n)" for line in joined.split("\n") if line.strip())
    return "\n".join(out).replace("\0", "\\\n")


def _value(text: str, environ: Mapping[str, str], known: Mapping[str, str]) -> str:
    """A text, a name, or `env("NAME", "default")`; anything else as it is written."""
    if found := _DEFAULT.match(text):
        return environ.get(found[1], (found[2] or "").strip("\"'"))
    parts = [p.strip() for p in text.split(" + ")] if " + " in text else [text]
    return "".join(p[1:-1] if p[:1] in "\"'" and len(p) > 1 else known.get(p, p) for p in parts)
