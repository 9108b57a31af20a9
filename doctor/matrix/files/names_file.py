"""The file format of a name index: for every module and name of a project, the releases that have it.

Text, one line a module, compressed; read without parsing more than the line asked for:

    {"project": "transformers", "releases": [...], "yanked": [...]}
    MODULE <tab> SPAN <tab> SPAN|NAME NAME ... <tab> ...

The first SPAN says which releases have the module. A SPAN is places in the list of releases, `25-117,119` or `*`
for all; names share one group where they share a span.
"""

from __future__ import annotations

import io
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import cached_property, lru_cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.matrix.releases import Releases

LARGEST = 64 << 20


class NamesError(ValueError):
    """A name index that cannot be read; the message says why."""


def span(bits: int, count: int) -> str:
    """Bits over `count` places as `0-3,7`; `*` for all of them."""
    if bits == (1 << count) - 1:
        return "*"
    out, place = [], 0
    while bits >> place:
        if not bits >> place & 1:
            place += 1
            continue
        start = place
        while bits >> place & 1:
            place += 1
        out.append(str(start) if start == place - 1 else f"{start}-{place - 1}")
    return ",".join(out)


@lru_cache(maxsize=8192)
def bits(text: str, count: int) -> int:
    """What `span` wrote. Raises NamesError."""
    if text == "*":
        return (1 << count) - 1
    total = 0
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            total |= (1 << (int(last or first) + 1)) - (1 << int(first))
    except ValueError as error:
        raise NamesError(f"{text!r} is not a range of releases") from error
    return total


@dataclass
class NamesTable:
    """A name index while it grows: the bits of the releases that have each module, and each of its names."""

    releases: Releases
    have: dict[str, int] = field(default_factory=dict)
    names: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, version: str, table: Mapping[str, Iterable[str]]) -> None:
        """Sets what `version` provides (module -> names), in place of what was known of it."""
        bit = 1 << self.releases.versions.index(version)
        for bound in (self.have, *self.names.values()):
            for key in bound:
                bound[key] &= ~bit
        for module, names in table.items():
            self.have[module] = self.have.get(module, 0) | bit
            bound = self.names.setdefault(module, {})
            for name in names:
                bound[name] = bound.get(name, 0) | bit

    def over(self, releases: Releases) -> NamesTable:
        """The same over another list of releases; those that are not in it are dropped."""
        move = mover(self.releases, releases)
        moved = {m: {n: move(v) for n, v in names.items()} for m, names in self.names.items()}
        return NamesTable(releases, {m: move(v) for m, v in self.have.items()}, moved)

    def encode(self) -> bytes:
        """The file; the same content always gives the same bytes."""
        return compressed(self.text())

    def text(self) -> str:
        """The file before it is compressed."""
        count, lines = len(self.releases.versions), [head(self.releases)]
        for module in sorted(m for m, mask in self.have.items() if mask):
            groups: dict[str, list[str]] = defaultdict(list)
            for name, mask in sorted(self.names.get(module, {}).items()):
                if mask:
                    groups[span(mask, count)].append(name)
            row = [f"{spanned}|{' '.join(group)}" for spanned, group in sorted(groups.items())]
            lines.append("\t".join([module, span(self.have[module], count), *row]))
        return "\n".join(lines) + "\n"


def mover(old: Releases, new: Releases) -> Callable[[int], int]:
    """A function that takes bits over `old` to bits over `new`."""
    if new.versions[: len(old.versions)] == old.versions:
        return lambda mask: mask
    places = {v: i for i, v in enumerate(new.versions)}
    to = [places.get(v) for v in old.versions]
    known: dict[int, int] = {}

    def move(mask: int) -> int:
        if mask not in known:
            known[mask] = sum(1 << at for i, at in enumerate(to) if at is not None and mask >> i & 1)
        return known[mask]

    return move


def head(releases: Releases) -> str:
    """The first line of a file: which releases its places mean."""
    data = {"project": releases.project, "releases": releases.versions, "yanked": sorted(releases.yanked)}
    return json.dumps(data, separators=(",", ":"))


def compressed(text: str, level: int = 9) -> bytes:
    """`text` as gzip without time or name, so that equal text gives equal bytes."""
    import gzip

    out = io.BytesIO()
    with gzip.GzipFile("", "wb", level, out, mtime=0) as file:
        file.write(text.encode())
    return out.getvalue()


def expanded(path: Path) -> str:
    """The text of a compressed file. Raises NamesError for one that cannot be read, or is larger than it may be."""
    try:
        return unpacked(path.read_bytes(), path.name)
    except OSError as error:
        raise NamesError(f"{path.name}: {error}") from error


def unpacked(data: bytes, name: str) -> str:
    """The text of compressed bytes that are called `name`. Raises NamesError as `expanded`."""
    try:
        expand = zlib.decompressobj(31)
        text = expand.decompress(data, LARGEST)
        if expand.unconsumed_tail or not expand.eof:
            raise NamesError(f"{name}: larger than {LARGEST} bytes, or cut off")
        return text.decode("utf-8")
    except (zlib.error, UnicodeDecodeError) as error:
        raise NamesError(f"{name}: {error}") from error


def releases_of(text: str) -> Releases:
    """The releases that the first line lists. Raises NamesError."""
    try:
        data = json.loads(text[: text.index("\n")])
        return Releases(data["project"], tuple(data["releases"]), frozenset(data["yanked"]))
    except (ValueError, KeyError, TypeError) as error:
        raise NamesError(f"the first line has no list of releases: {error}") from error


class NamesIndex:
    """A name index in memory: the text, of which single lines are parsed when asked for."""

    def __init__(self, text: str) -> None:
        """Raises NamesError where the first line is not the list of releases."""
        self._text = text
        self.releases = releases_of(text)

    @classmethod
    def read(cls, path: Path) -> NamesIndex:
        """Raises NamesError for a file that cannot be read, or is larger than it may be."""
        return cls(expanded(path))

    def module(self, module: str) -> int | None:
        """The bits of the releases that have `module`; None where none ever had."""
        row = self._row(module)
        return None if row is None else bits(row[1], len(self.releases.versions))

    def name(self, module: str, name: str) -> int | None:
        """The bits of the releases whose `module` may bind `name`; None where the module never existed.

        The name `*` of a module stands for any name: what it has cannot be told from its text.
        """
        row = self._row(module)
        if row is None:
            return None
        total = 0
        for group in row[2:]:
            spanned, _, members = group.partition("|")
            members = f" {members} "
            if f" {name} " in members or " * " in members:
                total |= bits(spanned, len(self.releases.versions))
        return total

    def provided(self, version: str) -> dict[str, frozenset[str]] | None:
        """Everything that one release provides, module -> names; None for a release that is not covered."""
        place = self.releases.place(version)
        if place is None:
            return None
        table, bit = self.table(), 1 << place
        return {
            module: frozenset(n for n, mask in table.names[module].items() if mask & bit)
            for module, mask in table.have.items()
            if mask & bit
        }

    def table(self) -> NamesTable:
        """The whole index, to be added to."""
        count, out = len(self.releases.versions), NamesTable(self.releases)
        for line in self._text.splitlines()[1:]:
            module, have, *groups = line.split("\t")
            out.have[module], out.names[module] = bits(have, count), {}
            for spanned, _, members in (g.partition("|") for g in groups):
                out.names[module].update(dict.fromkeys(members.split(" "), bits(spanned, count)))
        return out

    def _row(self, module: str) -> list[str] | None:
        line = self._lines.get(module)
        return None if line is None else line.split("\t")

    @cached_property
    def _lines(self) -> dict[str, str]:
        return {line.partition("\t")[0]: line for line in self._text.split("\n")[1:-1]}
