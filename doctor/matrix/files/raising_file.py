"""The file format of the places where a project refuses, over its releases.

Text, compressed; a place (a file, the digest of a message and a condition) stands there once:

    {"project": ..., "releases": [...], "yanked": [...], "raised": [...], "counts": [templates, conditions]}
    one digest of a message a line (`message_digest`), then one condition a line (`@FUNCTION` where there is none)
    FILE <tab> TEMPLATES <tab> RAISED <tab> CONDITIONS <tab> SPAN|LINES <tab> SPAN|LINES ...

The three lists of a file have a number for each of its sites. Templates and conditions are numbered as they first
occur, and each number is the difference to the one before it in the whole file. LINES holds a token for each site:
`-` not there, `nD` D lines below the site before it, else by how much more than the site before it this one moved
since it was seen last; `:N` stands for N sites that moved as the one before them, and for the rest where it ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from doctor.base.record import dataclass
from doctor.matrix.files.names_file import head, span
from doctor.matrix.releases import Releases

Key = tuple[str, str, str, int]  # digest, exception, condition, and which of those alike in one file


@dataclass
class RaisingTable:
    """Places while they grow: file -> place -> release -> line."""

    releases: Releases
    files: dict[str, dict[Key, dict[int, int]]] = field(default_factory=dict)

    def add(self, version: str, rows: Mapping[str, Iterable[tuple[str, str, str, int]]]) -> None:
        """Sets the places of `version`: file -> (digest, exception, condition, line) in the order of lines."""
        at = self.releases.versions.index(version)
        for known in self.files.values():
            for lines in known.values():
                lines.pop(at, None)
        for name, sites in rows.items():
            seen: dict[tuple[str, str, str], int] = {}
            known = self.files.setdefault(name, {})
            for digest, raised, test, line in sites:
                nth = seen[digest, raised, test] = seen.get((digest, raised, test), -1) + 1
                known.setdefault((digest, raised, test, nth), {})[at] = line

    def over(self, releases: Releases) -> RaisingTable:
        """The same over another list of releases, which has all of these."""
        to = [releases.versions.index(v) for v in self.releases.versions]
        return RaisingTable(
            releases,
            {
                n: {k: {to[at]: line for at, line in found.items()} for k, found in f.items()}
                for n, f in self.files.items()
            },
        )

    def encode(self) -> bytes:
        """The file; the same content always gives the same bytes."""
        import zlib

        raised = sorted({k[1] for known in self.files.values() for k, lines in known.items() if lines})
        templates, tests = _Numbers(), _Numbers()
        rows = [
            self._row(name, templates, tests, raised)
            for name, known in sorted(self.files.items())
            if any(known.values())
        ]
        start = json.loads(head(self.releases)) | {"raised": raised, "counts": [len(templates.of), len(tests.of)]}
        lines = [json.dumps(start, separators=(",", ":")), *templates.of, *tests.of, *rows]
        return zlib.compress(("\n".join(lines) + "\n").encode(), 9)

    def _row(self, name: str, templates: _Numbers, tests: _Numbers, raised: Sequence[str]) -> str:
        known = {k: lines for k, lines in self.files[name].items() if lines}
        keys = sorted(known, key=lambda k: (known[k][max(known[k])], k))
        columns = [
            " ".join(templates.step(k[0]) for k in keys), " ".join(str(raised.index(k[1])) for k in keys),
            " ".join(tests.step(k[2]) for k in keys),
        ]  # fmt: skip
        spans: dict[tuple[int | None, ...], int] = {}
        for at in range(len(self.releases.versions)):
            lines = tuple(known[k].get(at) for k in keys)
            if any(line is not None for line in lines):
                spans[lines] = spans.get(lines, 0) | 1 << at
        last: list[int | None] = [None] * len(keys)
        cells = [f"{span(m, len(self.releases.versions))}|{moved(lines, last)}" for lines, m in spans.items()]
        return "\t".join([name, *columns, *cells])


@dataclass
class _Numbers:
    """Texts numbered as they first occur."""

    of: dict[str, int] = field(default_factory=dict)
    before: int = 0

    def step(self, text: str) -> str:
        number = self.of.setdefault(text, len(self.of))
        step, self.before = number - self.before, number
        return str(step)


def moved(lines: Sequence[int | None], last: list[int | None]) -> str:
    """The tokens of `lines`, a line number or None for each site; `last` is where each was seen, and is renewed."""
    out: list[str] = []
    shift = above = same = 0
    for place, line in enumerate(lines):
        known = last[place]
        step = None if line is None or known is None else line - known - shift
        if step == 0:
            same += 1
        else:
            out += [f":{same}"] if same else []
            same = 0
            out.append("-" if line is None else f"n{line - above}" if step is None else str(step))
        shift += step or 0
        if line is not None:
            last[place] = above = line
    return " ".join(out)


def placed(text: str, last: list[int | None]) -> list[int | None]:
    """What `moved` wrote. Raises ValueError, IndexError for anything else."""
    out: list[int | None] = []
    shift = above = 0

    def move(step: int) -> None:
        nonlocal shift, above
        shift += step
        known = last[len(out)]
        above = last[len(out)] = (known or 0) + shift
        out.append(above)

    for token in text.split():
        if token == "-":
            out.append(None)
        elif token[0] == ":":
            for _ in range(int(token[1:])):
                move(0)
        elif token[0] == "n":
            above = last[len(out)] = above + int(token[1:])
            out.append(above)
        else:
            move(int(token))
    while len(out) < len(last):
        move(0)
    return out
