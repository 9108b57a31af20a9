"""A report as JUnit XML, as CI servers show it: each rule is a test, what it found is its failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.text import clean
from doctor.findings import Report, RuleResult
from doctor.report.content import answer, evidence
from doctor.report.settings import launch_name, settings_rows

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def report_to_junit(*reports: Report) -> str:
    """One suite for each report, within `testsuites` where there are several.

    Errors and warnings are failures, an open rule is skipped with its reason, a crashed one is an error.
    """
    from xml.etree import ElementTree as tree

    suites = [_suite(report) for report in reports]
    root = suites[0]
    if len(suites) > 1:
        counts = {k: str(sum(int(s.attrib[k]) for s in suites)) for k in ("tests", "failures", "errors", "skipped")}
        root = tree.Element("testsuites", {"name": "qvl-doctor", **counts})
        root.extend(suites)
    tree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tree.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report) -> Element:
    from xml.etree import ElementTree as tree

    results = [r for r in report.results if r.status != "notApplicable"]
    failed = [r for r in results if _fails(r)]
    name = f"[{named}] " if (named := launch_name(report)) else ""
    suite = tree.Element("testsuite", {
        "name": clean(f"{name}{answer(report)[1]}", 200), "tests": str(len(results)), "failures": str(len(failed)),
        "errors": str(sum(r.status == "broken" for r in results)),
        "skipped": str(sum(r.status == "open" for r in results)),
    })  # fmt: skip
    if rows := settings_rows(report):
        properties = tree.SubElement(suite, "properties")
        for label, text in rows:
            tree.SubElement(properties, "property", {"name": label, "value": text})
    for result in results:
        case = tree.SubElement(suite, "testcase", {"classname": f"qvl-doctor.{result.code[:3]}",
                                                   "name": f"{result.code} {result.name}"})  # fmt: skip
        if _fails(result):
            first = result.findings[0]
            failure = tree.SubElement(case, "failure", {"message": clean(first.message), "type": first.severity})
            failure.text = _text(result)
        elif result.status in ("open", "broken"):
            tag = "skipped" if result.status == "open" else "error"
            tree.SubElement(case, tag, {"message": clean(result.reason or "")})
    return suite


def _fails(result: RuleResult) -> bool:
    return any(f.severity != "note" for f in result.findings)


def _text(result: RuleResult) -> str:
    lines = list[str]()
    for finding in result.findings:
        lines.append(f"{finding.severity}: {finding.message}")
        lines += [f"  {label}: {text}" for label, text in evidence(finding)]
        lines += [f"  fix: {way.text}" for way in finding.remediations]
    return clean("\n".join(lines))
