"""An installed distribution was not made for this Python version or platform.

A package states which Python versions it supports, and a compiled one is built for one of them. Installers respect
that, but copied folders, a Python that was upgraded under an environment, and installs with `--target` or `--platform`
get around it. Python then does not find compiled modules of another version at all ("No module named ..." although the
file exists), and newer syntax does not parse.

What to do: recreate the environment with a supported Python version, or reinstall the package with this environment's
installer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.derived.case import Case
from doctor.derived.packages.requirements import fits, python_bounds
from doctor.derived.packages.tags import tag_fits
from doctor.facts import Distribution, Distributions, Target, present
from doctor.findings import Action, Evidence, Finding, Location, Open, Remediation
from doctor.matrix.engines import serving_engines
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each distribution whose Requires-Python or wheel tags exclude the target."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    target = case.facts.target
    if target.python_minor is None:
        yield Open("the Python version of the target is not known")
        return
    for one in distributions.installed:
        if not _allows(one.requires_python, target):
            yield _finding(rule, one, target, f"Python {one.requires_python}", "Requires-Python")
        elif distributions.stated:
            continue  # it was built there, whatever wheels are published
        elif one.tags and not any(tag_fits(tag, target) for tag in one.tags):
            yield _finding(rule, one, target, one.tags[0], "Tag")


def _allows(requires_python: str | None, target: Target) -> bool:
    """False only where every Python that the target may be is excluded."""
    try:
        specifier = SpecifierSet(re.sub(r"(>=|<=|>|<)(\s*[\d.]+)\.\*", r"\1\2", requires_python or ""))
    except InvalidSpecifier:
        return True
    return any(fits(specifier, full) is not False for full in python_bounds(target))


def _finding(rule: Rule, one: Distribution, target: Target, wanted: str, source: str) -> Finding:
    here = f"Python {target.python} on {target.platform or 'an unknown platform'}"
    step = Action("manual", text=f"make an environment with a Python that {one.name} {one.version} supports")
    return rule.finding(
        f"this is {here}, but `{one.name} {one.version}` was made for `{wanted}`",
        key=one.key,
        severity="error" if one.key in serving_engines() else "warning",
        location=Location("distribution", one.name),
        evidence=[Evidence("Python and platform", here, wanted, f"{source} of {one.name} {one.version}")],
        remediations=[Remediation("make an environment with a Python that it supports", (step,))],
    )


RULE = Rule(code="PKG008", name="python-not-supported", severity="warning", check=check, needs=("distributions",))
