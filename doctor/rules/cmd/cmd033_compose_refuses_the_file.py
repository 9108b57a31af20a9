"""Docker Compose does not accept the file, so none of its services starts.

Compose checks the whole project before it starts anything: it knows every key (`comand` ends in `additional properties
'comand' not allowed`), the kind of every value (`command: [sleep, 10]` has a number where only texts are allowed), and
the networks, named volumes and services that are referred to. A mistake in any service stops all of them.

What to do: correct the key or value named in the message. `docker compose config --quiet` says the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict

SOURCE = "the schema and the checks of Docker Compose 2.40"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each thing that is not accepted."""
    launch = case.facts.launch
    container = launch.container if isinstance(launch, Launch) else None
    if container is None or "compose" not in container.how:
        yield NotApplicable("the command is not in a compose file")
        return
    for text in container.refused:
        fix = "correct it in the file; `docker compose config --quiet` checks it"
        yield rule.finding(
            f"Compose does not accept the file: {text}", key=text,
            location=Location("argument", text.partition(":")[0]),
            evidence=[Evidence("project", text, "accepted", SOURCE)],
            remediations=[Remediation(fix, (Action("manual", text=fix),))],
        )  # fmt: skip


RULE = Rule(
    code="CMD033", name="compose-refuses-the-file", severity="error", check=check, needs=("launch",), decisive=True
)  # fmt: skip
