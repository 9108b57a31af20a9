"""The page of a report: the bar shows what the card holds, and the row says which releases work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts.codec import facts_from_json
from doctor.findings import Report
from doctor.memory.fit import Fit
from doctor.pipeline import answered, judge
from doctor.report.memory import FREE, OVER, parts
from doctor.report.page.report import report_to_html

SCENARIOS = Path(__file__).parents[1] / "scenarios"


def read(name: str) -> Report:
    data = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))["facts"]
    data.setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
    return answered(judge(facts_from_json(data)))


def fit(report: Report) -> Fit:
    found = memory_verdict(Case(report.facts))
    assert isinstance(found, MemoryVerdict) and found.fit is not None
    return found.fit


@pytest.mark.parametrize(("name", "over"), [("MEM001/fires-int4-never-fits-8-gb", True), ("MEM001/quiet-2b-on-8-gb", False)])
def test_the_parts_fill_the_card(name: str, over: bool) -> None:
    report = read(name)
    found, drawn = fit(report), parts(fit(report))
    held = sum(amount for sign, amount in drawn if sign not in (FREE, OVER))
    assert held <= found.card and all(amount >= 0 for _, amount in drawn)
    assert drawn[-1][0] == (OVER if over else FREE)
    assert held + (0 if over else drawn[-1][1]) == found.card
    page = report_to_html(report)
    bar = re.search(r'<div class="bar"[^>]*>(.*?)</div>', page, re.S)
    assert bar is not None and ('class="over"' in bar[1]) == over
    lengths = [int(n) for n in re.findall(r"flex-grow:(\d+)", bar[1])]
    assert sum(lengths[:-1] if over else lengths) == pytest.approx(found.card >> 20, abs=6)
    assert re.search(r'<li class="language">(language model|weights) <b>[\d.]+ [GM]iB</b>', page)


def test_without_a_gpu_there_is_no_bar() -> None:
    assert 'class="bar"' not in report_to_html(read("MEM001/open-no-gpu-is-known"))


def test_the_row_of_releases_marks_the_installed_one() -> None:
    page = report_to_html(read("IMP001/fires-behind-the-code-of-the-model"))
    row = re.search(r'<tr class="(\w+) mine"><th scope="row">([^<]*) <b>installed</b>', page)
    assert row is not None and row[1] == "fails" and "4.57" in row[2], page[-3000:]
    assert '<tr class="works"><th scope="row">4.42.0' in page
