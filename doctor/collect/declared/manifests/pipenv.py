"""Pipfile and Pipfile.lock."""

from __future__ import annotations

from typing import Any

from doctor.collect.declared.manifests.manifest import Manifest
from doctor.collect.declared.manifests.poetry import poetry_lines
from doctor.collect.declared.manifests.project import table, tables
from doctor.collect.declared.pins import Reading, note_build, requirement_pins

MOST = 5000


def read_pipfile(manifest: Manifest, reading: Reading) -> None:
    """Adds `[packages]`; `[dev-packages]` are not installed unless somebody asks."""
    _python(manifest, reading)
    for source in tables(manifest.data.get("source")):
        note_build(f"{source.get('url') or ''}/", reading)
    for line in poetry_lines({"dependencies": table(manifest.data, "packages")}):
        reading.pins.extend(requirement_pins(line, manifest.at(line.partition("=")[0]), reading, False))


def read_lock(manifest: Manifest, reading: Reading) -> None:
    """Adds the `default` section, all of it exact."""
    _python(manifest, reading, table(manifest.data, "_meta"))
    reading.locked.add(reading.step)
    for name, detail in list(table(manifest.data, "default").items())[:MOST]:
        reading.pins.extend(requirement_pins(_line(str(name), detail), manifest.at(f'"{name}"'), reading, False))


def _line(name: str, detail: Any) -> str:
    detail = detail if isinstance(detail, dict) else {}
    version, marker = detail.get("version"), detail.get("markers")
    return f"{name}{version if isinstance(version, str) else ''}" + (f"; {marker}" if isinstance(marker, str) else "")


def _python(manifest: Manifest, reading: Reading, holder: dict[str, Any] | None = None) -> None:
    requires = table(manifest.data if holder is None else holder, "requires")
    told = requires.get("python_version") or requires.get("python_full_version")
    reading.python = reading.python or (told if isinstance(told, str) else None)
