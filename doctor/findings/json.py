"""A finding as the contract's JSON object, the same from a check, from a log and in a run folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from doctor.base.documentation import help_of
from doctor.base.json_object import JsonObject
from doctor.base.text import clean
from doctor.findings import Action, Finding, Remediation


def finding_to_json(finding: Finding) -> JsonObject:
    """One finding with every key of the contract, all text free of control characters."""
    place = finding.location
    data: JsonObject = scrubbed({
        "code": finding.rule, "name": finding.name, "severity": finding.severity, "confidence": finding.confidence,
        "primary": finding.primary, "follows_from": list(finding.follows_from), "message": finding.message,
        "location": None if place is None else dataclasses.asdict(place),
        "evidence": [dataclasses.asdict(e) for e in finding.evidence],
        "remediations": [remediation_to_json(r) for r in finding.remediations], "help": help_of(finding.rule),
        **({"service": finding.service} if finding.service else {}),
    })  # fmt: skip
    return data


def remediation_to_json(way: Remediation) -> JsonObject:
    """One fix: its title, how safe it is, and its actions."""
    actions = [action_to_json(a) for a in way.actions]
    return {"title": way.text, "applicability": way.applicability, "actions": actions}


def finding_from_json(data: Mapping[str, object]) -> Finding:
    """The finding that `finding_to_json` wrote, without its key. Raises FactsError (ValueError) for anything else."""
    from doctor.facts.codec import from_json

    return from_json(Finding, {**data, "rule": data.get("code")}, "finding")


def action_to_json(action: Action) -> JsonObject:
    """Only the keys that this kind of action has."""
    kept: JsonObject = {k: v for k, v in dataclasses.asdict(action).items() if v is not None}
    if action.kind == "set_argument":
        kept["value"] = action.value  # null means: drop it
    return kept


def scrubbed(value: Any) -> Any:
    """The same plain values with every text cleaned of control, bidirectional and zero-width characters."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [scrubbed(v) for v in value]
    if isinstance(value, dict):
        return {clean(str(k)): scrubbed(v) for k, v in value.items()}
    return value
