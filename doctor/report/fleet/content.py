"""What every form of the answer about nodes says: the verdict, the differences, and the rows of the table."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import plural
from doctor.derived.fleet import named
from doctor.facts.node import SECTIONS
from doctor.findings import Finding
from doctor.findings.fleet import FleetReport, KindRow
from doctor.report.content import Answer

SIGN = {True: "≠", False: "·"}


def verdict(report: FleetReport) -> tuple[Answer, str]:
    """What came out, and the sentence that says so."""
    count, errors, silent = len(report.nodes), report.count("error"), report.silent
    also = f" {plural(report.count('warning'), 'warning')}." if report.count("warning") else ""
    if errors:
        return "error", f"{plural(count, 'node')}: {plural(errors, 'error')}.{also}"
    if silent:
        names = named(n.name for n in silent)
        return "open", f"{plural(count, 'node')}: no errors found, but {names} did not answer.{also}"
    if any(r.status == "open" for r in report.results) or any(k.open for k in report.kinds):
        return "open", f"{plural(count, 'node')}: no errors found, but not everything could be checked.{also}"
    if also:
        return "warning", f"{plural(count, 'node')}: no errors.{also}"
    return "pass", f"{plural(count, 'node')}, all fit."


def kinds_said(report: FleetReport) -> str:
    """How many are alike."""
    answered = sum(len(k.nodes) for k in report.kinds)
    if not answered:
        return "no node answered"
    if len(report.kinds) == 1:
        return f"{plural(answered, 'node')} answered" + (", all alike" if answered > 1 else "")
    odd = named(n for k in report.kinds[1:] for n in k.nodes)
    return f"{plural(answered, 'node')} answered; unlike most: {odd}"


def differing(report: FleetReport) -> tuple[str, ...]:
    """The sections in which any node is unlike most, in their usual order."""
    odd = {name for node in report.nodes for name in node.odd}
    return tuple(name for name in SECTIONS if name in odd)


def table(report: FleetReport) -> list[list[str]]:
    """A row for each kind: who it is, then a mark for each section in which any differs; odd nodes first."""
    sections = differing(report)
    order = sorted(report.kinds, key=lambda k: (len(k.nodes), k.number))
    rows = [["nodes", *sections]]
    for kind in order:
        first = next((n for n in report.nodes if n.name == kind.nodes[0]), None)
        rows.append([named(kind.nodes), *(SIGN[first is not None and s in first.odd] for s in sections)])
    return rows


def differences_of(kind: KindRow) -> Iterator[tuple[str, str]]:
    """Section and line of what is not as on most nodes."""
    for name, lines in kind.differs.items():
        yield from ((name, line) for line in lines)


def findings_between(report: FleetReport) -> list[Finding]:
    """Those between nodes."""
    return [f for r in report.results for f in r.findings]


def opened(report: FleetReport) -> Iterator[tuple[str, str]]:
    """What could not be checked, and why."""
    yield from ((n.name, n.reason or "did not answer") for n in report.silent)
    yield from ((r.code, r.reason or "") for r in report.results if r.status in ("open", "broken"))
    if report.unread:
        yield "nodes", f"{report.unread} more kinds of nodes are known by their digests alone"


def interpreters(report: FleetReport) -> str:
    """Which programs of the nodes ran doctor; nothing for saved facts."""
    used = sorted({n.ran for n in report.nodes if n.ran})
    return f"doctor ran in {named(used)} on the nodes; none of its packages were loaded" if used else ""


def times(report: FleetReport) -> str:
    """How long it took, and how much of that was the slowest node's own work."""
    return f"{report.seconds:.1f} s, the slowest node {report.slowest:.1f} s" if report.seconds else ""
