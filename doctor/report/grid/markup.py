"""Pieces of the page: escaped text, a cell's evidence, and what the documents say of the model's family."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from doctor.base.text import one_line
from doctor.matrix.grid.cells import Cell
from doctor.matrix.models.families import Family
from doctor.report.grid.ranges import needed


def t(text: str) -> str:
    """Text for an element or an attribute: control characters written out, markup escaped."""
    return escape(one_line(text, 2000), quote=True)


def code(text: str) -> str:
    """A sentence whose words in backticks are code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", t(text))


def breakable(name: str) -> str:
    """A name with places where it may go on in a second line."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z0-9]_)(?=[A-Za-z])", "<wbr>", t(name))


def why(cell: Cell, library: str, note: str) -> Iterator[str]:
    """The evidence of a cell, as a list; `note` is what to mind with this engine release."""
    yield '<ul class="why">'
    if cell.verdict == "works":
        yield f"<li>{basis('declared')}the requirements allow it</li>"
        yield f"<li>{basis('derived')}every name that the serving path imports exists, and the model is known</li>"
    for reason in cell.reasons:
        left = needed(reason)
        fits = f"; fits {t(library)} <code>{t(left)}</code>" if left else ""
        half = f"{t(reason.backend)} alone: " if reason.backend else ""
        yield f"<li>{basis(reason.basis)}{half}{code(reason.subject)} {_source(reason.source)}{fits}</li>"
    for seen in cell.seen:
        said = f"{library} {', '.join(seen.versions)}; {seen.source}, {seen.verified}"
        yield f"<li>{basis('attested')}{code(seen.what)} {_source(said)}</li>"
    if note:
        yield f"<li>{basis('declared')}{code(note)}</li>"
    yield "</ul>"


def basis(text: str) -> str:
    """How something is known, as a small label."""
    return f'<span class="basis">{t(text)}</span>'


def facts(family: Family, engine: str) -> Iterator[tuple[str, str]]:
    """What stands in the documents about the family, for this engine; the second of each pair is HTML."""
    yield "Model types", t(", ".join(family.model_types)) or "none declared"
    for helper in (h for h in family.helpers if engine in (h.engines or (engine,))):
        word = "Needs" if helper.required else "May need"
        yield word, f"<code>{t(helper.package + helper.specifier)}</code>: {code(helper.why)} {_source(helper.source)}"
    if family.remote_code and engine in (family.remote_code.engines or (engine,)):
        yield "Its own code imports", t(", ".join(family.remote_code.packages))
    for image in (i for i in family.images if i.engine == engine):
        driver = f", driver ≥ {image.driver}" if image.driver else ""
        holds = t(f"{image.engine} {image.version}, CUDA {image.cuda}{driver}")
        yield "Image", f"<code>{t(image.reference)}</code> ({holds}) {_source(image.source)}"
    if family.successor:
        yield "Successor", f"<code>{t(family.successor)}</code>"
    if family.note:
        yield "Note", code(family.note)
    yield "Source", t(f"{family.source}{f', {family.verified}' if family.verified else ''}")


def _source(text: str) -> str:
    return f'<span class="source">– {t(text)}</span>'
