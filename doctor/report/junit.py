"""A report as JUnit XML, as CI servers show it: each rule is a test, what it found is its failure."""

from __future__ import annotations

from doctor.base.text import clean
from doctor.findings import Report, RuleResult
from doctor.report.content import answer, evidence


def report_to_junit(report: Report) -> str:
    """One suite. Errors and warnings are failures, an open rule is skipped with its reason, a crashed one an error."""
    from xml.etree import ElementTree as tree

    results = [r for r in report.results if r.status != "notApplicable"]
    failed = [r for r in results if _fails(r)]
    suite = tree.Element("testsuite", {
        "name": clean(answer(report)[1], 200), "tests": str(len(results)), "failures": str(len(failed)),
        "errors": str(sum(r.status == "broken" for r in results)),
        "skipped": str(sum(r.status == "open" for r in results)),
    })  # fmt: skip
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
    tree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tree.tostring(suite, encoding="unicode") + "\n"


def _fails(result: RuleResult) -> bool:
    return any(f.severity != "note" for f in result.findings)


def _text(result: RuleResult) -> str:
    lines = list[str]()
    for finding in result.findings:
        lines.append(f"{finding.severity}: {finding.message}")
        lines += [f"  {label}: {text}" for label, text in evidence(finding)]
        lines += [f"  fix: {way.text}" for way in finding.remediations]
    return clean("\n".join(lines))
