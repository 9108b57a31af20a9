"""The file format of a name index: for every module and name of a project, the releases that have it.

Text, one line a module, compressed; read without parsing more than the line asked for:

    {"project": "transformers", "releases": [...], "yanked": [...]}
    MODULE <tab> SPAN <tab> SPAN|NAME NAME ... <tab> ...

The first SPAN says which releases have the module. A SPAN is places in the list of releases, `25-117,119` or `*`
for all; names share one group where they share a span.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import defaultdict
from pathlib import Path

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
        raise NamesError(f"{text!r} is no span of releases") from error
    return total


def encode(releases: Releases, tables: dict[str, dict[str, frozenset[str]]]) -> bytes:
    """The file for `tables` (release -> module -> names); the same input always gives the same bytes."""
    have: dict[str, int] = defaultdict(int)
    names: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for place, version in enumerate(releases.versions):
        for module, bound in tables[version].items():
            have[module] |= 1 << place
            for name in bound:
                names[module][name] |= 1 << place
    count = len(releases.versions)
    lines = [head(releases)]
    for module in sorted(have):
        groups: dict[str, list[str]] = defaultdict(list)
        for name in sorted(names[module]):
            groups[span(names[module][name], count)].append(name)
        row = [f"{spanned}|{' '.join(group)}" for spanned, group in sorted(groups.items())]
        lines.append("\t".join([module, span(have[module], count), *row]))
    return compressed("\n".join(lines) + "\n")


def head(releases: Releases) -> str:
    """The first line of a file: which releases its places mean."""
    data = {"project": releases.project, "releases": releases.versions, "yanked": sorted(releases.yanked)}
    return json.dumps(data, separators=(",", ":"))


def compressed(text: str) -> bytes:
    """`text` as gzip without time or name, so that equal text gives equal bytes."""
    out = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, out, mtime=0) as file:
        file.write(text.encode())
    return out.getvalue()


def expanded(path: Path) -> str:
    """The text of a compressed file. Raises NamesError for one that cannot be read, or is larger than it may be."""
    try:
        data = path.read_bytes()
        expand = zlib.decompressobj(31)
        text = expand.decompress(data, LARGEST)
        if expand.unconsumed_tail or not expand.eof:
            raise NamesError(f"{path.name}: larger than {LARGEST} bytes, or cut off")
        return text.decode("utf-8")
    except (OSError, zlib.error, UnicodeDecodeError) as error:
        raise NamesError(f"{path.name}: {error}") from error


def releases_of(text: str) -> Releases:
    """The releases that the first line lists. Raises NamesError."""
    try:
        data = json.loads(text[: text.index("\n")])
        return Releases(data["project"], tuple(data["releases"]), frozenset(data["yanked"]))
    except (ValueError, KeyError, TypeError) as error:
        raise NamesError(f"no list of releases in the first line: {error}") from error


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
        """The bits of the releases whose `module` binds `name`; None where the module never existed."""
        row = self._row(module)
        if row is None:
            return None
        total = 0
        for group in row[2:]:
            spanned, _, members = group.partition("|")
            if name in members.split(" "):
                total |= bits(spanned, len(self.releases.versions))
        return total

    def tables(self) -> dict[str, dict[str, frozenset[str]]]:
        """The whole index as `encode` took it: release -> module -> names."""
        versions = self.releases.versions
        out: dict[str, dict[str, set[str]]] = {v: {} for v in versions}
        for line in self._text.splitlines()[1:]:
            module, have, *groups = line.split("\t")
            for version in _members(have, versions):
                out[version][module] = set()
            for group in groups:
                spanned, _, members = group.partition("|")
                for version in _members(spanned, versions):
                    out[version][module].update(members.split(" "))
        return {v: {m: frozenset(n) for m, n in table.items()} for v, table in out.items()}

    def _row(self, module: str) -> list[str] | None:
        start = self._text.find(f"\n{module}\t")
        return None if start < 0 else self._text[start + 1 : self._text.index("\n", start + 1)].split("\t")


def _members(spanned: str, versions: tuple[str, ...]) -> list[str]:
    mask = bits(spanned, len(versions))
    return [v for i, v in enumerate(versions) if mask >> i & 1]
