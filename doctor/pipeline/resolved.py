"""Which findings a change resolves: what the rules say before it, and what they say of the facts to come."""

from __future__ import annotations

from doctor.facts import normalize
from doctor.findings import Finding, Report


def resolved_by(before: Report, after: Report, touched: set[str]) -> list[Finding]:
    """The findings that a plan resolves.

    Those that the rules no longer make, where they could still judge; where they could not (nothing is installed
    yet), those whose own way out is among what was `touched`; and those that follow from one of these alone.
    """
    still = {(f.rule, f.key) for f in after.findings}
    judged = {r.code for r in after.results if r.status in ("pass", "fail")}
    gone: list[Finding] = []
    for finding in before.findings:
        if finding.severity == "note" or (finding.rule, finding.key) in still:
            continue
        actions = [a for r in finding.remediations for a in r.actions]
        named = {normalize(a.package) if a.package else a.name or "" for a in actions} - {""}
        if finding.rule in judged or named & touched:
            gone.append(finding)
    rules = {f.rule for f in gone}
    others = [f for f in before.findings if f not in gone and f.follows_from and set(f.follows_from) <= rules]
    return [*gone, *(f for f in others if f.severity != "note" and (f.rule, f.key) not in still)]
