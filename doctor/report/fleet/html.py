"""The answer about nodes as one self-contained page, with a map of nodes by sections; no script, no request."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from doctor.facts.node import SECTIONS
from doctor.findings.fleet import FleetReport, NodeRow
from doctor.report.content import SIGNS
from doctor.report.fleet.content import differences_of, findings_between, kinds_said, opened, verdict
from doctor.report.grid.markup import code, t
from doctor.report.page.report import POLICY, finding_to_html, page_style

MOST = 20_000  # nodes on the map


def fleet_to_html(report: FleetReport) -> str:
    """The page."""
    return "".join(_page(report))


def _page(report: FleetReport) -> Iterator[str]:
    kind, said = verdict(report)
    style = page_style() + files(__package__).joinpath("map.css").read_text(encoding="utf-8")
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{t(said)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
    yield f'<h1 class="{kind}"><span aria-hidden="true">{SIGNS[kind]}</span> {code(said)}</h1>\n'
    yield f"<p>{code(kinds_said(report))}</p>\n"
    yield from _map(report)
    for one in report.kinds:
        for name, line in differences_of(one):
            yield f"<p><b>{t(', '.join(one.nodes[:3]))}</b> {t(name)}: {code(line)}</p>\n"
    for finding in findings_between(report):
        yield from finding_to_html(finding)
    for one in report.kinds:
        if one.findings:
            yield f"<h2>{t(', '.join(one.nodes[:8]))}</h2>\n"
        for finding in one.findings:
            yield from finding_to_html(finding)
    yield from _end(report)


def _map(report: FleetReport) -> Iterator[str]:
    yield '<table class="map"><thead><tr><th scope="col">node</th>'
    yield from (f'<th scope="col">{t(name)}</th>' for name in SECTIONS)
    yield "</tr></thead><tbody>\n"
    order = sorted(report.nodes, key=lambda n: (n.kind is not None, not n.odd, n.rank))
    for node in order[:MOST]:
        yield f'<tr><th scope="row">{t(node.name)}</th>'
        yield from (_cell(node, name) for name in SECTIONS)
        yield "</tr>\n"
    yield "</tbody></table>\n"


def _cell(node: NodeRow, name: str) -> str:
    if node.kind is None:
        return '<td class="open" title="did not answer">?</td>'
    if name in node.odd:
        return f'<td class="odd" title="{t(name)} differs from most nodes">≠</td>'
    return "<td></td>"


def _end(report: FleetReport) -> Iterator[str]:
    for name, why in opened(report):
        yield f"<p><b>open</b> {t(name)}: {code(why)}</p>\n"
    lines = [f"{t(f'# rank {n.rank}: {n.name}')}\n{t(n.launch)}" for n in report.nodes if n.launch]
    if lines:
        yield "<article><h2>start</h2>\n<pre>" + "\n".join(lines) + "</pre></article>\n"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    yield f"<footer>Made by qvl-doctor ({t(versions)}).</footer>\n</main>\n</body>\n</html>\n"
