"""The answer about nodes as plain values, `"schema": 1`."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.findings import SEVERITIES
from doctor.findings.fleet import FleetReport, KindRow, NodeRow
from doctor.findings.json import finding_to_json, scrubbed

SCHEMA = 1


def fleet_to_json(report: FleetReport) -> JsonObject:
    """All of it; `results` and `findings` are those between nodes, each kind of node has its own `findings`."""
    data: JsonObject = scrubbed({
        "schema": SCHEMA, "versions": report.versions,
        "nodes": [_node(n) for n in report.nodes],
        "kinds": [_kind(k) for k in report.kinds],
        "results": [
            {"code": r.code, "name": r.name, "status": r.status, "reason": r.reason} for r in report.results
        ],
        "findings": [finding_to_json(f) for r in report.results for f in r.findings],
        "summary": {s: report.count(s) for s in SEVERITIES} | {
            "open": len(report.silent) + sum(r.status == "open" for r in report.results) + report.unread,
            "nodes": len(report.nodes), "kinds": len(report.kinds),
        },
        "seconds": {"all": round(report.seconds, 3), "slowest_node": round(report.slowest, 3)},
    })  # fmt: skip
    return data


def _node(node: NodeRow) -> JsonObject:
    return {
        "name": node.name, "rank": node.rank, "kind": node.kind, "status": "open" if node.kind is None else "answered",
        "reason": node.reason, "differs": list(node.odd), "host": node.host, "gloo_address": node.address,
        "launch": node.launch, "comes_up": node.foretold, "doctor_ran_in": node.ran,
    }  # fmt: skip


def _kind(kind: KindRow) -> JsonObject:
    return {
        "number": kind.number, "nodes": list(kind.nodes), "sections": kind.sections,
        "findings": [finding_to_json(f) for f in kind.findings], "open": kind.open,
        "differs": {name: list(lines) for name, lines in kind.differs.items()},
    }  # fmt: skip
