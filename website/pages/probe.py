"""The checks of `probe`, and what may be wrong with a running server's answers."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.matrix.answers import answers
from website.pages.crashes import forward
from website.pages.page import Page, block, escaped, table


def pages() -> Iterator[Page]:
    """One page with all of them, and for each code a page that leads to its place."""
    known = answers()
    rows = ((f"{c.code} {c.name}", escaped(c.meaning)) for c in known.checks)
    parts = [f"# A running server\n\n`qvl-doctor probe URL` asks:\n\n{table(('check', 'what it asks'), rows)}\n"]
    for one in known.refusals:
        parts.append(f"## {one.code} {escaped(one.name)} {{ #{one.code.lower()} }}\n\n**{one.severity}** · {escaped(one.meaning)}\n\n")
        parts += [f"What such a server says:\n\n{block(one.examples[0])}\n"] if one.examples else []
        parts += [f"- {escaped(fix)}\n" for fix in one.fixes] + ["\n"]
    yield Page("probe/index.md", "".join(parts), "A running server")
    for code in (one.code for one in (*known.checks, *known.refusals)):
        yield Page(f"probe/{code}.html", forward(f"index.html#{code.lower()}" if code not in _checks() else "index.html"))


def _checks() -> set[str]:
    return {check.code for check in answers().checks}
