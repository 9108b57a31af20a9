"""LD_LIBRARY_PATH as it should be."""

from __future__ import annotations

from doctor.facts import Facts, Host


def without(facts: Facts, *parts: str) -> str:
    """The launch's LD_LIBRARY_PATH without the entries that hold one of these parts; "" where nothing is left."""
    value = facts.host.environment.get("LD_LIBRARY_PATH", "") if isinstance(facts.host, Host) else ""
    return ":".join(entry for entry in value.split(":") if entry and not any(part in entry for part in parts))
