"""Poetry's own table: `^1.2`, `~1.2`, `1.*` and tables of version, extras and markers as requirements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from doctor.base.late import late_pattern

MOST = 2000
_NUMBERS = late_pattern(r"v?(\d+(?:\.\d+)*)(.*)$")


def poetry_lines(poetry: dict[str, Any], main: bool = True, group: str = "") -> list[str]:
    """The requirements of `tool.poetry.dependencies`, or of a group; those that only an extra brings are left out."""
    groups = poetry.get("group")
    of_group = groups.get(group) if isinstance(groups, dict) else None
    holder = poetry if main else of_group
    entries = holder.get("dependencies") if isinstance(holder, dict) else None
    return [line for name, line, optional in _entries(entries) if not optional]


def poetry_groups(poetry: dict[str, Any]) -> dict[str, list[str]]:
    """Extras and groups with their requirements."""
    out: dict[str, list[str]] = {}
    optional: dict[str, list[str]] = {}
    for name, line, optional_ in _entries(poetry.get("dependencies")):
        if optional_:
            optional.setdefault(name.lower(), []).append(line)
    extras = poetry.get("extras")
    for extra, names in list(extras.items())[:200] if isinstance(extras, dict) else ():
        listed = names if isinstance(names, list) else []
        out[str(extra)] = [line for n in listed if isinstance(n, str) for line in optional.get(n.lower(), ())]
    groups = poetry.get("group")
    for name in list(groups)[:200] if isinstance(groups, dict) else ():
        out.setdefault(str(name), []).extend(poetry_lines(poetry, False, str(name)))
    return out


def _entries(table: Any) -> Iterator[tuple[str, str, bool]]:
    """Name, requirement, and whether it is optional; `python` is no distribution."""
    for name, value in list(table.items())[:MOST] if isinstance(table, dict) else ():
        if str(name).lower() == "python":
            continue
        for one in value if isinstance(value, list) else [value]:
            detail = one if isinstance(one, dict) else {"version": one}
            line = _line(str(name), detail)
            if line is not None:
                yield str(name), line, bool(detail.get("optional"))


def _line(name: str, detail: dict[str, Any]) -> str | None:
    extras = [e for e in detail.get("extras") or () if isinstance(e, str)]
    head = f"{name}[{','.join(extras)}]" if extras else name
    url = detail.get("url")
    if isinstance(url, str):
        return f"{head} @ {url}"
    bounds = specifier(detail["version"]) if isinstance(detail.get("version"), str) else ""
    markers = [f"({m})" for m in (detail.get("markers"), _python(detail.get("python"))) if isinstance(m, str) and m]
    return f"{head}{bounds}" + (f"; {' and '.join(markers)}" if markers else "")


def _python(wanted: Any) -> str | None:
    if not isinstance(wanted, str):
        return None
    clauses = specifier(wanted).split(",")
    parts = [re.match(r"(==|!=|>=|<=|>|<|~=)(.+)$", c) for c in clauses]
    return " and ".join(f'python_full_version {m[1]} "{m[2]}"' for m in parts if m) or None


def specifier(text: str) -> str:
    """A version of Poetry's or Pipenv's as PEP 440 has it; alternatives (`||`) leave it open."""
    if "|" in text:
        return ""
    parts = [p for clause in text.split(",") if (p := _clause(clause.strip()))]
    return ",".join(parts)


def _clause(text: str) -> str:
    text = re.sub(r"\s+", "", text)
    if text in ("", "*"):
        return ""
    if text.startswith("^"):
        return _between(text[1:], _caret)
    if text.startswith("~") and not text.startswith("~="):
        return _between(text[1:], _tilde)
    if re.match(r"(==|!=|>=|<=|>|<|~=)", text):
        return text
    return f"=={text.lstrip('=')}"


def _between(text: str, above: Any) -> str:
    found = _NUMBERS.match(text)
    if found is None:
        return ""
    numbers = [int(n) for n in found[1].split(".")[:10]]
    return f">={text},<{'.'.join(map(str, above(numbers)))}"


def _caret(numbers: list[int]) -> list[int]:
    """Up to the next change of the first number that is not 0."""
    at = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
    return [*numbers[:at], numbers[at] + 1]


def _tilde(numbers: list[int]) -> list[int]:
    at = min(1, len(numbers) - 1)
    return [*numbers[:at], numbers[at] + 1]
