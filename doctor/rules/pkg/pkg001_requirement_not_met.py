"""A distribution requires another one that is missing, or that is installed in a version it does not allow.

Every Python package states in its metadata which other packages it requires, and in which versions. The installer keeps
these promises only for what it installs in one run: a later `pip install` may replace a package that another one
requires in an older version, and nothing complains until the server starts. `pip check` looks for this, too. Conditions
on the Python version and the platform are evaluated for the environment under diagnosis, and so are the requirements of
extras that an installed package requests, which `pip check` leaves out.

What to do: install the required version. If two packages require conflicting versions, one of them has to change. For a
serving engine this is an error; for other packages it is a warning, since the server may never use them.

In an environment that is declared but not installed, only releases that the declaration pins are compared; what it
leaves to the installer is open.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.needs import Need, needs_of
from doctor.derived.packages.requirements import direction, fits
from doctor.facts import Distributions, present
from doctor.findings import Action, Evidence, Finding, Location, Open, Remediation
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
        other = distributions.get(need.name)
        version = other.version if other else None
        if version is None and not distributions.complete:
            left.add(need.name)
            continue
        if version is not None and fits(need.requirement.specifier, version) is not False:
            continue
        key = f"{need.owner.key}:{need.name}"
        key = f"{key}{need.requirement.specifier}" if key in keys else key
        if key not in keys:
            keys.add(key)
            yield _finding(rule, need, version, key, "installed" if distributions.complete else "declared")
    if left:
        yield Open(f"the declaration leaves {len(left)} required distributions to the installer")
    if needs.unclear:
        lacking = "Python version" if facts.target.python_minor is None else "exact Python version or platform"
        yield Open(f"{len(needs.unclear)} requirements depend on the {lacking} of the target, which is not known")


def _finding(rule: Rule, need: Need, version: str | None, key: str, how: str) -> Finding:
    requirement = need.requirement
    wanted = f"{requirement.name}{requirement.specifier}"
    owner = f"{need.owner.name} {need.owner.version}"
    observed = f"`{requirement.name} {version}` is {how}" if version else f"`{requirement.name}` is not installed"
    asker = f"`{owner}`"
    if need.extra:
        asker = f"`{need.owner.name}[{need.extra}] {need.owner.version}`, which `{need.asked_by}` asks for,"
    way = direction(requirement.specifier, version) if version else "install"
    action = Action("install", package=requirement.name, specifier=str(requirement.specifier), direction=way)
    return rule.finding(
        f"{observed}, but {asker} requires `{wanted}`",
        key=key,
        severity="error" if need.owner.key in serving_engines() and not need.extra else "warning",
        location=Location("distribution", need.owner.name),
        evidence=[Evidence(f"version of {requirement.name}", version, wanted, f"METADATA of {owner}")],
        causes=[f"PKG006:{need.owner.key}:{need.name}"],  # the same bound, checked at import: that one is graver
        remediations=[Remediation(f"{way} `{wanted}`", (action,), "unsafe" if version else "safe")],
    )


RULE = Rule(code="PKG001", name="requirement-not-met", severity="warning", check=check, needs=("distributions",))
