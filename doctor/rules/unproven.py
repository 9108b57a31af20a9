"""Findings that rest on a model that is known by its name alone: they say so, and are never of high confidence."""

from __future__ import annotations

from dataclasses import replace

from doctor.derived.case import Case
from doctor.derived.known_model import is_known_by_name
from doctor.facts import Model, Unavailable, present
from doctor.findings import Evidence, Finding
from doctor.rules.rule import Rule

OF_THE_MODEL = ("MDL", "MEM")  # families that have nothing to say without a model


def unproven(rule: Rule, case: Case, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, those that the rule would not make without the model with the data's row as evidence."""
    if not findings or not is_known_by_name(case.facts):
        return findings
    model: Model = present(case.facts, "model", Model)
    alone = _without_model(rule, case)
    said = f"`--model {model.path}` without `--offline` reads its own files"
    proof = Evidence("model", model.path, said, model.origin)
    return tuple(
        f if f.key in alone
        else replace(f, confidence="low" if f.confidence == "low" else "medium", evidence=(*f.evidence, proof))
        for f in findings
    )  # fmt: skip


def _without_model(rule: Rule, case: Case) -> frozenset[str]:
    """The keys of what the rule finds where nothing is known of the model."""
    if "model" in rule.needs or rule.family in OF_THE_MODEL:
        return frozenset()
    facts = replace(case.facts, model=Unavailable("failed", "the model is known by its name alone"))
    return frozenset(v.key for v in rule.check(rule, Case(facts)) if isinstance(v, Finding))
