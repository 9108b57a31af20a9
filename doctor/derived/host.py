"""The host and its WSL as the facts have them, and what a finding on the machine is made of."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts import Facts, Host, present
from doctor.facts.wsl import Wsl
from doctor.findings import Action, NotApplicable, Remediation


def host_of(facts: Facts) -> Host:
    """The host facts, for rules that need them."""
    host: Host = present(facts, "host", Host)
    return host


def wsl_of(facts: Facts) -> Wsl | None:
    """The WSL facts, or None on any other Linux."""
    return host_of(facts).wsl


def no_wsl() -> Iterator[NotApplicable]:
    """The answer of a WSL rule elsewhere."""
    yield NotApplicable("this is not WSL")


def manual(text: str) -> Remediation:
    """A way out that a person takes, in one sentence."""
    return Remediation(text, (Action("manual", text=text),))


def library_path_without(facts: Facts, *parts: str) -> str:
    """The launch's LD_LIBRARY_PATH without the entries that hold one of these parts; "" where nothing is left."""
    value = facts.host.environment.get("LD_LIBRARY_PATH", "") if isinstance(facts.host, Host) else ""
    return ":".join(entry for entry in value.split(":") if entry and not any(part in entry for part in parts))
