"""A page for each rule: what it means, and a case in which it fires, with the answer of `check`."""

from __future__ import annotations

import importlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from doctor.collect.python.target import TargetRequest
from doctor.explain.catalog import stubs
from doctor.facts.codec import facts_from_json
from doctor.findings import Report
from doctor.pipeline import Request, replayed
from doctor.report.terminal import print_report
from doctor.rules import RULES
from doctor.rules.fleet import EVERY_RULE, FLEET_RULES
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Rule
from website.answers import ROOT
from website.pages.page import Page, block, escaped, indented, table

WIDTH = 80
SCENARIOS = ROOT / "tests" / "scenarios"
TARGET = {"kind": "installed", "why": "saved facts", "python": "3.10.12"}


def pages() -> Iterator[Page]:
    """The list of rules, and for each its page and the facts of its example, which `check --facts` takes."""
    yield Page("rules/index.md", _index(), "Rules")
    for rule in RULES:
        facts, text = example(rule)
        yield Page(f"rules/{rule.code}.md", _page(rule, facts, text), f"{rule.code} {rule.name}")
        yield Page(f"rules/{rule.code}.json", json.dumps(facts, indent=1) + "\n")
    for rule in FLEET_RULES:
        yield Page(f"rules/{rule.code}.md", _page_of_fleet(rule), f"{rule.code} {rule.name}")


def families() -> dict[str, list[Rule | FleetRule]]:
    """The rules by their three letters, in the order in which they run; those between nodes last."""
    out = defaultdict[str, list[Rule | FleetRule]](list)
    for rule in EVERY_RULE:
        out[rule.family].append(rule)
    return dict(sorted(out.items()))


def family_text(family: str) -> str:
    """What the rules of a family are about: the first line of their folder's docstring."""
    text = importlib.import_module(f"doctor.rules.{family.lower()}").__doc__ or family
    about = text.strip().splitlines()[0].removeprefix("Rules on ").removeprefix("Rules about ")
    return about[:1].upper() + about[1:]


@cache
def example(rule: Rule) -> tuple[dict[str, Any], str]:
    """The facts of the shortest scenario in which the rule fires, and the command with what it prints for them.

    A note is shown with `-v` only.

    Raises ValueError where none fires.
    """
    for path in sorted((SCENARIOS / rule.code).glob("fires*.yaml"), key=lambda file: (file.stat().st_size, file.name)):
        facts = _facts(path)
        report = replayed(facts_from_json(facts), Request(TargetRequest(), select=(rule.code,)))
        if found := [finding for finding in report.findings if finding.rule == rule.code]:
            verbose = found[0].severity == "note"
            command = f"$ qvl-doctor check {'-v ' if verbose else ''}--select {rule.code} --facts {rule.code}.json\n"
            return facts, command + _printed(report, verbose)
    raise ValueError(f"no scenario in {SCENARIOS / rule.code} makes {rule.code} fire")


def _facts(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
    return {"target": TARGET, **facts}


def _printed(report: Report, verbose: bool) -> str:
    text = io.StringIO()
    out = Console(file=text, width=WIDTH, color_system=None, markup=False, highlight=False, emoji=False)
    print_report(report, out, verbose=verbose)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _index() -> str:
    parts = [
        "# Rules\n\nEvery rule has a code that never changes. `qvl-doctor explain CODE` prints what stands here, and "
        "`--select` and `--ignore` take codes or their beginnings.\n"
    ]
    for family, rules in families().items():
        rows = ((f"[{r.code}]({r.code}.md)", f"[{r.name}]({r.code}.md)", r.severity, _first(r)) for r in rules)
        parts += [
            f"\n## {family}: {escaped(family_text(family))}\n\n",
            table(("code", "name", "severity", "what"), rows),
        ]
    return "".join(parts)


def _first(rule: Rule | FleetRule) -> str:
    return escaped(" ".join(rule.explanation.partition("\n\n")[0].split()))


def _page_of_fleet(rule: FleetRule) -> str:
    """A rule between nodes compares several machines, so that no facts of one are its example."""
    explained = "\n\n".join(escaped(p) for p in rule.explanation.split("\n\n"))
    asked = "`qvl-doctor fleet check` looks at all nodes together: see [Clusters](../clusters.md)."
    return f"# {rule.code} {rule.name}\n\n**{rule.severity}** · since {rule.since} · between nodes\n\n{explained}\n\n{asked}\n"


def _page(rule: Rule, facts: dict[str, Any], text: str) -> str:
    lead = f"# {rule.code} {rule.name}\n\n**{rule.severity}** · since {rule.since}\n\n"
    parts = [lead, "\n\n".join(escaped(p) for p in rule.explanation.split("\n\n")), "\n\n## An example\n\n"]
    parts += [
        block(text, "console"),
        f"\nThe facts behind it, as a file: [{rule.code}.json]({rule.code}.json)\n\n",
    ]
    parts += [
        '??? example "What was seen"\n\n',
        indented(block(yaml.safe_dump(facts, sort_keys=False, width=100), "yaml")),
        "\n",
    ]
    if crashes := _crashes().get(rule.code):
        links = ", ".join(f"[{code} {name}](../crashes/{kind}.md#{code.lower()})" for code, name, kind in crashes)
        parts.append(f"## Crashes that it foresees\n\n{links}\n\n")
    if rule.blocked_by:
        parts.append(
            f"Not checked where one of these is found: {', '.join(_link(code) for code in rule.blocked_by)}.\n"
        )
    return "".join(parts)


def _link(code: str) -> str:
    known = any(rule.code == code for rule in RULES)
    return f"[{code}]({code}.md)" if known else f"`{code}`"


@cache
def _crashes() -> dict[str, list[tuple[str, str, str]]]:
    out = defaultdict[str, list[tuple[str, str, str]]](list)
    for crash in (stub.load() for stub in stubs()):
        for code in crash.rules:
            out[code].append((crash.code, crash.name, crash.kind))
    return out
