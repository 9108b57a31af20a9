"""A page for each class of known crashes: every entry with a line of a log, and what `explain` answers to it."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator

from doctor import api
from doctor.explain.catalog import Crash, stubs
from doctor.explain.meaning import OWN, Meaning
from doctor.report.log import log_text
from doctor.rules import RULES
from website.pages.page import Page, block, escaped, table

UNKNOWN = "no-known-crash"


def pages() -> Iterator[Page]:
    """The list of classes, a page for each, and for each code a page that leads to its place."""
    found = classes()
    own = "# A log that no known crash matches\n\n" + "".join(_meaning(one) for one in OWN)
    yield Page(f"crashes/{UNKNOWN}.md", own, "no known crash")
    yield from (Page(f"crashes/{one.code}.html", forward(f"{UNKNOWN}.html#{one.code.lower()}")) for one in OWN)
    yield Page("crashes/index.md", _index(found), "Known crashes")
    for kind, crashes in found.items():
        yield Page(f"crashes/{kind}.md", _page(kind, crashes), kind)
        yield from (Page(f"crashes/{c.code}.html", forward(f"{kind}.html#{c.code.lower()}")) for c in crashes)


def classes() -> dict[str, list[Crash]]:
    """The known crashes by their class."""
    out = defaultdict[str, list[Crash]](list)
    for crash in (stub.load() for stub in stubs()):
        out[crash.kind].append(crash)
    return {kind: sorted(out[kind], key=lambda c: c.code) for kind in sorted(out)}


def _index(found: dict[str, list[Crash]]) -> str:
    count = sum(map(len, found.values()))
    rows = (
        (
            f"[{kind}]({kind}.md)",
            ", ".join(f"[{c.code}]({kind}.md#{c.code.lower()}) {escaped(c.name)}" for c in crashes),
        )
        for kind, crashes in found.items()
    )
    lead = f"`qvl-doctor explain LOGFILE` knows {count} causes in {len(found)} classes. It also reads tracebacks, the life of\n"
    more = "a run and messages that engines raise, so a log need not match an entry to be "
    more += f"explained; [{UNKNOWN}]({UNKNOWN}.md) is what it says then.\n\n"
    return f"# Known crashes\n\n{lead}{more}{table(('class', 'causes'), rows)}"


def _page(kind: str, crashes: list[Crash]) -> str:
    return f"# {kind}\n\n" + "\n".join("".join(_entry(crash)) for crash in crashes)


def _entry(crash: Crash) -> Iterator[str]:
    yield f"## {crash.code} {escaped(crash.name)} {{ #{crash.code.lower()} }}\n\n{escaped(crash.meaning)}\n\n"
    yield f"A log that shows it:\n\n{block(crash.example)}\n"
    answer = api.explain(io.BytesIO(crash.example.encode()))
    if answer.findings and answer.findings[0].rule == crash.code:
        yield f"What `explain` answers to this alone:\n\n{block(log_text(answer.findings))}\n"
    elif crash.remediations:
        yield "What helps:\n\n" + "".join(f"- {escaped(way.title)}\n" for way in crash.remediations) + "\n"
    if known := [rule for rule in RULES if rule.code in crash.rules]:
        yield f"Before it happens, `check` finds it as {', '.join(f'[{r.code} {r.name}](../rules/{r.code}.md)' for r in known)}.\n\n"


def _meaning(one: Meaning) -> str:
    return f"## {one.code} {one.name} {{ #{one.code.lower()} }}\n\n{escaped(one.explanation)}\n\n"


def forward(to: str) -> str:
    """A page that leads to a place in another one."""
    head = f'<meta charset="utf-8"><meta http-equiv="refresh" content="0; url={to}"><title>{to}</title>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><a href="{to}">{to}</a></body></html>\n'
