"""The version of the shipped data: the day that a person wrote, and a digest of the content, which no one has to."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from doctor.base.late import late_pattern

VERSION = "VERSION"
_DAY = late_pattern(r"\d{4}\.\d\d?\.\d\d?")
_TEXT = (".yaml", ".json")


def stamped(folder: Path) -> str:
    """What the data folder's VERSION has to say. Raises ValueError where it does not name a day."""
    found = _DAY.search((folder / VERSION).read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"`{folder / VERSION}` does not name a day")
    seen = sha256()
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        if path.is_file() and path.name != VERSION and not path.name.startswith("."):
            data = path.read_bytes()
            whole = data.replace(b"\r\n", b"\n") if path.suffix in _TEXT else data  # a checkout on Windows has others
            seen.update(f"{path.relative_to(folder).as_posix()}\0{len(whole)}\0".encode() + whole)
    return f"{found[0]}+{seen.hexdigest()[:8]}"


def stamp(folder: Path) -> None:
    """Writes VERSION anew after the data has changed. Raises OSError, ValueError."""
    (folder / VERSION).write_text(f"{stamped(folder)}\n", encoding="ascii", newline="\n")
