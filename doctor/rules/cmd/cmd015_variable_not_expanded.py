"""The command holds a variable that no shell reads, so the server gets its name and not its value.

In the JSON form of a Dockerfile (`CMD ["vllm", "serve", "$MODEL"]`), in the list form of a manifest, and between single
quotes, `$MODEL` stays the text `$MODEL`. The server looks for a model of that name.

What to do: use the shell form or `sh -c`, where the container's shell puts in the value, or write the value itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import shown
from doctor.facts import Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each such word among the server's arguments."""
    launch = case.facts.launch
    if not isinstance(launch, Launch) or launch.engine is None:
        yield NotApplicable("no command that starts an engine")
        return
    for word in dict.fromkeys(launch.literal):
        text = shown(word, 100)
        way = "write the value itself, or start the server through a shell (`sh -c`)"
        yield rule.finding(
            f"no shell expands `{text}`, so the server gets this text instead of the variable's value", key=text,
            location=Location("argument", text),
            evidence=[Evidence("word of the command", text, "a value", launch.source or "the launch command")],
            remediations=[Remediation(way, (Action("manual", text=way),))],
        )  # fmt: skip


RULE = Rule(code="CMD015", name="variable-not-expanded", severity="error", check=check, needs=("launch",))
