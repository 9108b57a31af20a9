"""Runs the rules between nodes; one that crashes does not take the answer with it."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.derived.fleet import Fleet
from doctor.findings import RuleResult
from doctor.rules.engine import result_of
from doctor.rules.fleet.rule import FleetRule


def evaluate_fleet(fleet: Fleet, rules: Sequence[FleetRule]) -> tuple[RuleResult, ...]:
    """The result of every rule, in the order given."""
    return tuple(result_of(rule, fleet) for rule in rules)
