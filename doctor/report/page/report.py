"""A report as one self-contained page: no request to any host, light and dark, nothing from outside becomes markup."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files

from doctor.base.documentation import page_of
from doctor.base.text import plural
from doctor.derived.case import Case
from doctor.derived.packages.newer_releases import data_notes
from doctor.findings import Finding, Report
from doctor.report.commands import commands
from doctor.report.content import SIGNS, answer, counted, evidence, head, undecided
from doctor.report.grid.markup import code, t
from doctor.report.page.memory import memory_article
from doctor.report.page.releases import releases_article
from doctor.report.screen import Screen, screen

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def report_to_html(*reports: Report) -> str:
    """The page, with all reports one below the other."""
    return "".join(_page(reports))


def page_style() -> str:
    """The style of every page."""
    return _file("report.css")


def _page(reports: Sequence[Report]) -> Iterator[str]:
    said = "; ".join(answer(report)[1] for report in reports)
    style, script = page_style(), f"\n{_file('report.js')}"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    policy = f"{POLICY}; script-src 'sha256-{digest}'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{t(said)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
    for report in reports:
        yield from _report(report)
    yield f"</main>\n<script>{script}</script>\n</body>\n</html>\n"


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _report(report: Report) -> Iterator[str]:
    shown = screen(report)
    sign = f'<span aria-hidden="true">{SIGNS[shown.kind]}</span>'
    yield f'<h1 class="{shown.kind}">{sign} {code(shown.said)}</h1>\n<dl class="head">\n'
    yield from (f"<dt>{t(label)}</dt><dd>{code(text)}</dd>\n" for label, text in head(report))
    yield "</dl>\n"
    yield from _todo(shown)
    for finding in report.findings:
        yield from finding_to_html(finding)
    yield from memory_article(Case(report.facts))
    yield from releases_article(report)
    if shown.open:
        yield f"<details><summary>{plural(sum(len(g.codes) for g in shown.open), 'rule')} open</summary><ul>\n"
        yield from (f"<li>{code(group.said)}</li>\n" for group in shown.open)
        yield from (f"<li><b>{t(rule)}</b> {code(text)}</li>\n" for rule, text in undecided(report))
        yield "</ul></details>\n"
    yield from (f"<p>{code(note)}.</p>\n" for note in data_notes(report.facts))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    yield f"<footer>{t(counted(report))}. Made by qvl-doctor ({t(versions)}).</footer>\n"


def _todo(shown: Screen) -> Iterator[str]:
    """What to do about the first cause, with every line to paste."""
    done = shown.todo
    lines = done.paste
    if not done.steps and not lines:
        return
    yield '<article class="todo">\n<h2>what to do</h2>\n'
    yield from (f"<p>{code(step)}</p>\n" for step in (*done.steps, *done.edits))
    if lines:
        yield '<pre class="paste">' + "\n".join(map(t, lines)) + "</pre>\n"
    if done.note:
        yield f"<p>{t(done.note)}</p>\n"
    yield from (f"<p>or: {code(other)}</p>\n" for other in done.others)
    yield "</article>\n"


def finding_to_html(finding: Finding) -> Iterator[str]:
    """A finding as an article of the page."""
    label = " · start here" if finding.primary else ""
    label += f" · follows from {', '.join(finding.follows_from)}" if finding.follows_from else ""
    yield f'<article class="{finding.severity}">\n<h2><span>{t(finding.severity)}</span> {_code(finding)} '
    yield f"{t(finding.name)}<small> {t(label)}</small></h2>\n<p>{code(finding.message)}</p>\n<dl>\n"
    yield from (f"<dt>{t(name)}</dt><dd>{code(text)}</dd>\n" for name, text in evidence(finding))
    for remediation in finding.remediations:
        yield f'<dt class="way">fix</dt><dd>{code(remediation.text)}'
        yield from (f'<pre class="paste">{t(line)}</pre>' for line in commands(remediation))
        yield "</dd>\n"
    yield "</dl>\n</article>\n"


def _code(finding: Finding) -> str:
    """The code, which leads to its page where that is known."""
    page = page_of(finding.rule)
    return f'<a href="{t(page)}" rel="noreferrer">{t(finding.rule)}</a>' if page else t(finding.rule)
