"""A report as one self-contained page: no request to any host, light and dark, nothing from outside becomes markup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from doctor.derived.packages.newer_releases import data_notes
from doctor.findings import Finding, Report
from doctor.report.commands import commands, together
from doctor.report.content import SIGNS, answer, counted, evidence, head, undecided
from doctor.report.grid.markup import code, t
from doctor.report.launch import correction

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def report_to_html(report: Report) -> str:
    """The page."""
    return "".join(_page(report))


def _page(report: Report) -> Iterator[str]:
    kind, said = answer(report)
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{t(said)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
    yield f'<h1 class="{kind}"><span aria-hidden="true">{SIGNS[kind]}</span> {code(said)}</h1>\n<dl class="head">\n'
    yield from (f"<dt>{t(label)}</dt><dd>{code(text)}</dd>\n" for label, text in head(report))
    yield "</dl>\n"
    for finding in report.findings:
        yield from _finding(finding)
    if (way := report.way_out) is not None:
        lines = "\n".join(map(t, together(way)))
        yield f"<article>\n<h2>fix all</h2>\n<p>{code(way.title)}</p>\n<pre>{lines}</pre>\n</article>\n"
    if (found := correction(report)) is not None:
        yield f"<article>\n<h2>corrected command</h2>\n<pre>{t(found.line)}</pre>\n<p>{t(found.note)}</p>\n</article>\n"
    unsure = undecided(report)
    if unsure:
        yield f"<details><summary>{len(unsure)} open</summary><ul>\n"
        yield from (f"<li><b>{t(rule)}</b> {code(text)}</li>\n" for rule, text in unsure)
        yield "</ul></details>\n"
    yield from (f"<p>{code(note)}.</p>\n" for note in data_notes(report.facts))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    yield f"<footer>{t(counted(report))}. Made by qvl-doctor ({t(versions)}).</footer>\n</main>\n</body>\n</html>\n"


def _finding(finding: Finding) -> Iterator[str]:
    label = " · start here" if finding.primary else ""
    label += f" · follows from {', '.join(finding.follows_from)}" if finding.follows_from else ""
    yield f'<article class="{finding.severity}">\n<h2><span>{t(finding.severity)}</span> {t(finding.rule)} '
    yield f"{t(finding.name)}<small>{t(label)}</small></h2>\n<p>{code(finding.message)}</p>\n<dl>\n"
    yield from (f"<dt>{t(name)}</dt><dd>{code(text)}</dd>\n" for name, text in evidence(finding))
    for remediation in finding.remediations:
        yield f'<dt class="way">fix</dt><dd>{code(remediation.title)}'
        yield from (f"<pre>{t(line)}</pre>" for line in commands(remediation))
        yield "</dd>\n"
    yield "</dl>\n</article>\n"
