"""A report as SARIF 2.1.0, which code hosts show beside the code; its words for a result's kind are ours too."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.documentation import help_of, page_of
from doctor.base.json_object import JsonObject
from doctor.findings import Finding, Report
from doctor.findings.json import finding_to_json, scrubbed
from doctor.launch.edit_in_file import LineEdit
from doctor.report.edits import of_remediation
from doctor.report.places import Place, own_report, place_of
from doctor.report.settings import launch_name
from doctor.rules import RULES
from doctor.rules.rule import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FILES = ("file",)


def report_to_sarif(*reports: Report) -> JsonObject:
    """A run for each report: every rule described, every finding a result, what is open a result of that kind."""
    data: JsonObject = scrubbed({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report) for report in reports]})
    return data


def _run(report: Report) -> JsonObject:
    """One run; that of a configured launch has an id of its own, by which a code host tells several apart."""
    places = {r.code: i for i, r in enumerate(report.results)}
    rules = {rule.code: rule for rule in RULES}
    name = launch_name(report)
    return {
        "tool": {"driver": {
            "name": "qvl-doctor", "version": report.versions.get("doctor", "0"),
            "rules": [_rule(rules[r.code]) for r in report.results if r.code in rules],
        }},
        **({"automationDetails": {"id": f"qvl-doctor/{name}/"}} if name else {}),
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [*_results(report, places)],
    }  # fmt: skip


def _rule(rule: Rule) -> JsonObject:
    page = page_of(rule.code)
    return {
        "id": rule.code, "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.explanation.partition("\n\n")[0].replace("\n", " ")},
        "fullDescription": {"text": rule.explanation},
        "defaultConfiguration": {"level": rule.severity}, **({"helpUri": page} if page else {}),
        "help": {"text": f"{rule.explanation}\n\n{help_of(rule.code)}"},
    }  # fmt: skip


def _invocation(report: Report) -> JsonObject:
    """Whether all rules ran; a rule of ours that crashed is told here and is never a result."""
    crashed = [
        {"level": "error", "message": {"text": f"{r.code}: {r.reason}"}} for r in report.results if r.status == "broken"
    ]
    return {"executionSuccessful": not crashed, "toolExecutionNotifications": crashed}


def _results(report: Report, places: dict[str, int]) -> Iterator[JsonObject]:
    for finding in report.findings:
        yield {
            "ruleId": finding.rule, "ruleIndex": places[finding.rule], "kind": "fail", "level": finding.severity,
            "message": {"text": _message(finding)}, "locations": _locations(report, finding),
            **_fixes(report, finding), "properties": _properties(finding),
        }  # fmt: skip
    for result in report.results:
        if result.status == "open":
            yield {
                "ruleId": result.code, "ruleIndex": places[result.code], "kind": "open", "level": "none",
                "message": {"text": result.reason or "could not be checked"},
            }  # fmt: skip


def _message(finding: Finding) -> str:
    ways = "; ".join(r.text for r in finding.remediations)
    return f"{finding.message}. Fix: {ways}" if ways else finding.message


def _fixes(report: Report, finding: Finding) -> JsonObject:
    """The key `fixes`: each way out that changes only the file in which the launch is written."""
    own = own_report(report, finding)
    found = [(way, lines) for way in finding.remediations if (lines := of_remediation(own, way))]
    fixes = [{"description": {"text": way.text}, "artifactChanges": _changes(lines)} for way, lines in found]
    return {"fixes": fixes} if fixes else {}


def _changes(lines: tuple[LineEdit, ...]) -> list[JsonObject]:
    """The changes of each file; a column counts code points, as the run says."""
    return [
        {
            "artifactLocation": {"uri": _uri(path)},
            "replacements": [
                {
                    "deletedRegion": {
                        "startLine": e.line, "startColumn": e.column, "endLine": e.line, "endColumn": e.end,
                    },
                    "insertedContent": {"text": e.new},
                }
                for e in lines if e.path == path
            ],
        }
        for path in dict.fromkeys(e.path for e in lines)
    ]  # fmt: skip


def _locations(report: Report, finding: Finding) -> list[JsonObject]:
    """The user's own file where it is known, else the file of a package."""
    place, own = finding.location, place_of(report, finding)
    out: JsonObject = {"logicalLocations": [{"name": place.name, "kind": place.kind}]} if place else {}
    if own is None and place is not None and place.kind in FILES and place.path:
        own = Place(place.path, place.line)
    if own is not None:
        region = {"region": {"startLine": own.line}} if own.line else {}
        out["physicalLocation"] = {"artifactLocation": {"uri": _uri(own.path)}, **region}
    return [out] if out else []


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.replace("\\", "/"))


def _properties(finding: Finding) -> JsonObject:
    """What SARIF has no place for, as `--format json` writes it."""
    whole = finding_to_json(finding)
    return {k: whole[k] for k in ("confidence", "primary", "follows_from", "evidence", "remediations")}
