"""Lock files, which name every release: uv.lock, poetry.lock, and pylock.toml of the packaging standard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from doctor.base.late import late_pattern
from doctor.collect.declared.manifests.choice import chosen_parts, names_engine
from doctor.collect.declared.manifests.manifest import Manifest
from doctor.collect.declared.manifests.project import only_minor, plain_text, table, tables, texts
from doctor.collect.declared.pins import Reading, requirement_pins
from doctor.facts import normalize

Package = dict[str, Any]
MOST = 5000
_OPTIONAL = late_pattern(r"\b(?:extras|dependency_groups)\b")


def read_uv(manifest: Manifest, reading: Reading) -> None:
    """Adds the packages that the project's own dependencies lead to; without a project, all of them."""
    packages = [p for p in _listed(manifest.data.get("package")) if isinstance(p.get("name"), str)]
    own = [p for p in packages if {"virtual", "editable"} & table(p, "source").keys()]
    roots = [p for p in own if "." in (table(p, "source").get(k) for k in ("virtual", "editable"))] or own
    reading.python = reading.python or only_minor(plain_text(manifest.data.get("requires-python")))
    reached = _reached(manifest, reading, packages, roots) if roots else None
    for package in packages:
        if package not in own and (reached is None or normalize(package["name"]) in reached):
            markers = texts(package.get("resolution-markers"))
            _pin(package, " or ".join(f"({m})" for m in markers), manifest, reading)


def _reached(manifest: Manifest, reading: Reading, packages: list[Package], roots: list[Package]) -> set[str]:
    edges = {normalize(p["name"]): list(_edges(p)) for p in packages}
    plain = [name for root in roots for name in edges[normalize(root["name"])]]
    known = {normalize(p["name"]) for p in packages}
    parts: dict[str, list[str]] = {}
    for root in roots:
        for holder in ("optional-dependencies", "dev-dependencies"):
            for part, listed in table(root, holder).items():
                parts.setdefault(str(part), []).extend(_walk(_names(listed), edges))
    first = _walk(plain, edges)
    chosen = chosen_parts(manifest, reading, first, parts)
    return (first | {n for part in chosen for n in parts[part]}) & known


def _walk(names: list[str], edges: dict[str, list[str]]) -> set[str]:
    todo, seen = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += edges.get(name, ())
    return seen


def _edges(package: Package) -> Iterator[str]:
    yield from _names(package.get("dependencies"))
    if not {"virtual", "editable"} & table(package, "source").keys():  # extras of others were chosen by who asks
        for listed in table(package, "optional-dependencies").values():
            yield from _names(listed)


def _names(listed: Any) -> list[str]:
    return [normalize(e["name"]) for e in tables(listed) if isinstance(e.get("name"), str)]


def read_poetry(manifest: Manifest, reading: Reading) -> None:
    """Adds the packages of the main group; optional ones where only they hold an engine."""
    packages = _listed(manifest.data.get("package"))
    main = [p for p in packages if not p.get("optional") and "main" in (texts(p.get("groups")) or ["main"])]
    if not names_engine(plain_text(p.get("name")) for p in main):
        main = packages
    bounds = plain_text(table(manifest.data, "metadata").get("python-versions"))
    reading.python = reading.python or only_minor(bounds)
    for package in main:
        marker = package.get("markers")
        _pin(package, marker if isinstance(marker, str) else "", manifest, reading)


def read_pylock(manifest: Manifest, reading: Reading) -> None:
    """Adds the packages; those of extras and groups where only they hold an engine."""
    packages = _listed(manifest.data.get("packages"))
    plain = [p for p in packages if not _OPTIONAL.search(plain_text(p.get("marker")))]
    reading.python = reading.python or only_minor(plain_text(manifest.data.get("requires-python")))
    if names_engine(plain_text(p.get("name")) for p in plain):
        packages = plain
    for package in packages:
        marker = plain_text(package.get("marker"))
        _pin(package, "" if _OPTIONAL.search(marker) else marker, manifest, reading)


def _pin(package: Package, marker: str, manifest: Manifest, reading: Reading) -> None:
    """The exact release of a package; one without a version is built from a folder, and its name is all there is."""
    name, version = package.get("name"), package.get("version")
    if not isinstance(name, str):
        return
    reading.locked.add(reading.step)
    line = f"{name}=={version}" if isinstance(version, str) else name
    source = manifest.at(f'name = "{name}"')
    reading.pins.extend(requirement_pins(f"{line}; {marker}" if marker else line, source, reading, False))


def _listed(packages: Any) -> list[Package]:
    return tables(packages[:MOST]) if isinstance(packages, list) else []
