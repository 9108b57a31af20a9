"""A line break ends the server's command, and the options of the next line do not reach it.

A shell command ends with its line unless the line ends in a backslash with nothing behind it. In YAML, the folded form
(`command: >`) keeps the breaks of lines that are indented further than the first one. The server starts with what
stands before the break, and the rest is a command of its own that is not found once the server has ended.

What to do: end the line in a backslash, or indent the lines alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import shown
from doctor.facts import Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding where the line behind the command begins with an option."""
    launch = case.facts.launch
    if not isinstance(launch, Launch) or launch.engine is None:
        yield NotApplicable("no command that starts an engine")
        return
    if not launch.cut:
        return
    words = shown(" ".join(launch.cut), 120)
    way = "end the line before it with a backslash, or indent all its lines alike in YAML"
    yield rule.finding(
        f"a line break ends the command, so the server never gets `{words}`", key=words,
        location=Location("argument", words, launch.source),
        evidence=[Evidence("next command", words, "a part of the server's command", launch.source)],
        remediations=[Remediation(way, (Action("manual", text=way),))],
    )  # fmt: skip


RULE = Rule(code="CMD016", name="command-cut-short", severity="warning", check=check, needs=("launch",))
