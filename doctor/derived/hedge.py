"""A script that may start several things: only what holds for each of them is certain.

An error that one way through the script has and another has not hangs on a condition that nobody knows here: it is
`open`, with the condition, and never an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doctor.base.text import one_line
from doctor.facts import Facts, Launch, Unavailable
from doctor.findings import Finding, RuleResult
from doctor.launch.options import model_of

MOST = 4
_MODEL = Unavailable("not_requested", "another branch of the script serves another model")


def other_ways(facts: Facts) -> tuple[Facts, ...]:
    """The facts for what else the script may start; the model's files are those of the first way alone."""
    launch = facts.launch
    if not isinstance(launch, Launch):
        return ()
    return tuple(
        replace(facts, launch=other, model=facts.model if _same_model(launch, other) else _MODEL)
        for other in launch.alternatives[:MOST]
    )


def hedged(results: Sequence[RuleResult], others: Sequence[Sequence[RuleResult]], facts: Facts) -> list[RuleResult]:
    """The results of the first way, with what another way does not share as open; `others` are theirs, rule by rule."""
    ways = facts.launch.alternatives[:MOST] if isinstance(facts.launch, Launch) else ()
    mine = facts.launch.guards if isinstance(facts.launch, Launch) else ()
    out = []
    for at, result in enumerate(results):
        theirs = [other[at] for other in others]
        shared = [f for f in result.findings if f.severity != "error" or all(_has(t, f) for t in theirs)]
        lost = next((f for f in result.findings if f not in shared), None)
        gained = next(
            ((f, way) for t, way in zip(theirs, ways, strict=True) for f in t.findings
             if f.severity == "error" and not _has(result, f)), None,
        )  # fmt: skip
        reason = _if(mine, lost) if lost else _if(gained[1].guards, gained[0]) if gained else None
        out.append(_result(result, tuple(shared), reason))
    return out


def _result(result: RuleResult, findings: tuple[Finding, ...], reason: str | None) -> RuleResult:
    if reason is None:
        return result
    status = "fail" if findings else "open"
    return replace(result, status=status, findings=findings, reason=reason)  # type: ignore[arg-type]


def _has(result: RuleResult, finding: Finding) -> bool:
    return any(f.key == finding.key and f.severity == "error" for f in result.findings)


def _if(guards: tuple[str, ...], finding: Finding) -> str:
    condition = f"only if {one_line(' and '.join(guards[:2]), 160)}" if guards else "only on one branch of the script"
    return f"{condition}: {finding.message}"


def _same_model(one: Launch, other: Launch) -> bool:
    return model_of(one) == model_of(other)
