"""The launch uses several machines, and its container is behind the bridge of its own machine.

In a bridge network, the container's address is known on its own machine only. The engines give that address to the
other machines and open ports chosen at random, which cannot be published beforehand.

What to do: `--network host` for `docker run`, `network_mode: host` in a compose file, or a network that spans the
machines (overlay, macvlan).
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual
from doctor.derived.nodes import group_of
from doctor.facts import Launch
from doctor.findings import NotApplicable
from doctor.rules.rule import Rule, Verdict

BRIDGED = ("docker run", "compose")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only containers of one machine: pods are reached from all."""
    group, launch = group_of(case), case.facts.launch
    container = launch.container if isinstance(launch, Launch) else None
    if group is None or container is None or not container.how.startswith(BRIDGED):
        yield NotApplicable("the launch does not run in a container of one machine, with others")
    elif "host" not in container.ports:
        yield rule.about(
            f"The launch uses {group.nodes} machines ({group.said}), and its container has a network of its own.",
            manual("use the host's network: `--network host`, or `network_mode: host` in a compose file"),
            observed="bridge", expected="host", source=container.how, where="network", confidence="medium",
        )  # fmt: skip


RULE = Rule(code="NET008", name="container-network", severity="warning", check=check)
