"""A report as the JSON of the contract: `"schema": 1`, described by `doctor/report/check.schema.json`."""

from __future__ import annotations

import json
from typing import Any

from doctor.facts import Modules, ModuleStatus, Target
from doctor.facts.codec import to_json
from doctor.findings import Action, Finding, Remediation, Report
from doctor.text import clean

SCHEMA = 1


def report_to_json(report: Report) -> dict[str, Any]:
    """The whole report as plain values, all text free of control characters."""
    findings = report.findings
    data: dict[str, Any] = scrubbed({
        "schema": SCHEMA,
        "versions": report.versions,
        "target": target_to_json(report.facts.target),
        "results": [
            {"code": r.code, "name": r.name, "status": r.status, "reason": r.reason} for r in report.results
        ],
        "findings": [finding_to_json(f) for f in findings],
        "summary": {
            "error": report.count("error"), "warning": report.count("warning"), "note": report.count("note"),
            "open": sum(r.status == "open" for r in report.results),
        },
    })  # fmt: skip
    return data


def target_to_json(target: Target) -> dict[str, Any]:
    """The environment that was looked at."""
    return {
        "kind": target.kind, "why": target.why, "python": target.python, "prefix": target.prefix,
        "platform": target.platform, "paths": list(target.paths),
        "problems": [{"path": p.path, "message": p.message} for p in target.problems],
        "code_lines": [{"path": p.path, "message": p.message} for p in target.code_lines],
    }  # fmt: skip


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """One finding, with every key of the contract."""
    place = finding.location
    return {
        "code": finding.rule, "name": finding.name, "severity": finding.severity, "confidence": finding.confidence,
        "primary": finding.primary, "follows_from": list(finding.follows_from), "message": finding.message,
        "location": None if place is None else {
            "kind": place.kind, "name": place.name, "path": place.path, "line": place.line,
        },
        "evidence": [
            {"fact": e.fact, "observed": e.observed, "expected": e.expected, "source": e.source}
            for e in finding.evidence
        ],
        "remediations": [_remediation(r) for r in finding.remediations],
    }  # fmt: skip


def _remediation(remediation: Remediation) -> dict[str, Any]:
    return {
        "title": remediation.title,
        "applicability": remediation.applicability,
        "actions": [_action(a) for a in remediation.actions],
    }


def _action(action: Action) -> dict[str, Any]:
    kept: dict[str, Any] = to_json(action)
    if action.kind == "set_argument":
        kept["value"] = action.value  # null means: drop it
    return kept


def links_to_json(modules: Modules) -> dict[str, Any]:
    """The answer of `qvl-doctor link`."""
    verdicts = {n: _verdict(s) for n, s in sorted(modules.verdicts.items())}
    data: dict[str, Any] = scrubbed({"schema": SCHEMA, "modules": verdicts})
    return data


def _verdict(status: ModuleStatus) -> dict[str, Any]:
    out: dict[str, Any] = {"status": status.status}
    if status.cause is not None:
        cause = status.cause
        out["cause"] = {
            "kind": cause.kind, "module": cause.module, "name": cause.name, "file": cause.file, "line": cause.line,
            "chain": list(cause.chain), "error": cause.error, "message": cause.text,
        }  # fmt: skip
    if status.reason:
        out["reason"] = status.reason
    return out


def scrubbed(value: Any) -> Any:
    """The same plain values with every text cleaned of control, bidirectional and zero-width characters."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [scrubbed(v) for v in value]
    if isinstance(value, dict):
        return {clean(str(k)): scrubbed(v) for k, v in value.items()}
    return value


def dumps(data: Any) -> str:
    """The text of the data, ending in a newline."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
