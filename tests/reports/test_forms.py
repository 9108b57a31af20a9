"""A report as Markdown, HTML and SARIF: everything is in it, and nothing from outside becomes markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from doctor.cli.answer.show import FORMATS, show_report
from doctor.facts import Distribution, Distributions, Facts, Launch, Target
from doctor.findings import Action, Evidence, Finding, Location, Remediation, Report, RuleResult
from doctor.report.html import report_to_html
from doctor.report.markdown import report_to_markdown
from doctor.report.sarif import report_to_sarif

HOSTILE = "a <script>alert(1)</script> [x](http://evil.example) ```\x1b]8;;http://evil\x07 | *b* ![i](u) \u202e"


def report() -> Report:
    found = Finding(
        "IMP001", "missing-name", "error", f"`{HOSTILE}` imports {HOSTILE}", Location("file", "x", "a b/<c>.py", 6),
        (Evidence(HOSTILE, "4.38.2", ">=4.42.0", "wheels"),),
        (Remediation("upgrade `transformers`", (Action("install", package="transformers", specifier=">=4.42.0"),)),),
        primary=True,
    )  # fmt: skip
    note = Finding("ENG001", "engine-does-not-link", "note", "It follows", follows_from=("IMP001",))
    results = (
        RuleResult("IMP001", "missing-name", "fail", (found,)), RuleResult("ENG001", "engine-does-not-link", "fail", (note,)),
        RuleResult("GPU001", "no-driver", "open", reason=f"no GPU was asked: {HOSTILE}"),
        RuleResult("GPU002", "driver-too-old", "broken", reason="KeyError: 'x'"), RuleResult("SYS001", "old-libc", "pass"),
    )  # fmt: skip
    known = Distributions((Distribution("lmdeploy", "lmdeploy", "0.11.1", "", ""),))
    target = Target("installed", "shebang", "3.11", prefix="/opt/<venv>")
    facts = Facts(target, known, launch=Launch(("lmdeploy", "serve", HOSTILE), "lmdeploy"))
    return Report(facts, results, {"doctor": "1", "matrix": "2026"})


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "action") for name, _ in attrs)
        assert tag == "link" or not any(name == "href" for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_html_holds_everything_and_no_markup_from_outside() -> None:
    page = Page()
    page.feed(report_to_html(report()))
    assert "script" not in page.tags and "a" not in page.tags and "img" not in page.tags
    text = " ".join(page.words)
    for expected in ("IMP001", "start here", "follows from IMP001", "pip install", "<script>", "GPU001", "KeyError"):
        assert expected in text
    assert "\x1b" not in text and "\u202e" not in text


def test_markdown_opens_no_tag_link_or_block_from_outside() -> None:
    text = report_to_markdown(report())
    assert "\x1b" not in text and "\u202e" not in text
    page = Page()
    page.feed(MarkdownIt("commonmark", {"linkify": False}).render(text))  # raw HTML passes here, as on a code host
    assert set(page.tags) <= {"h2", "h3", "p", "ul", "li", "strong", "code", "pre", "details", "summary"}
    assert "<script>alert(1)</script>" in "".join(page.words)
    assert text.count("```sh") == 1 and "  pip install 'transformers>=4.42.0'" in text
    assert "### error `IMP001` missing-name (start here)" in text and "\n\n\n" not in text


def test_sarif_names_rules_results_and_what_is_open() -> None:
    data = report_to_sarif(report())
    run = data["runs"][0]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    kinds = [(r["ruleId"], r["kind"], r["level"]) for r in run["results"]]
    assert kinds == [("IMP001", "fail", "error"), ("ENG001", "fail", "note"), ("GPU001", "open", "none")]
    assert all(ids[r["ruleIndex"]] == r["ruleId"] for r in run["results"])
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a%20b/%3Cc%3E.py"}, "region": {"startLine": 6}}
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "\x1b" not in json.dumps(data, ensure_ascii=False)


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_printed(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report(), form, None)
    assert "IMP001" in capsys.readouterr().out
