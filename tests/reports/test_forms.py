"""A report as Markdown, HTML and SARIF: everything is in it, and nothing from outside becomes markup."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from doctor.base.documentation import page_of
from doctor.cli.answer.show import FORMATS, show_report
from doctor.facts import Distribution, Distributions, Facts, Launch, Target
from doctor.findings import Action, Evidence, Finding, Location, Remediation, Report, RuleResult
from doctor.report.brief import report_to_brief
from doctor.report.json import report_to_json
from doctor.report.markdown import report_to_markdown
from doctor.report.page.report import report_to_html
from doctor.report.sarif import report_to_sarif
from doctor.report.screen import screen
from doctor.report.terminal import print_report

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
    assert page.tags.count("script") == 1 and "a" not in page.tags and "img" not in page.tags  # the script is ours
    text = " ".join(page.words)
    for expected in ("IMP001", "start here", "follows from IMP001", "pip install", "<script>", "GPU001", "KeyError"):
        assert expected in text
    assert "\x1b" not in text and "\u202e" not in text


def test_html_runs_its_own_script_alone() -> None:
    """The policy of the page names the digest of what stands in it, byte for byte."""
    text = report_to_html(report())
    script = re.search(r"<script>(.*?)</script>", text, re.S)
    assert script is not None and 'querySelectorAll("pre.paste")' in script[1] and 'class="paste"' in text
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text and "default-src 'none'" in text and "http" not in script[1]


def test_every_form_says_the_same_answer() -> None:
    """What to do, and the lines to paste: one answer, whatever shows it."""
    shown = screen(report()).todo
    assert shown.steps and shown.lines
    for text in (unescape(report_to_html(report())), report_to_markdown(report()).replace("\\", ""), report_to_brief(report())):
        assert all(line in text for line in (*shown.lines, shown.start)), text
        assert all(word in text for step in shown.steps for word in step.replace("`", "").split()[:2])


@pytest.mark.parametrize("address", ["https://docs.example/q/", ""])
def test_a_finding_leads_to_its_page(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVL_DOCTOR_DOCUMENTATION", address)
    page = "https://docs.example/q/rules/IMP001.html"
    rule = report_to_sarif(report())["runs"][0]["tool"]["driver"]["rules"][0]
    assert rule.get("helpUri") == (page if address else None) and rule["help"]["text"].endswith(page if address else "qvl-doctor explain IMP001")
    assert report_to_json(report())["findings"][0]["help"] == (page if address else "qvl-doctor explain IMP001")
    assert (f'<a href="{page}"' in report_to_html(report())) == bool(address)
    assert (f"[`IMP001`](<{page}>)" in report_to_markdown(report())) == bool(address)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://h/\x1b]8;;x", 'https://h/"><script>', "https://h/ x"])
def test_an_address_that_is_none_leads_nowhere(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVL_DOCTOR_DOCUMENTATION", address)
    assert page_of("IMP001") is None and "<a " not in report_to_html(report())


@pytest.mark.parametrize(("environ", "shown"), [
    ({"TERM": "xterm-kitty"}, True), ({"TERM": "xterm", "VTE_VERSION": "7600"}, True), ({"TERM": "xterm", "VTE_VERSION": "4000"}, False),
    ({"TERM": "xterm", "WT_SESSION": "x", "TMUX": "y"}, False), ({"TERM": "xterm"}, False), ({"TERM": "xterm", "FORCE_HYPERLINK": "1"}, True),
    ({"TERM": "xterm-kitty", "FORCE_HYPERLINK": "0"}, False), ({"TERM": "dumb", "FORCE_HYPERLINK": "1"}, False), ({}, False),
])  # fmt: skip
def test_links_on_terminals_that_show_them(environ: dict[str, str], shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TERM", "VTE_VERSION", "WT_SESSION", "TMUX", "FORCE_HYPERLINK", "TERM_PROGRAM", "KONSOLE_VERSION", "DOMTERM", "KITTY_WINDOW_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environ, "QVL_DOCTOR_DOCUMENTATION": "https://docs.example/q"}.items():
        monkeypatch.setenv(name, value)
    for terminal in (True, False):
        text = io.StringIO()
        text.isatty = lambda terminal=terminal: terminal  # type: ignore[method-assign]
        print_report(report(), Console(file=text, force_terminal=True, width=90))
        assert ("\x1b]8;" in text.getvalue()) == (shown and terminal)


def test_markdown_opens_no_tag_link_or_block_from_outside() -> None:
    text = report_to_markdown(report())
    assert "\x1b" not in text and "\u202e" not in text
    page = Page()
    page.feed(MarkdownIt("commonmark", {"linkify": False}).render(text))  # raw HTML passes here, as on a code host
    assert set(page.tags) <= {"h2", "h3", "p", "ul", "li", "strong", "code", "pre", "details", "summary"}
    assert "<script>alert(1)</script>" in "".join(page.words)
    assert text.count("```sh") == 2 and "  pip install 'transformers>=4.42.0'" in text
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
