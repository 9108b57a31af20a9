"""One screen: verdict, cause and command stand on the first 24 rows of 80 columns; the rest is in groups."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from rich.console import Console

from doctor.facts.codec import facts_from_json
from doctor.findings import Action, Evidence, Finding, Location, Remediation, Report, RuleResult
from doctor.pipeline import answered, judge
from doctor.report.brief import MOST, report_to_brief
from doctor.report.github import report_to_github
from doctor.report.junit import report_to_junit
from doctor.report.sarif import report_to_sarif
from doctor.report.screen import screen
from doctor.report.terminal import print_report, verdict_line

SCENARIOS = Path(__file__).parents[1] / "scenarios"
FIRING = sorted(next(folder.glob("fires*.yaml")) for folder in SCENARIOS.iterdir() if any(folder.glob("fires*.yaml")))
HEIGHT, WIDTH = 24, 80
HOSTILE = "x\r\n::error::pwned %0A, \x1b[31m"


def read(path: Path) -> Report:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
    data.setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
    return answered(judge(facts_from_json(data)))


def printed(report: Report, *, verbose: bool = False, terminal: bool = False, height: int = HEIGHT) -> list[str]:
    text = io.StringIO()
    console = Console(file=text, width=WIDTH, height=height, force_terminal=terminal, color_system=None, markup=False,
                      highlight=False, emoji=False)  # fmt: skip
    print_report(report, console, verbose=verbose)
    return text.getvalue().splitlines()


@pytest.mark.parametrize("path", FIRING, ids=lambda p: p.parent.name)
def test_verdict_cause_and_fix_stand_on_the_first_screen(path: Path) -> None:
    report = read(path)
    shown, rows = screen(report), printed(report)
    top = "\n".join(rows[:HEIGHT])
    assert top.startswith(("✗ ", "○ ", "✓ "))
    if shown.cause is None:
        return
    assert f"{shown.cause.severity} {shown.cause.rule} {shown.cause.name}" in top and "(start here)" in top
    for line in (*shown.todo.lines, shown.todo.start):
        assert line.split("\n")[0][:60] in top
    if shown.todo.steps:
        assert "fix  " in top
    assert len(report_to_brief(report).encode()) <= MOST


def result(code: str, count: int, severity: str = "warning") -> RuleResult:
    found = tuple(Finding(code, "n", severity, f"{code} number {n}", key=str(n)) for n in range(count))  # type: ignore[arg-type]
    return RuleResult(code, "n", "fail", found)


def made(*results: RuleResult, text: str = "lmdeploy==0.12.1") -> Report:
    data = {"target": {"kind": "declared", "why": "--requirements r.txt", "python": "3.11"},
            "distributions": {"installed": [{"name": "torch", "key": "torch", "version": "2.0", "location": "",
                                             "metadata_path": "r.txt:7"}]}}  # fmt: skip
    return Report(facts_from_json(data), results, {"doctor": "1", "matrix": "1"})


def test_findings_of_one_rule_and_questions_alike_are_one_line() -> None:
    same = [RuleResult(f"MDL00{n}", "n", "open", reason="`config.json` of `m` was not read") for n in range(1, 6)]
    rows = printed(made(result("IMP001", 1, "error"), result("PKG001", 13), *same))
    assert sum("PKG001" in row for row in rows) == 1 and any("12 more findings like this" in row for row in rows)
    assert any("5 rules need the model's files" in row for row in rows)


def test_verbose_says_every_finding_and_each_open_rule() -> None:
    same = [RuleResult(f"MDL00{n}", "n", "open", reason="`config.json` of `m` was not read") for n in range(1, 6)]
    rows = "\n".join(printed(made(result("IMP001", 1, "error"), result("PKG001", 13), *same), verbose=True))
    assert all(f"PKG001 number {n}" in rows for n in range(13)) and all(f"MDL00{n}" in rows for n in range(1, 6))


def test_the_verdict_is_repeated_only_where_it_scrolled_away() -> None:
    report = made(result("IMP001", 1, "error"), result("PKG001", 2))
    assert sum("is broken" in row or "cannot work" in row for row in printed(report, terminal=True, height=60)) == 1
    rows = printed(report, terminal=True, height=6)
    assert " ".join(rows).endswith(f" {rows[0]} IMP001 comes first, see above.")


def test_a_guess_is_not_called_certain() -> None:
    guessed = Finding("MEM001", "n", "error", "too large", confidence="medium")
    said = verdict_line(made(RuleResult("MEM001", "n", "fail", (guessed,))))
    assert "MEM001: too large" in said and "\n" not in said
    assert "error MEM001 n, likely" in "\n".join(printed(made(RuleResult("MEM001", "n", "fail", (guessed,)))))


def hostile() -> Report:
    place = Location("distribution", "torch")
    way = Remediation(f"do {HOSTILE}", (Action("install", package="torch", specifier="==2.1"),))
    found = Finding("PKG001", "n", "error", f"says {HOSTILE}", place, (Evidence(HOSTILE),), (way,))
    return made(RuleResult("PKG001", "n", "fail", (found,)), RuleResult("MDL001", "n", "open", reason=HOSTILE),
                RuleResult("MDL002", "n", "broken", reason=HOSTILE))  # fmt: skip


def test_github_shows_the_line_and_nothing_begins_a_command_of_its_own() -> None:
    lines = report_to_github(hostile()).splitlines()
    assert lines[0].startswith("::error file=r.txt,line=7,title=PKG001 n::says x")
    assert sum(line.startswith("::") for line in lines) == 1 and "%250A" in lines[0] and "\x1b" not in lines[0]


def test_junit_is_xml_with_a_failure_a_skip_and_an_error() -> None:
    suite = ElementTree.fromstring(report_to_junit(hostile()))
    assert [len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "skipped", "error")] == [1, 1, 1]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped"), suite.get("errors")) == ("3", "1", "1", "1")


def test_sarif_names_the_line_of_the_declaration() -> None:
    place = report_to_sarif(hostile())["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "r.txt"}, "region": {"startLine": 7}}


def test_brief_stays_small_and_cuts_between_lines() -> None:
    text = report_to_brief(made(result("IMP001", 1, "error"), *(result(f"PKG{n:03}", 1) for n in range(200))))
    assert len(text.encode()) <= MOST and text.endswith("...\n") and text.startswith("✗ ")
