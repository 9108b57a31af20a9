"""The server runs in the background behind another program, which hides its death.

A script that starts the server with `&` and then runs an adapter in the foreground keeps its container alive for as
long as the adapter lives. When the server fails to start or crashes, nobody restarts it: Docker sees a running
container, restart policies do nothing, and clients get errors of the adapter (`502`, `Connection refused`).

What to do: run the two in containers of their own, or end the script when either ends: start both with `&` and call
`wait -n` last. A health check on the server's own port makes the death visible.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.launch.server import server
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding where a container's script starts the server with `&` and stays with another program."""
    launch, here = case.facts.launch, server(case.facts)
    contained = case.facts.target.kind == "declared" or (isinstance(launch, Launch) and launch.container is not None)
    if here is None or not isinstance(launch, Launch) or launch.front is None or not contained:
        yield NotApplicable("no server runs in the background of a container")
        return
    what = "container" if launch.container is not None else "script"
    text = "start both with `&` and end the script with `wait -n`"
    yield rule.finding(
        f"{here.engine} runs in the background (`&`) next to `{launch.front}`: if it dies, the {what} keeps running",
        location=Location("argument", "&"),
        evidence=[Evidence("foreground", launch.front, f"{here.engine}, or `wait -n`", launch.source or "the script")],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


RULE = Rule(code="CMD028", name="server-in-background", severity="warning", check=check, needs=("launch",))
