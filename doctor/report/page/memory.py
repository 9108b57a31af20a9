"""The memory of one GPU on the page: a bar whose parts are as long as they are large, and the table as text."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.memory.fit import Fit
from doctor.report.grid.markup import t
from doctor.report.memory import CACHE, FREE, LANGUAGE, OTHER, OVER, TAKEN, VISION, memory_lines, parts

KINDS = {
    TAKEN: "taken", LANGUAGE: "language", VISION: "vision", OTHER: "other", CACHE: "cache", FREE: "free", OVER: "over",
}  # fmt: skip


def memory_article(case: Case) -> Iterator[str]:
    """The article; nothing where the model or the GPUs are not known."""
    found = memory_verdict(case)
    if not isinstance(found, MemoryVerdict) or found.fit is None:
        return
    title, _, *rows = memory_lines(case)
    yield f'<article class="memory">\n<h2>memory <small>{t(title)}</small></h2>\n{_bar(found.fit)}<ul>\n'
    for row in rows:
        kind = KINDS.get(row[:1], "")
        yield f'<li class="{kind}">{_part(row)}</li>\n' if kind else f"<li>{t(row.strip(' ='))}</li>\n"
    yield "</ul>\n</article>\n"


def _part(row: str) -> str:
    """A line of the table for a terminal, whose columns stand at fixed places, in words."""
    name, amount, note = row[2:18].strip(), row[19:39].strip(), row[39:].strip()
    return f"{t(name)} <b>{t(amount)}</b>{f', {t(note)}' if note else ''}"


def _bar(result: Fit) -> str:
    """What the card holds, then what is too much behind its end. Read aloud, the list says the same."""
    drawn = "".join(
        f'<span class="{KINDS[sign]}" style="flex-grow:{max(amount >> 20, 1)}"></span>'
        for sign, amount in parts(result) if amount > 0
    )  # fmt: skip
    return f'<div class="bar" aria-hidden="true">{drawn}</div>\n'
