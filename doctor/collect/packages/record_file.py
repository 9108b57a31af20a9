"""RECORD, the list of a distribution's files, searched as bytes: torch alone lists more than twelve thousand."""

from __future__ import annotations

import csv
import io
import keyword
import os
import re
from collections.abc import Iterator
from functools import cached_property

from doctor.base.late import late_pattern
from doctor.base.record import dataclass

RECORD_LIMIT = 32 << 20
_ABSOLUTE = late_pattern(rb'(?m)^"?(?:[/\\]|[A-Za-z]:[\\/])')
_PYTHON_FILE = late_pattern(rb"/[^,\n]*\.(?:pyi?|so[.\d]{0,20}|pyd)[,\n]")
_MODULE = late_pattern(r"([A-Za-z_]\w*)(?:\.(?:abi3|cpython-[\w-]+|cp\d+-[\w-]+|pypy[\w-]+))?\.(?:py|so|pyd)$")


@dataclass(frozen=True)
class Entry:
    """One line of RECORD: a path relative to the search path entry, its sha256 (urlsafe base64), its size in bytes."""

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True)
class Record:
    """A RECORD as it stands on disk."""

    data: bytes

    @cached_property
    def _starts(self) -> frozenset[bytes]:
        """Every line up to its first slash; splitting is many times faster here than a pattern."""
        return frozenset([line.split(b"/", 1)[0] for line in self.data.split(b"\n")])

    @cached_property
    def first_names(self) -> frozenset[str]:
        """The first part of every path."""
        firsts = {s.lstrip(b'"').split(b",", 1)[0].rstrip(b'\r"') for s in self._starts}
        return frozenset(f.decode("utf-8", "replace") for f in firsts if f)

    def top_level(self) -> tuple[str, ...]:
        """The importable names that it lists: packages, modules and extension modules."""
        names = set()
        for first in self.first_names:
            match = _MODULE.match(first)
            if match:
                names.add(match[1])
            elif first.isidentifier() and first not in ("__pycache__", "bin") and not keyword.iskeyword(first):
                names.add(first)
        return tuple(sorted(n for n in names if self._imports(n)))

    def _imports(self, name: str) -> bool:
        """Whether a folder of this name holds any Python; `share` and `include` do not."""
        if name not in self.first_names:
            return True
        return _PYTHON_FILE.search(self._span(name)) is not None

    def _span(self, first: str) -> bytes:
        """From the first line that begins with `first` to the last one: RECORD is sorted, or nearly so."""
        start = b"\n" + first.encode("utf-8", "surrogateescape")
        begin = 0 if self.data.startswith(start[1:]) else self.data.find(start) + 1
        end = self.data.find(b"\n", self.data.rfind(start) + 1)
        return self.data[begin : end if end > 0 else None]

    def lists(self, path: str) -> bool:
        """Whether a file is listed."""
        line = path.encode("utf-8", "surrogateescape") + b","
        return self.data.startswith(line) or b"\n" + line in self.data

    def entries(self, first: str = "", suffix: str = "") -> list[Entry]:
        """The lines with a sha256 whose path begins with the part `first`, or ends with `suffix`."""
        path = re.escape(first.encode("utf-8", "surrogateescape")) + rb"(?:/[^,\"\n]*)?" if first else rb"[^,\"\n]*"
        plain = re.compile(rb"(?m)^(" + path + re.escape(suffix.encode()) + rb"),sha256=([\w\-]+)=*,(\d*)")
        out = [
            Entry(name.decode("utf-8", "surrogateescape"), digest.decode(), int(size) if 0 < len(size) < 19 else None)
            for name, digest, size in plain.findall(self._span(first) if first else self.data)
        ]
        quoted = self._quoted() if b'"' in self.data else []
        return out + [e for e in quoted if first in ("", e.path.partition("/")[0]) and e.path.endswith(suffix)]

    def _quoted(self) -> list[Entry]:
        """The few lines whose path holds a comma or a quote."""
        lines = [x for x in self.data.decode("utf-8", "surrogateescape").splitlines() if x.startswith('"')]
        out = []
        try:
            for row in csv.reader(io.StringIO("\n".join(lines))):
                if len(row) >= 3 and row[1].startswith("sha256="):
                    out.append(Entry(row[0], row[1][7:].rstrip("="), int(row[2]) if row[2].isdecimal() else None))
        except (csv.Error, ValueError):
            pass
        return out

    def outside(self, location: str, prefix: str) -> list[str]:
        """Paths that lead out of `prefix`, in the order listed: absolute ones, and those with too many `..`."""
        out = []
        for path in self._suspicious():
            place = os.path.normpath(os.path.join(location, path))
            if place != prefix and not place.startswith(prefix.rstrip(os.sep) + os.sep):
                out.append(path)
        return out

    def _suspicious(self) -> Iterator[str]:
        """The paths that are absolute or hold `..`. Only lines with a hit are taken apart: most files have none."""
        data = self.data
        absolute = data[:1] == b"/" or b"\n/" in data or any(s == b'"' or b":" in s or b"\\" in s for s in self._starts)
        starts = {m.start() for m in _ABSOLUTE.finditer(data)} if absolute else set()
        at = data.find(b"../")
        while at >= 0:
            starts.add(data.rfind(b"\n", 0, at) + 1)
            end = data.find(b"\n", at)
            at = data.find(b"../", end) if end >= 0 else -1
        for start in sorted(starts):
            line = data[start : start + 4096].partition(b"\n")[0].decode("utf-8", "replace").strip()
            yield line[1:].partition('"')[0] if line.startswith('"') else line.partition(",")[0]


def is_inside(path: str) -> bool:
    """Whether a RECORD path stays below its search path entry, judged by its text."""
    return not os.path.isabs(path) and ".." not in path.replace("\\", "/").split("/") and "\0" not in path
