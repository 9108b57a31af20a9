"""A report as the JSON of the contract: `"schema": 1`, described by `doctor/report/check.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.facts import Modules, ModuleStatus, Target
from doctor.findings import SEVERITIES, Finding, Report
from doctor.findings.json import finding_to_json, remediation_to_json, scrubbed
from doctor.report.language import current

SCHEMA = 1


def report_to_json(report: Report) -> JsonObject:
    """The whole report as plain values, all text free of control characters."""
    from doctor.derived.case import Case
    from doctor.derived.packages.newer_releases import data_notes, newer_releases
    from doctor.facts.codec import to_json
    from doctor.report.launch import launch_to_json
    from doctor.report.memory import memory_to_json

    data: JsonObject = scrubbed({
        "schema": SCHEMA,
        "versions": report.versions,
        "target": target_to_json(report.facts.target),
        "results": [
            {"code": r.code, "name": r.name, "status": r.status, "reason": r.reason} for r in report.results
        ],
        "findings": [finding_to_json(f) for f in report.findings],
        "summary": {
            "error": report.count("error"), "warning": report.count("warning"), "note": report.count("note"),
            "open": sum(r.status == "open" for r in report.results),
        },
    })  # fmt: skip
    if current() != "en":
        data["headline"] = scrubbed(_headline(report))
    if report.way_out is not None:
        data["way_out"] = scrubbed(remediation_to_json(report.way_out))
    if notes := data_notes(report.facts):
        newer = [to_json(one) for one in newer_releases(report.facts)]
        data["data"] = scrubbed({"notes": list(notes), "newer": newer})
    data["launch"] = scrubbed(launch_to_json(report))
    if report.settings is not None:
        from doctor.report.settings import settings_to_json

        data["settings"] = scrubbed(settings_to_json(report))
    if report.services:
        from doctor.report.services import services_to_json

        data["services"] = scrubbed(services_to_json(report))
    if (memory := memory_to_json(Case(report.facts))) is not None:
        data["memory"] = scrubbed(memory)
    return data


def _headline(report: Report) -> JsonObject:
    """What a screen says first, in the language in use."""
    from doctor.report.language.headline import cause
    from doctor.report.screen import screen

    shown = screen(report)
    first = cause(shown.cause) if shown.cause is not None else None
    return {"language": current(), "verdict": shown.said, "cause": first, "fix": list(shown.todo.steps)}


def launches_to_json(reports: Sequence[Report]) -> JsonObject:
    """Several configured launches: each is an answer of its own, with its name under `settings`."""
    each = [report_to_json(report) for report in reports]
    summary = {key: sum(one["summary"][key] for one in each) for key in (*SEVERITIES, "open")}
    return {"schema": SCHEMA, "versions": reports[0].versions, "launches": each, "summary": summary}


def log_to_json(findings: Sequence[Finding], versions: dict[str, str], stated: Report | None = None) -> JsonObject:
    """The answer for a log, in the form of `check`; a log has no target and no rules to list.

    `stated` is the answer for the environment that the text states.
    """
    return {
        "schema": SCHEMA, "versions": versions, "findings": [finding_to_json(f) for f in findings],
        "summary": {s: sum(f.severity == s for f in findings) for s in SEVERITIES} | {"open": 0},
        **({"stated": report_to_json(stated)} if stated is not None else {}),
    }  # fmt: skip


def target_to_json(target: Target) -> JsonObject:
    """The environment that was looked at."""
    return {
        "kind": target.kind, "why": target.why, "python": target.python, "prefix": target.prefix,
        "platform": target.platform, "paths": list(target.paths),
        "problems": [{"path": p.path, "message": p.message} for p in target.problems],
        "code_lines": [{"path": p.path, "message": p.message} for p in target.code_lines],
    }  # fmt: skip


def links_to_json(modules: Modules) -> JsonObject:
    """The answer of `qvl-doctor link`."""
    verdicts = {n: _verdict(s) for n, s in sorted(modules.verdicts.items())}
    data: JsonObject = scrubbed({"schema": SCHEMA, "modules": verdicts})
    return data


def _verdict(status: ModuleStatus) -> JsonObject:
    out: JsonObject = {"status": status.status}
    if status.cause is not None:
        cause = status.cause
        out["cause"] = {
            "kind": cause.kind, "module": cause.module, "name": cause.name, "file": cause.file, "line": cause.line,
            "chain": list(cause.chain), "error": cause.error, "message": cause.text,
        }  # fmt: skip
    if status.reason:
        out["reason"] = status.reason
    return out


def dumps(data: Any) -> str:
    """The text of the data, ending in a newline."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
