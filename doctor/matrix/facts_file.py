"""The file format of what was extracted from a project's releases.

Text, one line a fact, compressed; a fact that stays the same over many releases stands there once:

    {"project": "lmdeploy", "releases": [...], "yanked": [...]}
    KIND <tab> KEY <tab> SPAN|JSON <tab> SPAN|JSON ...

SPAN is places in the list of releases as in a name index; JSON is the value there, such as a flag's type and default.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from doctor.matrix.names_file import NamesError, bits, compressed, expanded, head, releases_of, span
from doctor.matrix.releases import Releases, ReleaseSet

Row = dict[str, dict[str, Any]]


def encode_rows(releases: Releases, rows: dict[str, Row]) -> bytes:
    """The file for `rows` (release -> kind -> key -> JSON value); the same input always gives the same bytes."""
    spans: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for place, version in enumerate(releases.versions):
        for kind, facts in rows[version].items():
            for key, value in facts.items():
                text = json.dumps(value, sort_keys=True, separators=(",", ":"))
                spans[kind, _plain(key)][text] |= 1 << place
    lines = [head(releases)]
    for (kind, key), values in sorted(spans.items()):
        cells = [f"{span(mask, len(releases.versions))}|{text}" for text, mask in sorted(values.items())]
        lines.append("\t".join([kind, key, *cells]))
    return compressed("\n".join(lines) + "\n")


class FactsFile:
    """A project's rows in memory: the text, of which only what is asked for is parsed."""

    def __init__(self, text: str) -> None:
        """Raises NamesError where the first line is not the list of releases."""
        self._text = text
        self.releases = releases_of(text)

    @classmethod
    def read(cls, path: Path) -> FactsFile:
        """Raises NamesError for a file that cannot be read, or is larger than it may be."""
        return cls(expanded(path))

    def row(self, version: str) -> Row | None:
        """Everything about one release: kind -> key -> value; None for a release that is not covered."""
        known = self.releases.place(version)
        if known is None:
            return None
        out: Row = {}
        for line in self._text.splitlines()[1:]:
            kind, key, *cells = line.split("\t")
            for cell in cells:
                spanned, _, value = cell.partition("|")
                if bits(spanned, len(self.releases.versions)) >> known & 1:
                    out.setdefault(kind, {})[key] = _value(value)
        return out

    def history(self, kind: str, key: str) -> list[tuple[ReleaseSet, Any]]:
        """The values that one fact has had, each with the releases that have it."""
        start = self._text.find(f"\n{kind}\t{key}\t")
        if start < 0:
            return []
        line = self._text[start + 1 : self._text.index("\n", start + 1)]
        return [self._cell(cell) for cell in line.split("\t")[2:]]

    def keys(self, kind: str) -> list[str]:
        """Every key that any release has for `kind`."""
        return [line.split("\t", 2)[1] for line in self._text.splitlines()[1:] if line.startswith(f"{kind}\t")]

    def rows(self) -> dict[str, Row]:
        """The whole file as `encode_rows` took it."""
        return {v: self.row(v) or {} for v in self.releases.versions}

    def _cell(self, cell: str) -> tuple[ReleaseSet, Any]:
        spanned, _, value = cell.partition("|")
        return ReleaseSet(self.releases, bits(spanned, len(self.releases.versions))), _value(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise NamesError(f"{text[:80]!r} is no JSON value") from error


def _plain(key: str) -> str:
    return " ".join(key.split())
