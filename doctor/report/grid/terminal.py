"""The grid on a terminal: short cells, a legend with the evidence, readable without colour and in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.base.text import clean, one_line
from doctor.matrix.grid.cells import Cell, Reason
from doctor.matrix.models.families import Family
from doctor.report.grid.ranges import Ranges, Row, needed, ranges, said, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from doctor.matrix.grid.cells import Grid

STYLES = {"works": "green", "warned": "yellow", "fails": "red", "refused": "magenta", "unknown": "dim"}
SHORT = {
    "works": "ok",
    "warned": "ok~",
    "requirement": "req",
    "model card": "card",
    "model type": "type",
    "no model": "-",
    "turbomind only": "ok:tm",
    "pytorch only": "ok:pt",
}
MEANING = {
    "ok": "works: the requirements allow it, every name it imports exists, the model is known",
    "ok~": "works, but the engine's own check at startup warns",
    "ok:tm": "works only with the TurboMind backend",
    "ok:pt": "works only with the PyTorch backend",
    "+": "after ok: somebody has seen it work with at least one release of the range (attested)",
    "req": "the engine's requirements do not allow it (declared)",
    "card": "the model card requires something else (declared)",
    "type": "this transformers does not support the model type (derived)",
    "-": "this release of the engine does not list the model (derived)",
}
BACKENDS = {"turbomind": "tm", "pytorch": "pt", "": ""}


def grid_to_text(grid: Grid, width: int = 100) -> str:
    """The same without colour, for a file."""
    return "".join(f"{line.plain}\n" for line in _lines(ranges(grid), width))


def print_grid(grid: Grid, console: Console) -> None:
    """The grid, where you are, the legend, and what the model needs besides."""
    shown = ranges(grid)
    for line in _lines(shown, console.width):
        console.print(line, soft_wrap=True)


def _lines(shown: Ranges, width: int) -> Iterator[Text]:
    from rich.text import Text

    grid = shown.grid
    model = f", for {grid.family.title} ({', '.join(grid.family.architectures)})" if grid.family else ""
    yield Text(one_line(f"{grid.engine} by {grid.library}{model}", 300), style="bold")
    yield Text("")
    letters = _letters(shown)
    if len(shown.rows) == 1:
        yield from _listed(shown, shown.rows[0], width)
    else:
        yield from _bands(shown, letters, width)
        yield from _legend(shown, letters, width)
    yield from _here(shown, width)
    yield from _family(shown, grid.family, width) if grid.family else ()


def _letters(shown: Ranges) -> dict[str, str]:
    """A short name for every name by which something fails: a, b, ..., z, aa, ..."""
    names = dict.fromkeys(c.name for row in shown.rows for c in row.cells if c.verdict == "fails")
    return {name: chr(97 + i % 26) * (1 + i // 26) for i, name in enumerate(names)}


def _short(cell: Cell, letters: dict[str, str]) -> str:
    if cell.verdict in ("works", "warned"):
        return (SHORT.get(cell.name) or SHORT[cell.verdict]) + ("+" if cell.seen else "")
    return letters.get(cell.name) or SHORT.get(cell.name, cell.name)


def _bands(shown: Ranges, letters: dict[str, str], width: int) -> Iterator[Text]:
    """As many columns beside each other as the width holds; the rest below, under the same rows."""
    labels = [f"{'>' if i == shown.here[0] else ' '} {_label(row)}" for i, row in enumerate(shown.rows)]
    left = max(map(len, labels)) + 1
    wide = 1 + max(6, *(max(len(c[0]), len(c[-1])) for c in shown.columns))
    count = max(1, (width - left) // wide)
    for start in range(0, len(shown.columns), count):
        places = range(start, min(start + count, len(shown.columns)))
        yield from _head(shown, places, left, wide)
        for row, label in zip(shown.rows, labels, strict=True):
            yield _cells(shown, row, label.ljust(left), places, letters, wide)
        yield _text("")


def _head(shown: Ranges, places: range, left: int, wide: int) -> Iterator[Text]:
    columns = [shown.columns[p] for p in places]
    if (here := shown.here[1]) is not None and here in places:
        you = " " * (left + wide * (here - places.start)) + "you"
        yield _text(you, "bold")
    name = f"  {shown.grid.engine}"[: left - 1].ljust(left)
    yield _text(name + "".join(c[0].ljust(wide) for c in columns), "bold")
    to = ["" if len(c) == 1 else c[-1] for c in columns]
    if any(to):
        yield _text(" " * left + "".join(t.ljust(wide) for t in to), "bold")


def _cells(shown: Ranges, row: Row, label: str, places: range, letters: dict[str, str], wide: int) -> Text:
    here = shown.here[0] is not None and shown.rows[shown.here[0]] is row
    out = _text(label, "bold" if here else "")
    for place in places:
        cell = row.cells[place]
        short = _short(cell, letters)
        out.append_text(
            _text((f"[{short}]" if here and place == shown.here[1] else short).ljust(wide), STYLES[cell.verdict])
        )
    out.rstrip()
    return out


def _label(row: Row) -> str:
    backends = "+".join(BACKENDS.get(b, b) for b in row.backends if b)
    return f"{span(row.versions)}{f'  {backends}' if backends else ''}"


def _listed(shown: Ranges, row: Row, width: int) -> Iterator[Text]:
    """One engine release: a line for each range of the library, with the evidence in full."""
    left = max(len(span(c)) for c in shown.columns) + 2
    yield _text(f"{shown.grid.engine} {span(row.versions)}" + _backends(row), "bold")
    for place, (versions, cell) in enumerate(zip(shown.columns, row.cells, strict=True)):
        mark = ">" if place == shown.here[1] else " "
        word = said(cell) + (f": {cell.name}" if cell.verdict == "fails" else "")
        line = _text(f"{mark} {span(versions):{left}}")
        line.append_text(_text(word, STYLES[cell.verdict]))
        line.append(f"  ({', '.join(cell.basis)})", "dim")
        yield line
        indent = " " * (left + 2)
        for reason in cell.reasons[:2]:
            yield from _wrapped(_why(reason, shown.grid.library), indent, width)
        for seen in cell.seen[:1]:
            which = ", ".join(v for v in seen.versions if v in versions)
            text = f"seen with {which}: {seen.what} ({seen.source}, {seen.verified})"
            yield from _wrapped(text, indent, width)
    yield _text("")
    yield from _wrapped(f"works with {shown.grid.library} {_spec(row)}", "", width)
    if row.note:
        yield from _wrapped(row.note, "", width)


def _legend(shown: Ranges, letters: dict[str, str], width: int) -> Iterator[Text]:
    used = {_short(c, letters) for row in shown.rows for c in row.cells}
    plus = any(word.endswith("+") for word in used)
    for word, meaning in MEANING.items():
        if word in used or (word == "+" and plus) or f"{word}+" in used:
            yield from _wrapped(f"{word:6}{meaning}", "      ", width, first="")
    firsts: dict[str, Reason] = {}
    for reason in (r for row in shown.rows for c in row.cells if c.verdict == "fails" for r in c.reasons[:1]):
        firsts.setdefault(reason.name, reason)
    for name, letter in letters.items():
        why = _why(firsts[name], shown.grid.library)
        yield from _wrapped(f"{letter:6}{name}: {why}", "      ", width, first="")
    for why in dict.fromkeys(_why(r, shown.grid.library) for r in _halves(shown)):
        yield from _wrapped(why, "      ", width)
    if any(b for row in shown.rows for b in row.backends):
        yield _text("tm, pt: the backends that list the model, TurboMind and PyTorch")
    for note in dict.fromkeys(row.note for row in shown.rows if row.note):
        mine = ", ".join(span(row.versions) for row in shown.rows if row.note == note)
        yield from _wrapped(f"{mine}: {note}", "", width)


def _halves(shown: Ranges) -> Iterator[Reason]:
    """What stops one backend alone."""
    for cell in (c for row in shown.rows for c in row.cells if c.name.endswith(" only")):
        yield from (replace(r, subject=f"{r.backend}: {r.subject}") for r in cell.reasons if r.backend)


def _here(shown: Ranges, width: int) -> Iterator[Text]:
    engine, library = shown.grid.here
    if engine is None and library is None:
        return
    have = " and ".join(f"{n} {v}" for n, v in ((shown.grid.engine, engine), (shown.grid.library, library)) if v)
    cell = shown.at()
    yield _text("")
    if cell is None:
        yield from _wrapped(f"You have {have} ({shown.grid.why_here}).", "", width)
        return
    row = shown.rows[shown.here[0] or 0]
    why = f": {cell.reasons[0].subject} ({cell.reasons[0].source})" if cell.reasons else ""
    yield from _wrapped(f"You have {have} ({shown.grid.why_here}): {said(cell)}{why}.", "", width)
    if cell.verdict not in ("works", "warned") and row.works != "<0":
        yield from _wrapped(f"{shown.grid.engine} {engine} works with {shown.grid.library} {_spec(row)}.", "", width)


def _family(shown: Ranges, family: Family, width: int) -> Iterator[Text]:
    mine = [h for h in family.helpers if h.required and shown.grid.engine in (h.engines or (shown.grid.engine,))]
    images = [i for i in family.images if i.engine == shown.grid.engine]
    if mine or images or family.successor or family.note:
        yield _text("")
    if mine:
        yield from _wrapped(
            f"also needs: {', '.join(f'{h.package}{h.specifier}' for h in mine)}", "  ", width, first=""
        )
    for image in images:
        driver = f", driver >={image.driver}" if image.driver else ""
        text = f"image: {image.reference} ({image.engine} {image.version}, CUDA {image.cuda}{driver})"
        yield from _wrapped(text, "  ", width, first="")
    if family.successor:
        yield from _wrapped(f"successor: {family.successor}", "", width)
    if family.note:
        yield from _wrapped(f"note: {family.note}", "  ", width, first="")


def _why(reason: Reason, library: str) -> str:
    left = needed(reason)
    return f"{reason.subject} ({reason.source}){f'; fits {library} {left}' if left else ''}"


def _spec(row: Row) -> str:
    return "of any release" if not row.works else "of no release" if row.works == "<0" else row.works


def _backends(row: Row) -> str:
    named = [b for b in row.backends if b]
    return f", listed by {' and '.join(named)}" if named else ""


def _wrapped(text: str, indent: str, width: int, first: str | None = None) -> Iterator[Text]:
    import textwrap

    start = indent if first is None else first
    for line in textwrap.wrap(text, max(40, width), initial_indent=start, subsequent_indent=indent,
                              break_long_words=False, break_on_hyphens=False):  # fmt: skip
        yield _text(line)


def _text(text: str, style: str = "") -> Text:
    """One line of the answer, made safe to print; blanks stay."""
    from rich.text import Text

    return Text(clean(text.replace("\n", " "), 1000), style=style)
