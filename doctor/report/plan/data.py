"""A plan as the JSON of the contract: `"schema": 1`, described by `doctor/report/fix.schema.json`."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.findings import Plan, Report
from doctor.findings.json import action_to_json, scrubbed
from doctor.report.closing import open_questions
from doctor.report.launch import launch_to_json

SCHEMA = 1


def plan_to_json(plan: Plan, before: Report) -> JsonObject:
    """The whole plan as plain values, with what was read of the launch; all text free of control characters."""
    data: JsonObject = scrubbed({
        "schema": SCHEMA,
        "versions": before.versions,
        "plan": {
            "actions": [action_to_json(s.action) for s in plan.steps],
            "steps": [
                {"action": action_to_json(s.action), "why": s.why, "resolves": list(s.resolves)} for s in plan.steps
            ],
            "pins": plan.pins, "changes": plan.changes, "commands": list(plan.commands), "launch": list(plan.launch),
            "command": list(plan.command or plan.launch),
            "resolves": list(plan.resolves), "remains": list(plan.remains),
            "conflict": None if plan.conflict is None else {
                "members": list(plan.conflict.members), "sentences": list(plan.conflict.sentences),
            },
            "undecided": plan.undecided,
            "alternatives": [
                {"title": a.title, "actions": [action_to_json(one) for one in a.actions], "pins": a.pins,
                 "commands": list(a.commands)}
                for a in plan.alternatives
            ],
            "verified": {
                "rules": plan.verified.rules, "resolver": plan.verified.resolver, "note": plan.verified.note,
            },
        },
        "open": [{"code": q.code, "reason": q.reason, "closes": q.closes or None} for q in open_questions(before)],
        "launch": launch_to_json(before),
    })  # fmt: skip
    return data
