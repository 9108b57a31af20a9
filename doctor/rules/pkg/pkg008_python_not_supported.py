"""A distribution is installed that was not made for this Python version or platform.

A package says which Python versions it supports, and a compiled one is built for one of them. Installers respect that,
but folders that were copied, a Python that was upgraded under an environment, and `--target` or `--platform`
installations get past them. Compiled modules of another Python version are then not found at all ("No module named
..." although the file is there), and newer syntax does not parse.

What to do: make the environment anew with a Python version that is supported, or reinstall the package with the
installer of this environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.facts import Distribution, Distributions, Facts, Target
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.rules.pkg.requirements import ENGINES, environments, fits, python_bounds
from doctor.rules.rule import Open, Rule, Verdict, present

_INTERPRETER = re.compile(r"(py|cp)(\d)(\d{0,2})$")


def check(rule: Rule, facts: Facts) -> Iterator[Verdict]:
    """One finding for each distribution whose Requires-Python or wheel tags exclude the target."""
    distributions: Distributions = present(facts, "distributions", Distributions)
    target = facts.target
    if target.python_minor is None:
        yield Open("the Python version of the target is not known")
        return
    for one in distributions.installed:
        if not _allows(one.requires_python, target):
            yield _finding(rule, one, target, f"Python {one.requires_python}", "Requires-Python")
        elif one.tags and not any(tag_fits(tag, target) for tag in one.tags):
            yield _finding(rule, one, target, one.tags[0], "Tag")


def _allows(requires_python: str | None, target: Target) -> bool:
    """False only where every Python that the target may be is excluded."""
    try:
        specifier = SpecifierSet(re.sub(r"(>=|<=|>|<)(\s*[\d.]+)\.\*", r"\1\2", requires_python or ""))
    except InvalidSpecifier:
        return True
    return any(fits(specifier, full) is not False for full in python_bounds(target))


def tag_fits(tag: str, target: Target) -> bool:
    """Whether a wheel tag such as `cp38-abi3-manylinux2014_x86_64` suits the target; unknown kinds are let pass."""
    parts = tag.split("-")
    if len(parts) != 3 or target.python_minor is None:
        return True
    python, abi, platform = parts
    fine = any(_interpreter_fits(i, abi, target.python_minor) for i in python.split("."))
    return fine and any(_platform_fits(p, target) for p in platform.split("."))


def _interpreter_fits(name: str, abi: str, here: tuple[int, int]) -> bool:
    match = _INTERPRETER.match(name)
    if match is None:
        return True  # another implementation: not judged
    major, minor = int(match[2]), int(match[3] or 0)
    if major != here[0]:
        return False
    later_too = match[1] == "py" or "abi3" in abi.split(".")
    return minor <= here[1] if later_too else not match[3] or minor == here[1]


def _platform_fits(name: str, target: Target) -> bool:
    where = environments(target)
    if name == "any" or not where:
        return True
    system, machine = where[0]["sys_platform"], where[0]["platform_machine"]
    if system == "linux":
        return "linux" in name and name.endswith(machine)
    return name.startswith({"darwin": "macosx", "win32": "win"}[system])


def _finding(rule: Rule, one: Distribution, target: Target, wanted: str, source: str) -> Finding:
    here = f"Python {target.python} on {target.platform or 'an unknown platform'}"
    step = Action("manual", text=f"make an environment with a Python that {one.name} {one.version} supports")
    return rule.finding(
        f"this is {here}, but `{one.name} {one.version}` was made for `{wanted}`",
        key=one.key,
        severity="error" if one.key in ENGINES else "warning",
        location=Location("distribution", one.name),
        evidence=[Evidence("Python and platform", here, wanted, f"{source} of {one.name} {one.version}")],
        remediations=[Remediation("make an environment with a Python that it supports", (step,))],
    )


RULE = Rule(code="PKG008", name="python-not-supported", severity="warning", check=check, needs=("distributions",))
