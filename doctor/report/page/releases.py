"""One row of the grid on the page: which releases of transformers this engine's release works with, for this model."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts import Launch, Model
from doctor.findings import Report
from doctor.launch.options import model_word
from doctor.matrix.grid.asked import asked_grid
from doctor.matrix.grid.cells import Grid, GridError
from doctor.matrix.models.families import model
from doctor.report.grid.html import SIGNS, word_of
from doctor.report.grid.markup import breakable, code, t
from doctor.report.grid.ranges import ranges, said, span

LIBRARY = "transformers"


def releases_article(report: Report) -> Iterator[str]:
    """The article; nothing where the engine's release or the model is not in the data."""
    grid = _grid(report)
    if grid is None or not grid.lines:
        return
    shown = ranges(grid)
    row, family = shown.rows[0], f" for {t(grid.family.title)}" if grid.family else ""
    subject = f"with {t(grid.engine)} {t(span(row.versions))}{family}"
    yield f'<article class="releases">\n<h2>which {t(LIBRARY)} works <small>{subject}</small></h2>\n'
    yield '<div class="scroll"><table>\n'
    for place, (versions, cell) in enumerate(zip(shown.columns, row.cells, strict=True)):
        mine = place == shown.here[1]
        you = " <b>installed</b>" if mine else ""
        reasons = "; ".join(reason.subject for reason in cell.reasons[:2])
        yield f'<tr class="{cell.verdict}{" mine" if mine else ""}"><th scope="row">{t(span(versions))}{you}</th>'
        yield f'<td title="{t(said(cell))}">{SIGNS[cell.verdict]} {breakable(word_of(cell))}</td>'
        yield f"<td>{code(reasons)}</td></tr>\n"
    yield "</table></div>\n</article>\n"


def _grid(report: Report) -> Grid | None:
    launch, facts = report.facts.launch, report.facts
    engine = launch.engine if isinstance(launch, Launch) else None
    version = facts.version(engine) if engine else None
    name = _model(report)
    if engine is None or version is None or name is None or engine == LIBRARY:
        return None
    try:
        return asked_grid((f"{engine}=={version}", LIBRARY), name, (version, facts.version(LIBRARY)))
    except GridError:
        return None


def _model(report: Report) -> str | None:
    """The model as the data names it: by its architecture, else by its name."""
    found = report.facts.model
    names = [*(found.architectures if isinstance(found, Model) else ()), model_word(report.facts) or ""]
    return next((name for name in names if name and model(name) is not None), None)
