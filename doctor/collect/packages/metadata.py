"""The small files of a `.dist-info` or `.egg-info`, read as text: METADATA, requires.txt, direct_url.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.text import clean

METADATA_LIMIT = 1 << 20
SMALL_LIMIT = 256 << 10
_NAME = late_pattern(r"^(?:[A-Z0-9]|[A-Z0-9][A-Z0-9._-]{0,200}[A-Z0-9])$", re.I)
_HEADER = late_pattern(rb"\r?\n\r?\n")
_MANY = 5000  # requirements or entry points of one distribution; more is nonsense


class BadMetadata(ValueError):
    """Metadata without a usable name or version; the message is one sentence without the path."""


@dataclass(frozen=True)
class Metadata:
    """The fields of METADATA or PKG-INFO that anything here needs."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: tuple[str, ...] = ()


def parse_metadata(data: bytes) -> Metadata:
    """METADATA or PKG-INFO. Raises BadMetadata where it gives no valid name or no version."""
    fields: dict[str, list[str]] = {}
    for key, value in _headers(data):
        fields.setdefault(key, []).append(value)
    name = (fields.get("name") or [""])[0].strip()
    version = (fields.get("version") or [""])[0].strip()
    if not _NAME.match(name):
        raise BadMetadata("gives no valid name" if name else "gives no name")
    if not version or len(version) > 200:
        raise BadMetadata("gives no version")
    requires = [one for one in map(_tidy, fields.get("requires-dist", ())[:_MANY]) if one]
    python = (fields.get("requires-python") or [""])[0].strip()
    extras = tuple(dict.fromkeys(_tidy(e) for e in fields.get("provides-extra", ())[:_MANY]))
    return Metadata(name, clean(version), tuple(requires), clean(python) or None, extras)


def _tidy(value: str) -> str:
    """One line, safe to print; `name @ https://user:password@host` without its login."""
    value = " ".join(value.split()) if "\n" in value or "  " in value else value.strip()
    return redact_text(clean(value)) if "://" in value or not value.isascii() else clean(value)


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    """The header fields, folded lines joined; what comes after the first empty line is the description."""
    end = _HEADER.search(data)
    text = data[: end.start() if end else len(data)].decode("utf-8", "replace")
    key = value = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            value += "\n" + line
            continue
        if key:
            yield key, value
        key, colon, value = line.partition(":")
        key = key.strip().lower() if colon else ""
    if key:
        yield key, value


def parse_requires_txt(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """An egg-info's `requires.txt` as Requires-Dist lines, and the names of its extras."""
    requires: list[str] = []
    extras: list[str] = []
    marker = ""
    for raw in text.splitlines()[:_MANY]:
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            extra, _, condition = line[1:-1].partition(":")
            parts = ([f"({condition})"] if condition else []) + ([f'extra == "{extra}"'] if extra else [])
            marker = " and ".join(parts)
            extras += [extra] if extra and extra not in extras else []
        elif line and not line.startswith("#"):
            requires.append(_tidy(f"{line} ; {marker}" if marker else line))
    return tuple(requires), tuple(extras)


def parse_entry_points(text: str) -> tuple[tuple[str, str, str], ...]:
    """`entry_points.txt` as (group, name, object)."""
    out = []
    group = ""
    for raw in text.splitlines()[:_MANY]:
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = clean(line[1:-1].strip())
        elif "=" in line and group and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            out.append((group, clean(name.strip()), clean(value.strip())))
    return tuple(out)


def parse_direct_url(data: bytes) -> tuple[str | None, bool]:
    """Where a distribution was installed from, without login, and whether it is editable (PEP 610)."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None, False
    if not isinstance(document, dict) or not isinstance(url := document.get("url"), str):
        return None, False
    folder = document.get("dir_info")
    vcs = document.get("vcs_info")
    commit = vcs.get("commit_id") if isinstance(vcs, dict) else None
    origin = redact_text(clean(url, 2000)) + (f"@{clean(commit, 64)}" if isinstance(commit, str) else "")
    return origin, isinstance(folder, dict) and folder.get("editable") is True


def parse_tags(text: str) -> tuple[str, ...]:
    """The tags of a WHEEL file, such as `cp310-cp310-manylinux2014_x86_64`."""
    return tuple(clean(line[4:].strip(), 200) for line in text.splitlines()[:_MANY] if line.startswith("Tag:"))
