"""This runs in a container, which changes where fixes belong.

Nothing is wrong with that. But the driver belongs to the host, packages installed now are gone with the container, and
memory, `/dev/shm` and GPUs are what the container was started with.

What to do: make fixes that concern these in the `docker run` line, the compose file or the pod, not in the running
container.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A note, once."""
    host = host_of(case.facts)
    if host.container:
        yield rule.about(
            f"This is a `{host.container}` container: the driver comes from the host, and what you install is lost "
            "with it.",
            observed=host.container,
        )


RULE = Rule(code="SYS008", name="in-container", severity="note", check=check, needs=("host",))
