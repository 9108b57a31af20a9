"""The nodes do not have the same model files.

Each rank reads its part of the weights from its own disk. A file of another size or revision gives wrong answers or
stops the load after the other ranks have finished theirs; what is compared are names, sizes, the headers of the weights
and `config.json`.

What to do: copy the model folder of most nodes to the others, or put it on a shared disk.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.differences import unlike
from doctor.derived.fleet import Fleet
from doctor.facts import Model
from doctor.findings import NotApplicable
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """Each kind of node whose model is unlike that of most nodes."""
    if not any(k.facts and isinstance(k.facts.model, Model) for k in fleet.kinds):
        yield NotApplicable("no node has the model's files")
        return
    for kind, facts, usual, lines in unlike(fleet, "model"):
        if isinstance(facts.model, Model) != isinstance(usual.model, Model):
            has = "has" if isinstance(facts.model, Model) else "does not have"
            problem, observed = f"{kind.names} {has} the model's files, unlike most nodes", "not the same files"
        else:
            problem, observed = f"{kind.names}: another model than on most nodes ({lines[0]})", "; ".join(lines)
        yield rule.finding(
            f"{problem}.", node=kind.members[0].name, observed=observed, source="names, sizes, headers",
            fix="copy the model folder of most nodes there",
        )  # fmt: skip


RULE = FleetRule("NET024", "model-differs", "error", check)
