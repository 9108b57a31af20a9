"""The file format of what was extracted from a project's releases.

Text, one line a fact, compressed; a fact that stays the same over many releases stands there once:

    {"project": "lmdeploy", "releases": [...], "yanked": [...]}
    KIND <tab> KEY <tab> SPAN|JSON <tab> SPAN|JSON ...

SPAN is places in the list of releases as in a name index; JSON is the value there, such as a flag's type and default.
"""

from __future__ import annotations

import json
from dataclasses import field
from pathlib import Path
from typing import Any

from doctor.base.record import dataclass
from doctor.matrix.files.names_file import NamesError, bits, compressed, expanded, head, mover, releases_of, span
from doctor.matrix.files.row import Row
from doctor.matrix.releases import Releases, ReleaseSet


@dataclass
class FactsTable:
    """Rows while they grow: (kind, key) -> value as JSON text -> the bits of the releases that have it."""

    releases: Releases
    values: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)

    def add(self, version: str, row: Row) -> None:
        """Sets the row of `version`, in place of what was known of it."""
        bit = 1 << self.releases.versions.index(version)
        for cells in self.values.values():
            for text in cells:
                cells[text] &= ~bit
        for kind, facts in row.items():
            for key, value in facts.items():
                text = json.dumps(value, sort_keys=True, separators=(",", ":"))
                cells = self.values.setdefault((kind, " ".join(key.split())), {})
                cells[text] = cells.get(text, 0) | bit

    def over(self, releases: Releases) -> FactsTable:
        """The same over another list of releases; those that are not in it are dropped."""
        move = mover(self.releases, releases)
        return FactsTable(releases, {k: {t: move(m) for t, m in cells.items()} for k, cells in self.values.items()})

    def encode(self) -> bytes:
        """The file; the same content always gives the same bytes."""
        return compressed(self.text())

    def text(self) -> str:
        """The file before it is compressed."""
        count, lines = len(self.releases.versions), [head(self.releases)]
        for (kind, key), cells in sorted(self.values.items()):
            if found := [f"{span(mask, count)}|{text}" for text, mask in sorted(cells.items()) if mask]:
                lines.append("\t".join([kind, key, *found]))
        return "\n".join(lines) + "\n"


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

    def row(self, version: str, kinds: tuple[str, ...] = ()) -> Row | None:
        """What is known of one release: kind -> key -> value, of all kinds or of those asked for.

        None for a release that is not covered.
        """
        known = self.releases.place(version)
        if known is None:
            return None
        count, out = len(self.releases.versions), Row()
        for line in self._lines(kinds):
            kind, key, *cells = line.split("\t")
            for cell in cells:
                spanned, _, value = cell.partition("|")
                if bits(spanned, count) >> known & 1:
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
        return [line.split("\t", 2)[1] for line in self._lines((kind,))]

    def having(self, kind: str, prefix: str) -> dict[str, int]:
        """The keys that begin so, with the bits of the releases that have each, whatever its value."""
        count, out, start = len(self.releases.versions), dict[str, int](), f"\n{kind}\t{prefix}"
        at = self._text.find(start)
        while at >= 0 and self._text.startswith(start, at):  # keys stand in order
            end = self._text.index("\n", at + 1)
            _, key, *cells = self._text[at + 1 : end].split("\t")
            for cell in cells:
                out[key] = out.get(key, 0) | bits(cell.partition("|")[0], count)
            at = end
        return out

    def _lines(self, kinds: tuple[str, ...]) -> list[str]:
        """The lines of these kinds; those of one kind stand together."""
        if not kinds:
            return self._text.splitlines()[1:]
        out: list[str] = []
        for kind in kinds:
            start = self._text.find(f"\n{kind}\t")
            last = self._text.rfind(f"\n{kind}\t")
            if start >= 0:
                out += self._text[start + 1 : self._text.index("\n", last + 1)].split("\n")
        return out

    def table(self) -> FactsTable:
        """The whole file, to be added to."""
        out = FactsTable(self.releases)
        for line in self._text.splitlines()[1:]:
            kind, key, *cells = line.split("\t")
            split = [cell.partition("|") for cell in cells]
            out.values[kind, key] = {text: bits(spanned, len(self.releases.versions)) for spanned, _, text in split}
        return out

    def _cell(self, cell: str) -> tuple[ReleaseSet, Any]:
        spanned, _, value = cell.partition("|")
        return ReleaseSet(self.releases, bits(spanned, len(self.releases.versions))), _value(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise NamesError(f"{text[:80]!r} is not a JSON value") from error

