"""Plans for environments that are declared: what a declaration leaves open is no change of it."""

from __future__ import annotations

from dataclasses import replace

from doctor.facts import Facts
from doctor.findings import ALONG, Plan, Verified
from doctor.plan.choices import present_of


def as_declared(facts: Facts, plan: Plan) -> Plan:
    """A plan that changes the command alone leaves a declaration as it is: what that left open is no change."""
    mine = tuple(s for s in plan.steps if s.why != ALONG)
    if facts.target.kind != "declared" or not mine or any(s.action.kind in ("install", "uninstall") for s in mine):
        return plan
    pins = {d.key: d.version for d in present_of(facts).installed}
    return replace(
        plan, steps=mine, pins=dict(sorted(pins.items())), changes={}, commands=(),
        verified=Verified(True, None, "no release changes, so there was nothing to resolve"),
    )  # fmt: skip
