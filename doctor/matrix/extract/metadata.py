"""What any release says of itself: requirements, Python, tags, console scripts, and the wheel it was read from."""

from __future__ import annotations

import configparser
from collections import defaultdict
from email.parser import HeaderParser
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from doctor.facts import normalize
from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.files.row import Row
from doctor.remote.source import WheelSource

LARGEST_METADATA = 4 << 20


def metadata_facts(source: WheelSource, release: str) -> Row:
    """The kinds `wheel`, `meta`, `requires` (name -> lines) and `scripts`. Raises LayoutError, WheelError."""
    text = _member(source, "METADATA")
    if text is None:
        raise LayoutError(release, "METADATA", "anything (there is no such file)")
    headers = HeaderParser().parsestr(text.split("\n\n", 1)[0])
    requires: dict[str, list[str]] = defaultdict(list)
    for line in headers.get_all("Requires-Dist", []):
        requires[_name(str(line))].append(" ".join(str(line).split()))
    meta = {"name": headers["Name"], "version": headers["Version"]}
    if headers["Requires-Python"]:
        meta["requires_python"] = headers["Requires-Python"]
    out: Row = {"wheel": _wheel(source), "meta": meta, "requires": dict(requires)}
    if scripts := _scripts(_member(source, "entry_points.txt")):
        out["scripts"] = scripts
    return out


def _wheel(source: WheelSource) -> dict[str, Any]:
    return {"filename": source.filename, "sha256": source.sha256}


def _member(source: WheelSource, name: str) -> str | None:
    """A file of the release's own `.dist-info`; vendored ones lie deeper."""
    for member in source.names():
        if member.count("/") == 1 and member.endswith(f".dist-info/{name}"):
            return source.read(member, LARGEST_METADATA).decode("utf-8", "replace").replace("\r\n", "\n")
    return None


def _name(line: str) -> str:
    try:
        return normalize(Requirement(line).name)
    except InvalidRequirement:
        return normalize(line.split(" ")[0].split(";")[0].split("(")[0])


def _scripts(text: str | None) -> dict[str, str]:
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text or "")
    except configparser.Error:
        return {}
    return dict(parser.items("console_scripts")) if parser.has_section("console_scripts") else {}
