"""A distribution requires another one that is missing, or that is installed in a version it does not allow.

Every Python package states in its metadata which other packages it requires, and in which versions. The installer keeps
these promises only for what it installs in one run: a later `pip install` may replace a package that another one
requires in an older version, and nothing complains until the server starts. `pip check` looks for this, too. Conditions
on the Python version and the platform are evaluated for the environment under diagnosis, and so are the requirements of
extras that an installed package requests, which `pip check` leaves out.

What to do: install the required version. If two packages require conflicting versions, one of them has to change. It is
an error where a serving engine requires it and the start of the server fails because of it, or where that could not be
checked. If everything that the start imports can be imported anyway, it is a warning: the package is needed later, or
for a part that this command does not use.

In an environment that is declared but not installed, only releases that the declaration pins are compared; what it
leaves to the installer is open.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.stop import starts, stopped_for
from doctor.derived.packages.declared_ranges import pinned_together
from doctor.derived.packages.hidden import hidden_by
from doctor.derived.packages.needs import Need, needs_of
from doctor.derived.packages.requirements import direction, fits
from doctor.facts import Distributions, Modules, present
from doctor.findings import Action, Evidence, Finding, Location, Open, Remediation, Severity
from doctor.findings.wording import in_words
from doctor.matrix.engines import serving_engines
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each requirement that is not met."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    needs = needs_of(case)
    keys: set[str] = set()
    left: set[str] = set()
    for need in needs.found:
        if not distributions.complete and "+" in need.owner.version:
            continue  # a build of its own: what it requires is not what the published one does
        other = distributions.get(need.name)
        version = other.version if other else None
        if version is None and not distributions.complete:
            left.add(need.name)
            continue
        if version is None and (hidden := hidden_by(facts, need.name)) is not None:
            yield Open(f"whether `{need.name}` is installed is not known: {hidden.message}")
            continue
        if version is not None and fits(need.requirement.specifier, version) is not False:
            continue
        key = f"{need.owner.key}:{need.name}"
        key = f"{key}{need.requirement.specifier}" if key in keys else key
        if key not in keys:
            keys.add(key)
            yield _finding(rule, case, need, version, key)
    if left:
        lack = "the report does not state" if distributions.stated else "the declaration leaves to the installer"
        yield Open(f"{lack} {len(left)} required distributions")
    if needs.unclear:
        lacking = "Python version" if facts.target.python_minor is None else "exact Python version or platform"
        yield Open(f"{len(needs.unclear)} requirements depend on the {lacking} of the target, which is not known")


def _severity(case: Case, need: Need, stops: tuple[str, ...]) -> Severity:
    """An error where the start of the server fails because of it; where nobody could look, for what an engine needs.

    Two pins of one install that exclude each other are refused by the installer before anything is there.
    """
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    if pinned_together(distributions, need.owner.key, need.name):
        return "error"
    if distributions.stated:  # whoever reports it has built it so, and it may run
        return "warning"
    if need.owner.key not in serving_engines() or need.extra:
        return "warning"
    return "error" if stops or not isinstance(case.facts.modules, Modules) else "warning"


def _finding(rule: Rule, case: Case, need: Need, version: str | None, key: str) -> Finding:
    requirement = need.requirement
    have: Distributions = present(case.facts, "distributions", Distributions)
    how = "installed" if have.complete or have.stated else "declared"
    stops = stopped_for(case, need.name)
    wanted = f"{requirement.name}{requirement.specifier}"
    owner = f"{need.owner.name} {need.owner.version}"
    pin = next((p for p in have.declared if p.key == need.name and not p.constraint), None) if version else None
    place = f" in {pin.source}" if pin and how == "declared" else ""
    found = f"`{requirement.name} {version}` is {how}{place}"
    observed = found if version else f"`{requirement.name}` is not installed"
    asker = f"`{owner}`"
    if need.extra:
        asker = f"`{need.owner.name}[{need.extra}] {need.owner.version}`, which `{need.asked_by}` requires,"
    way = direction(requirement.specifier, version) if version else "install"
    action = Action("install", package=requirement.name, specifier=str(requirement.specifier), direction=way)
    severity = _severity(case, need, stops)
    fine = "; all imports of the start still work" if severity == "warning" and starts(case) else ""
    return rule.finding(
        f"{observed}, but {asker} requires `{wanted}`{fine}",
        key=key,
        severity=severity,
        location=Location("distribution", need.owner.name),
        evidence=[Evidence(f"version of {requirement.name}", version, wanted, f"METADATA of {owner}")],
        # the same bound, checked at import, or the import that fails for it: those are graver
        causes=[f"PKG006:{need.owner.key}:{need.name}", *stops],
        remediations=[Remediation(in_words(action), (action,), "unsafe" if version else "safe")],
    )


RULE = Rule(code="PKG001", name="requirement-not-met", severity="warning", check=check, needs=("distributions",))
