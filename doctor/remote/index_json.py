"""The JSON form of a package index's list of files (PEP 691, with upload times of PEP 700)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urljoin

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.remote.errors import IndexUnavailable, WheelError
from doctor.remote.source import wheel_name

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"
MOST_FILES = 50_000
MOST_PARTS = 8 * MOST_FILES  # objects and lists in all: each takes far more memory than its two characters
_SHA256 = late_pattern(r"[0-9a-f]{64}")
_TIME = late_pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]{0,10}Z?")


@dataclass(frozen=True, slots=True)
class IndexedWheel:
    """One wheel that the index offers. `yanked` is None, or the reason for which it was retracted (may be empty).

    `metadata` is the sha256 of its METADATA file, where the index says it (PEP 658, PEP 714). `size` is in bytes and
    `uploaded` an ISO time in UTC; both are None where the index does not say them.
    """

    project: str
    version: str
    filename: str
    url: str
    sha256: str | None
    tags: tuple[str, ...]
    requires_python: str | None
    yanked: str | None
    metadata: str | None = None
    size: int | None = None
    uploaded: str | None = None


def is_json(content_type: str) -> bool:
    """Whether an answer is in the JSON form, by its `Content-Type`."""
    return content_type.partition(";")[0].strip().lower().endswith("json")


def parse_json(text: str, base: str, project: str) -> list[IndexedWheel]:
    """The wheels that the JSON lists, in its order; links are resolved against `base`. Raises IndexUnavailable."""
    if text.count("[") + text.count("{") > MOST_PARTS or text.count(",") > 4 * MOST_PARTS:
        raise IndexUnavailable(f"the index lists more than {MOST_FILES} files of one project")
    try:
        data = json.loads(text)
        files = data["files"] if isinstance(data, dict) else None
    except (ValueError, KeyError, RecursionError):
        files = None
    if not isinstance(files, list):
        raise IndexUnavailable(f"the index sent a list of {project} that is not valid JSON")
    if len(files) > MOST_FILES:
        raise IndexUnavailable(f"the index lists more than {MOST_FILES} files of one project")
    return [wheel for one in files if isinstance(one, dict) and (wheel := _wheel(one, base, project))]


def _wheel(one: dict[str, Any], base: str, project: str) -> IndexedWheel | None:
    """One file's entry; None for what is not a wheel of the project."""
    url, named = _text(one.get("url")), _text(one.get("filename"))
    filename = named or unquote((url or "").rpartition("/")[2])
    try:
        name, version, tags = wheel_name(filename)
        address = urljoin(base, url or "")
    except (WheelError, ValueError):
        return None
    if name != project or not url:
        return None
    size, uploaded = one.get("size"), _text(one.get("upload-time")) or ""
    metadata = one.get("core-metadata") or one.get("dist-info-metadata")
    return IndexedWheel(
        project, version, filename, address, _digest(one.get("hashes")), tags, _text(one.get("requires-python")),
        _yanked(one.get("yanked")), _digest(metadata), size if isinstance(size, int) and size >= 0 else None,
        uploaded if _TIME.fullmatch(uploaded) else None,
    )  # fmt: skip


def _yanked(value: Any) -> str | None:
    return (value if isinstance(value, str) else "") if value else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _digest(hashes: Any) -> str | None:
    found = hashes.get("sha256") if isinstance(hashes, dict) else None
    return found.lower() if isinstance(found, str) and _SHA256.fullmatch(found.lower()) else None
