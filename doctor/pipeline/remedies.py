"""Every fix is tried on paper before it is printed, and the fixes of several errors are merged into one.

A fix that leads to errors is completed with their own fixes, ranges intersected, as long as that leaves fewer. One that
makes an error which was not there is left out where the finding has another one; one that leaves errors says which. The
rules are run on the facts as they will be, as they are for a plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.base.record import dataclass
from doctor.base.text import conjoined
from doctor.derived.merged_title import title
from doctor.derived.packages.requirements import direction, fits
from doctor.facts import Distributions, Facts, normalize
from doctor.findings import Action, Finding, Remediation, Report, RuleResult
from doctor.matrix import rows
from doctor.pipeline.resolved import resolved_by
from doctor.plan.outcome import FORESEEABLE, foreseen, left_errors, new_errors, touched_by

Judge = Callable[[Facts, tuple[str, ...]], Report]  # the rules of these families on facts
MOST = 24  # fixes that are tried
SECONDS = 3.0
ROUNDS = 3  # how often a fix is completed
FAMILIES = ("SYS", "GPU", "PKG", "LIB", "IMP", "CMD", "ENG", "MDL", "MEM")


@dataclass(frozen=True)
class Outcome:
    """What a fix leads to: the codes of the errors that it makes and of those that it leaves, and the errors."""

    made: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    errors: tuple[Finding, ...] = ()


@dataclass
class Trials:
    """Fixes tried so far on one report, until the time is spent.

    `before` is the report by all rules, of which `report` may show a part.
    """

    report: Report
    before: Report
    judge: Judge
    deadline: float
    known: dict[tuple[Action, ...], Outcome | None]

    @property
    def have(self) -> Distributions | None:
        """What is there before any fix."""
        have = self.report.facts.distributions
        return have if isinstance(have, Distributions) else None

    def of(self, actions: tuple[Action, ...]) -> Outcome | None:
        """What the actions lead to; None where that cannot be foreseen, or not in time."""
        if actions not in self.known:
            spent = time.monotonic() > self.deadline or len(self.known) >= MOST
            self.known[actions] = None if spent else _outcome(self, actions)
        return self.known[actions]


def with_checked_fixes(report: Report, judge: Judge) -> Report:
    """The report with the fixes of its errors checked, and with the way out of all errors together."""
    errors = [f for f in report.findings if f.severity == "error"]
    if not errors or not isinstance(report.facts.distributions, Distributions):
        return report
    trials = Trials(report, _by_all_rules(report, judge), judge, time.monotonic() + SECONDS, {})
    best = _way_out(trials, errors)
    results = tuple(replace(r, findings=tuple(_checked(trials, f, best) for f in r.findings)) for r in report.results)
    return replace(report, results=results, way_out=_announced(*best) if best and len(errors) > 1 else None)


def _by_all_rules(report: Report, judge: Judge) -> Report:
    """The report itself, where no rule was left out of it: an error that is not shown was there before any fix."""
    from doctor.rules import RULES

    shown = {r.code for r in report.results}
    whole = all(rule.code in shown for rule in RULES if rule.code.startswith(FAMILIES))
    return report if whole else judge(report.facts, FAMILIES)


def _way_out(trials: Trials, errors: list[Finding]) -> tuple[Remediation, Outcome] | None:
    """The fix that leaves the fewest errors and makes none: that of one error, or the fixes of all merged."""
    ways = [way for f in errors for way in f.remediations if _mergeable(way)]
    if (together := merged(errors, trials.have)) is not None:
        ways.append(together)
    tried = [(w, found) for w, found in (_completed(trials, w) for w in ways) if found is not None and not found.made]
    if not tried:
        return None
    return min(tried, key=lambda t: (len(t[1].left), t[0].applicability != "safe", len(t[0].actions)))


def _checked(trials: Trials, finding: Finding, best: tuple[Remediation, Outcome] | None) -> Finding:
    """The finding with the fixes that leave no error, where it has one; else the common one, or what makes none."""
    if finding.severity != "error" or not finding.remediations:
        return finding
    if all(_of_command(way) for way in finding.remediations):
        return _with_what_remains(trials, finding)  # the corrected command has the others, too
    tried = [_completed(trials, way) for way in finding.remediations]
    sound = [(way, found) for way, found in tried if found is None or not found.made]
    known = [(way, found) for way, found in sound if found is not None]
    if any(not found.left for _, found in known):
        sound = [(way, found) for way, found in sound if found is None or not found.left]
    elif best and not best[1].left:
        sound = [best, *((way, found) for way, found in sound if found is None)]
    kept = tuple(dict.fromkeys(_announced(*one) for one in sound))
    kept = kept or tuple(_announced(way, found) for way, found in ([best] if best else tried))
    return finding if kept == finding.remediations else replace(finding, remediations=kept)


def _of_command(way: Remediation) -> bool:
    return all(a.kind in ("set_argument", "set_env") for a in way.actions)


def _with_what_remains(trials: Trials, finding: Finding) -> Finding:
    tried = [(way, trials.of(way.actions)) for way in finding.remediations]
    sound = [(way, found) for way, found in tried if found is None or not found.made] or tried
    return replace(finding, remediations=tuple(_announced(way, found) for way, found in sound))


def _completed(trials: Trials, way: Remediation) -> tuple[Remediation, Outcome | None]:
    """The fix with those of the errors that it leads to, as far as that leaves fewer; and what it leads to."""
    found = trials.of(way.actions)
    for _ in range(ROUNDS):
        if found is None or not found.errors or not _mergeable(way):
            break
        asked = Finding("", "", "error", "", remediations=(way,))
        more = merged([asked, *found.errors], trials.have)
        after = trials.of(more.actions) if more is not None else None
        if more is None or after is None or len(after.errors) >= len(found.errors):
            break
        way, found = more, after
    return way, found


def _announced(way: Remediation, found: Outcome | None) -> Remediation:
    """The fix with a note of what it leaves or makes."""
    if found is None or not (found.made or found.left):
        return way
    if found.made:
        return replace(way, note=f"this alone causes {conjoined(found.made)}", applicability="manual")
    return replace(way, note=f"{conjoined(found.left)} {'remains' if len(found.left) == 1 else 'remain'}")


def _outcome(trials: Trials, actions: tuple[Action, ...]) -> Outcome | None:
    before = trials.before
    facts = foreseen(before.facts, actions)
    if facts is None:
        return None
    after = trials.judge(facts, FAMILIES)
    touched = touched_by(before.facts, facts, actions)
    gone = resolved_by(_of_families(before), after, set(touched))
    kept = [f for f in _of_families(before).findings if f.severity == "error" and f not in gone]
    late = _undecided(before) if all(a.kind == "set_argument" for a in actions) else set[str]()
    new = [f for f in new_errors(before, after, touched) if not _same_matter(f, kept)]
    made = [f for f in new if f.rule not in late]
    left = [*kept, *left_errors(before, after, touched)]
    shown = {r.code for r in trials.report.results}
    rest = [f for f in left if f not in made and f.rule in shown]
    return Outcome(_rules(made), _rules(rest), (*made, *rest))


def _undecided(before: Report) -> set[str]:
    """The rules that could not decide: another option makes none of the errors that they find then."""
    return {r.code for r in before.results if r.status == "open"}


def _same_matter(finding: Finding, others: list[Finding]) -> bool:
    """Whether an error is about a distribution that an error which is left is about, too."""
    packages = _packages(finding)
    return any(packages & _packages(other) for other in others)


def _packages(finding: Finding) -> set[str]:
    return {normalize(a.package) for r in finding.remediations for a in r.actions if a.package}


def _rules(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.rule for f in findings))


def _of_families(report: Report) -> Report:
    results: tuple[RuleResult, ...] = tuple(r for r in report.results if r.code.startswith(FAMILIES))
    return replace(report, results=results)


def merged(errors: list[Finding], have: Distributions | None = None) -> Remediation | None:
    """One way out for several errors: the first fix of each that changes packages or options, ranges intersected.

    None where two of them exclude each other, or where fewer than two can be merged. Each step is said as seen from the
    releases that are there (`have`), not from those that a step before it leads to.
    """
    ranges: dict[str, SpecifierSet] = {}
    first: dict[tuple[str, str], Action] = {}
    count, safe = 0, True
    for finding in errors:
        way = next((r for r in finding.remediations if r.actions and _mergeable(r)), None)
        if way is None:
            continue
        count += 1
        safe = safe and way.applicability == "safe"
        for action in way.actions:
            key = (action.kind, normalize(action.package) if action.package else action.name or "")
            before = first.setdefault(key, action)
            if action.kind == "install":
                try:
                    ranges[key[1]] = ranges.get(key[1], SpecifierSet()) & SpecifierSet(action.specifier or "")
                except InvalidSpecifier:
                    return None
            elif before != action:
                return None  # two values for one option
    if count < 2 or any(("uninstall", name) in first for name in ranges if ("install", name) not in first):
        return None
    actions = tuple(_narrowed(one, ranges) for one in first.values())
    if any(a is None for a in actions):
        return None
    kept = [_directed(a, have) for a in actions if a is not None]
    return Remediation(title(kept), tuple(kept), "safe" if safe else "unsafe")


def _mergeable(way: Remediation) -> bool:
    return way.applicability != "manual" and all(a.kind in FORESEEABLE for a in way.actions)


def _narrowed(action: Action, ranges: dict[str, SpecifierSet]) -> Action | None:
    """The action with the range that all findings leave; None where no release is left."""
    if action.kind != "install":
        return action
    name = normalize(action.package or "")
    spec = ",".join(dict.fromkeys(sorted(map(str, ranges[name]))))
    known = rows.releases(name)
    if known is not None and spec:
        having = known.matching(spec)
        if not having.newest:
            return None
        spec = having.spec() or spec
    return replace(action, specifier=spec or None)


def _directed(action: Action, have: Distributions | None) -> Action:
    version = have.version(normalize(action.package)) if have is not None and action.package else None
    if version is None or action.kind != "install" or action.direction == "reinstall":
        return action
    wanted = SpecifierSet(action.specifier or "")
    way = "install" if fits(wanted, version) else direction(wanted, version)
    return replace(action, direction=way)
