"""From members to the answer: each kind of node by the rules of one machine, and all of them by those between nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doctor.derived.differences import unlike
from doctor.derived.fleet import Fleet, Kind, Member
from doctor.facts import Facts, Gpu, Launch
from doctor.facts.node import SECTIONS
from doctor.findings import Finding, RuleResult
from doctor.findings.fleet import FleetReport, KindRow, NodeRow
from doctor.fleet.lines import start_lines
from doctor.pipeline.diagnosis import judge, versions
from doctor.rules.fleet import FLEET_RULES
from doctor.rules.fleet.engine import evaluate_fleet

MOST_DEVICES = 4096
DECIDED = ("NET023", "NET021", "NET022")  # what stops the ranks from meeting
BETWEEN = "NET003"  # what one node alone can only suspect, and all together decide
LOOPBACK, GLOO = "NET002", "GLOO_SOCKET_IFNAME"


def answer(members: Sequence[Member], seconds: float = 0.0, slowest: float = 0.0) -> FleetReport:
    """The report on the nodes, in the order of their ranks."""
    fleet = Fleet(tuple(members))
    results = evaluate_fleet(fleet, FLEET_RULES)
    kinds = fleet.kinds
    odd = {section: {m.name for k in unlike for m in k.members} for section, unlike in fleet.differing.items()}
    rows = tuple(_kind(n, kind, fleet) for n, kind in enumerate(kinds, 1))
    unread = sum(k.facts is None for k in kinds)
    number = {m.name: n for n, kind in enumerate(kinds, 1) for m in kind.members}
    lines = start_lines(fleet)
    foretold = _foretold(fleet, results, rows)
    nodes = tuple(
        NodeRow(
            m.name, m.rank, number.get(m.name), m.reason if m.digest is None else None,
            tuple(section for section, names in odd.items() if m.name in names),
            m.digest.host if m.digest else None, m.digest.address if m.digest else None, lines.get(m.name), foretold,
            m.ran,
        )
        for m in fleet.members
    )  # fmt: skip
    return FleetReport(nodes, rows, results, versions(), seconds, slowest, unread)


def _kind(number: int, kind: Kind, fleet: Fleet) -> KindRow:
    names = tuple(m.name for m in kind.members)
    digest = kind.members[0].digest
    sections = dict(digest.sections) if digest else {}
    if kind.facts is None:
        return KindRow(number, names, open=1, sections=sections)
    report = judge(_together(kind.facts, fleet))
    findings = tuple(f for f in report.findings if f.rule != BETWEEN and not (f.rule == LOOPBACK and f.key == GLOO))
    differs = {name: lines for name in SECTIONS for odd, _, _, lines in unlike(fleet, name) if odd is kind}
    unsure = sum(r.status == "open" for r in report.results)
    return KindRow(number, names, findings, unsure, differs, sections)


def _together(facts: Facts, fleet: Fleet) -> Facts:
    """The facts of a node with the GPUs of all, where its launch is one of several that share a model."""
    from doctor.derived.case import Case
    from doctor.derived.nodes import group_of

    if not isinstance(facts.gpu, Gpu) or not isinstance(facts.launch, Launch) or group_of(Case(facts)) is None:
        return facts
    devices = [d for m in fleet.answered if m.facts and isinstance(m.facts.gpu, Gpu) for d in m.facts.gpu.usable]
    if not devices or len(devices) > MOST_DEVICES:
        return facts
    numbered = tuple(replace(d, index=at) for at, d in enumerate(devices))
    return replace(facts, gpu=replace(facts.gpu, devices=numbered, visible=None))


def _foretold(fleet: Fleet, results: Sequence[RuleResult], kinds: Sequence[KindRow]) -> bool | None:
    """Whether the ranks will meet: one that does not come up stops them all. None where that is not decided."""
    errors = [f for r in results if r.code in DECIDED for f in r.findings if f.severity == "error"]
    errors += [f for k in kinds for f in k.findings if _stops(f)]
    if errors or any(m.digest is None for m in fleet.members):
        return False
    decided = all(r.status != "open" for r in results if r.code == "NET023")
    tried = all(m.tried for m in fleet.members)
    return True if decided and tried else None


def _stops(finding: Finding) -> bool:
    return finding.severity == "error" and finding.rule in ("NET001", "NET002", "NET005")
