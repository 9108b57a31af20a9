"""An option and its value are handed over as one word.

In a YAML list or in the JSON form of a Dockerfile, every item is one word for the program: `- --dtype auto` is the
single word `--dtype auto`, which no parser takes for the option `--dtype`. The same happens to a quoted `"--dtype
auto"` in a shell. The server exits with `unrecognized arguments`, or takes the word for the model's name.

What to do: make two items of it, or join them as `--dtype=auto`. The corrected command at the end of the report has
them apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import argument, shown
from doctor.facts import Launch
from doctor.findings import Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each word that holds an option of the engine and more behind a blank."""
    launch = case.facts.launch
    if not isinstance(launch, Launch) or launch.engine is None:
        yield NotApplicable("no command that starts an engine")
        return
    for word in dict.fromkeys(launch.unsplit):
        name, _, value = word.partition(" ")
        text = shown(word, 100)
        yield rule.finding(
            f"`{text}` is one word, so it is not read as the option `{shown(name, 60)}`", key=text,
            location=Location("argument", text),
            evidence=[Evidence("word of the command", text, f"{shown(name, 60)}={shown(value.strip(), 60)}")],
            remediations=[
                Remediation("split it into two words", (argument(name, value.strip()),), "safe")
            ],
        )  # fmt: skip


RULE = Rule(code="CMD014", name="words-in-one", severity="error", check=check, needs=("launch",))
