"""Runs the rules over the case: skips what cannot be judged, isolates what crashes, and orders what was found."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Sequence

from doctor.derived.case import Case, memoized
from doctor.derived.hedge import hedged, other_ways
from doctor.derived.imports.stop import first_stop
from doctor.derived.known_model import is_known_by_name, marked
from doctor.facts import Facts, Model, Unavailable, present
from doctor.findings import SEVERITIES, Finding, NotApplicable, Open, RuleResult
from doctor.rules.rule import Described, Rule

OF_THE_MACHINE = ("SYS", "GPU", "LIB", "PKG", "IMP", "NET")  # of what is installed; where a model matters, they name it
OF_THE_MODEL = ("MDL", "MEM", "ENG011")  # have nothing to say without a model, or take it from its name themselves


def evaluate(facts: Facts, rules: Sequence[Rule], bare: bool = False) -> tuple[RuleResult, ...]:
    """The result of every rule on one case, in the order given, with primary finding and `follows_from` filled in.

    `bare`: for who only counts what is found. The releases that a fix offers are then not compared with those that the
    model works with, and nothing says how far a finding rests on the model's name.
    """
    case = Case(facts)
    results = _results(case, rules)
    if not bare:
        results = [_shown(rule, case, result) for rule, result in zip(rules, results, strict=True)]
    if ways := other_ways(facts):
        results = hedged(results, [_results(Case(way), rules) for way in ways], facts)
    return _relate(results, frozenset(rule.code for rule in rules if rule.decisive), first_stop(case))


def _results(case: Case, rules: Sequence[Rule]) -> list[RuleResult]:
    results = list[RuleResult]()
    for rule in rules:
        results.append(_run(rule, case, results))
    return results


def select(rules: Iterable[Rule], chosen: Sequence[str] = (), ignored: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules whose code begins with one of `chosen` (all, if empty) and with none of `ignored`."""

    def matches(code: str, patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(code, f"{p.upper()}*") for p in patterns)

    return tuple(r for r in rules if (not chosen or matches(r.code, chosen)) and not matches(r.code, ignored))


def _run(rule: Rule, case: Case, before: Sequence[RuleResult]) -> RuleResult:
    lacking = _lacking(rule, case.facts)
    if lacking is not None:
        return lacking
    blocker = next((b.code for b in before if b.code in rule.blocked_by and b.status == "fail"), None)
    if blocker:
        return RuleResult(rule.code, rule.name, "open", reason=f"not checked until {blocker} is fixed")
    return result_of(rule, case)


def result_of(rule: Described, subject: object) -> RuleResult:
    """What became of a rule on a case, or on several machines."""
    try:
        verdicts = list(rule.check(rule, subject))
        findings = tuple(v for v in verdicts if isinstance(v, Finding))
    except Exception as error:  # a rule that crashes must not take the report with it
        return _broken(rule, error)
    if findings:
        unsure = next((v.reason for v in verdicts if isinstance(v, Open)), None)
        return RuleResult(rule.code, rule.name, "fail", findings, unsure)
    for verdict in verdicts:
        if isinstance(verdict, Open):
            return RuleResult(rule.code, rule.name, "open", reason=verdict.reason)
        if isinstance(verdict, NotApplicable):
            return RuleResult(rule.code, rule.name, "notApplicable", reason=verdict.reason)
    return RuleResult(rule.code, rule.name, "pass")


def _shown(rule: Rule, case: Case, result: RuleResult) -> RuleResult:
    """The result with its findings as people read them."""
    if not result.findings:
        return result
    try:
        findings = _marked(rule, case, tuple(_narrowed(case, f) for f in result.findings))
    except Exception as error:  # as for the rule itself
        return _broken(rule, error)
    return dataclasses.replace(result, findings=findings)


def _broken(rule: Described, error: Exception) -> RuleResult:
    return RuleResult(rule.code, rule.name, "broken", reason=f"{type(error).__name__}: {error}")


def _narrowed(case: Case, finding: Finding) -> Finding:
    """Offered releases are only those that the named model works with; what reads models is loaded where one is."""
    if not any(a.kind == "install" and a.specifier for r in finding.remediations for a in r.actions):
        return finding
    from doctor.derived.packages.narrowing import narrowed_to_model

    return narrowed_to_model(case, finding)


def _marked(rule: Rule, case: Case, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those that the rule would not make without the model, which is known by its name alone, say so."""
    if not findings or not is_known_by_name(case.facts):
        return findings
    if rule.code.startswith(OF_THE_MACHINE):
        named = present(case.facts, "model", Model).path
        return tuple(marked(case.facts, f) if named in f.message else f for f in findings)
    alone: frozenset[str] = frozenset()
    if "model" not in rule.needs and not rule.code.startswith(OF_THE_MODEL):
        alone = frozenset(v.key for v in rule.check(rule, _without_model(case)) if isinstance(v, Finding))
    return tuple(f if f.key in alone else marked(case.facts, f) for f in findings)


@memoized
def _without_model(case: Case) -> Case:
    """The same without the model: one case for all rules, so that what they share is worked out once."""
    nameless = Unavailable("failed", "the model is known by its name alone")
    return Case(dataclasses.replace(case.facts, model=nameless))


def _lacking(rule: Rule, facts: Facts) -> RuleResult | None:
    if rule.files and facts.target.kind == "declared":
        why = "the environment is declared: it has no files"
        return RuleResult(rule.code, rule.name, "notApplicable", reason=why)
    for name in rule.needs:
        value = getattr(facts, name)
        if isinstance(value, Unavailable):
            idle = value.reason in ("not_requested", "not_supported")
            why = value.detail or (f"{name} was not requested" if idle else f"{name} could not be read")
            return RuleResult(rule.code, rule.name, "notApplicable" if idle else "open", reason=why)
    return None


def _relate(
    results: Sequence[RuleResult], decisive: frozenset[str], first: str | None = None
) -> tuple[RuleResult, ...]:
    """Fills `follows_from` and marks one finding as primary.

    That is the first of the gravest that follows from no other. An error of a `decisive` rule comes before them all;
    then that on which the launch's own imports stop first (`first`), or the one that it follows from.
    """
    known = {f"{f.rule}:{f.key}": f for r in results for f in r.findings}
    follows = {
        ident: tuple(dict.fromkeys(known[c].rule for c in f.causes if c in known and c != ident))
        for ident, f in known.items()
    }
    roots = [ident for ident in known if not follows[ident]]

    met = _roots_of(first, known)

    def gravity(ident: str) -> tuple[int, bool, bool]:
        return SEVERITIES.index(known[ident].severity), known[ident].rule not in decisive, ident not in met

    primary = min(roots, key=gravity, default=None)

    def related(finding: Finding) -> Finding:
        ident = f"{finding.rule}:{finding.key}"
        return dataclasses.replace(finding, follows_from=follows[ident], primary=ident == primary)

    return tuple(dataclasses.replace(r, findings=tuple(related(f) for f in r.findings)) for r in results)


def _roots_of(ident: str | None, known: dict[str, Finding]) -> set[str]:
    """A finding and all that it follows from."""
    out, todo = set[str](), [ident]
    while todo:
        one = todo.pop()
        if one in known and one not in out:
            out.add(one)
            todo.extend(known[one].causes)
    return out
