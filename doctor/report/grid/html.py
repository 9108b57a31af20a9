"""The grid as one self-contained page: no request to any host, evidence on hover and by keyboard, light and dark.

Every word of ours or of a package is escaped; the page's policy lets nothing be loaded. Without JavaScript the
table, its cells' focus and the list of evidence remain.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from doctor.base.text import one_line
from doctor.matrix.grid.cells import Cell, Grid
from doctor.report.grid.markup import breakable, code, facts, t, why
from doctor.report.grid.ranges import Ranges, Row, ranges, said, span

SIGNS = {"works": "✓", "warned": "!", "fails": "✗", "refused": "⊘", "unknown": "–"}
WORDS = {"works": "works", "warned": "warns", "requirement": "requires", "model card": "card", "model type": "type"}
MEANING = {
    "works": "works: allowed by the requirements, every name exists, the model is known",
    "warned": "works, but the engine's own check warns, or with one backend only",
    "fails": "fails on the missing name",
    "refused": "not allowed by the engine's requirements or the model card",
    "unknown": "the model is not known to this release",
}
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
LEAD = (
    "What works, what fails and by which name. Each cell is <em>declared</em> (requirements, the engine's own check, "
    "the model card), <em>derived</em> (names and model types read from the wheels) or <em>attested</em> (somebody "
    "has tested it)."
)
HINT = "Point to a cell, or move through the table with <kbd>Tab</kbd> and the arrow keys, to see its evidence."


def grid_to_html(grid: Grid, data_version: str) -> str:
    """The page. `data_version` is the calendar version of the data, for the foot."""
    shown = ranges(grid)
    title = one_line(f"{grid.engine} by {grid.library}" + (f" for {grid.family.title}" if grid.family else ""), 200)
    evidence: dict[str, int] = {}
    table = "".join(_table(shown, evidence))
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n',
        f"<title>{t(title)}</title>\n<style>\n{_file('page.css')}</style>\n</head>\n<body>\n<main>\n",
        *_top(shown),
        table,
        *_family(shown),
        *_evidence(evidence),
        f"<footer>Made by qvl-doctor; data of {t(data_version)}, read from the published wheels.</footer>\n</main>\n",
        '<aside class="panel" aria-label="Evidence of the chosen cell"><div id="panel" aria-live="polite">',
        f'<p class="hint">{HINT}</p></div></aside>\n<script>\n{_file("page.js")}</script>\n</body>\n</html>\n',
    ]
    return "".join(parts)


def _top(shown: Ranges) -> Iterator[str]:
    grid = shown.grid
    model = f' <span class="by">for</span> {t(grid.family.title)}' if grid.family else ""
    yield f'<h1>{t(grid.engine)} <span class="by">by</span> {t(grid.library)}{model}</h1>\n'
    known = f"<code>{'</code>, <code>'.join(map(t, grid.family.architectures))}</code>. " if grid.family else ""
    yield f'<p class="lead">{known}{LEAD}</p>\n{_here(shown)}'
    items = "".join(
        f'<li><span class="chip {v}" aria-hidden="true">{SIGNS[v]}</span>{t(text)}</li>' for v, text in MEANING.items()
    )
    yield f'<ul class="legend" aria-label="Legend">{items}<li><span aria-hidden="true">◉</span>attested</li></ul>\n'


def _here(shown: Ranges) -> str:
    grid, cell = shown.grid, shown.at()
    have = [f"{n} {v}" for n, v in ((grid.engine, grid.here[0]), (grid.library, grid.here[1])) if v]
    if not have:
        return ""
    text = f"You have <strong>{t(' and '.join(have))}</strong> ({t(grid.why_here)})"
    if cell is not None:
        row = shown.rows[shown.here[0] or 0]
        text += f": <strong>{t(said(cell))}</strong>"
        text += f" – {code(cell.reasons[0].subject)}" if cell.reasons else ""
        if cell.verdict not in ("works", "warned") and row.works not in ("", "<0"):
            way = f"<code>{t(grid.library + row.works)}</code>"
            text += f".<br>{t(grid.engine)} {t(grid.here[0] or '')} works with {way}"
    return f'<section class="here" aria-label="Where you are"><p>{text}.</p></section>\n'


def _table(shown: Ranges, evidence: dict[str, int]) -> Iterator[str]:
    grid = shown.grid
    size = f'aria-rowcount="{len(shown.rows) + 1}" aria-colcount="{len(shown.columns) + 1}"'
    yield f'<div class="scroll"><table role="grid" {size} aria-readonly="true">\n'
    yield f"<caption>Releases of {t(grid.engine)} by releases of {t(grid.library)}</caption>\n"
    yield f'<thead><tr><th scope="col">{t(grid.engine)} ↓ {t(grid.library)} →</th>'
    for place, versions in enumerate(shown.columns):
        to = f'<span class="to">–{t(versions[-1])}</span>' if len(versions) > 1 else ""
        yield f'<th scope="col">{_you(place == shown.here[1])}{t(versions[0])}{to}</th>'
    yield "</tr></thead>\n<tbody>\n"
    for place, row in enumerate(shown.rows):
        yield from _row(shown, row, place == shown.here[0], evidence)
    yield "</tbody></table></div>\n"


def _row(shown: Ranges, row: Row, mine: bool, evidence: dict[str, int]) -> Iterator[str]:
    backends = ", ".join(b for b in row.backends if b)
    small = f'<span class="backends">{t(backends)}</span>' if backends else ""
    yield f'<tr><th scope="row">{_you(mine)}{t(span(row.versions))}{small}</th>'
    for place, (versions, cell) in enumerate(zip(shown.columns, row.cells, strict=True)):
        key = evidence.setdefault("".join(why(cell, shown.grid.library, row.note)), len(evidence) + 1)
        where = f"{shown.grid.engine} {span(row.versions)} with {shown.grid.library} {span(versions)}"
        yield _cell(cell, where, key, mine and place == shown.here[1])
    yield "</tr>\n"


def _cell(cell: Cell, where: str, key: int, here: bool) -> str:
    name = f", {cell.name}" if cell.verdict in ("fails", "refused", "unknown") else ""
    attested = "attested" in cell.basis
    title = t(f"{where}: {said(cell)}{name}{', attested' if attested else ''}")
    kind = f"{cell.verdict} mine" if here else cell.verdict
    eye = '<span class="eye">◉</span>' if attested else ""
    return (
        f'<td role="gridcell" tabindex="0" class="{kind}" aria-label="{title}" aria-describedby="e{key}">'
        f'<span class="sign">{SIGNS[cell.verdict]}</span>{breakable(word_of(cell))}{eye}</td>'
    )


def word_of(cell: Cell) -> str:
    """The verdict of a cell in one word, the backend where it holds for one alone, or what speaks against it."""
    if cell.name.endswith(" only"):
        return cell.name
    return WORDS.get(cell.verdict) or WORDS.get(cell.name) or cell.name


def _evidence(evidence: dict[str, int]) -> Iterator[str]:
    yield '<details><summary><h2>All evidence</h2></summary>\n<ol class="evidence">\n'
    for text, key in evidence.items():
        yield f'<li id="e{key}">{text}</li>\n'
    yield "</ol></details>\n"


def _family(shown: Ranges) -> Iterator[str]:
    family = shown.grid.family
    if family is None:
        return
    yield f'<section aria-labelledby="family"><h2 id="family">{t(family.title)}</h2>\n<dl class="facts">'
    for name, text in facts(family, shown.grid.engine):
        yield f"<dt>{t(name)}</dt><dd>{text}</dd>"
    yield "</dl></section>\n"


def _you(here: bool) -> str:
    return '<span class="you">you</span> ' if here else ""


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
