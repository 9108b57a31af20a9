"""A package checks the version of another one when it is imported, and the installed version fails the check.

`transformers`, and packages that follow its pattern, check the versions of a few packages before anything else and
raise ImportError ("... is required for a normal functioning of this module, but found ...") if one does not match.
Nothing works past that point: every engine imports transformers, so the server does not start. The checks are read from
the installed files. Some of them are skipped: transformers does not check an `accelerate` that is too old to be usable.
If the import check shows that the start of the server gets past the check, this is a warning.

What to do: install a version inside the range shown, or a version of the checking package whose range includes the
version you need.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.base.late import late_pattern
from doctor.derived.case import Case
from doctor.derived.imports.stop import starts, stopping
from doctor.derived.packages.needs import needs_of
from doctor.derived.packages.requirements import direction, python_bounds
from doctor.facts import Distributions, Facts, Gate, normalize, present
from doctor.findings import Action, Evidence, Finding, Location, Open, Remediation
from doctor.findings.wording import in_words
from doctor.matrix.engines import serving_engines
from doctor.rules.rule import Rule, Verdict

_CLAUSE = late_pattern(r"\s*(<=|>=|==|!=|<|>)\s*([^\s,]{1,100})\s*$")
_NAME = late_pattern(r"([A-Za-z0-9][A-Za-z0-9._-]{0,200})(?:\[[^\]]{0,200}\])?\s*([<>=!].*)?$")
_COMPARE: dict[str, Callable[[Version, Version], bool]] = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each gate that would not let the import pass."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    vital = _vital(case, distributions) if distributions.gates else set()
    skipped = starts(case) is True
    for gate in distributions.gates:
        match = _NAME.match(gate.requirement)
        if match is None:
            continue
        name, clauses = match[1], match[2] or ""
        versions = _versions(facts, distributions, name)
        if versions is None:
            yield Open(f"`{gate.distribution}` requires `{gate.requirement}`, and the Python version is not known")
        elif not versions and gate.optional:
            continue
        elif not versions or not any(_passes(clauses, v) for v in versions):
            grave = gate.hard and not skipped and normalize(gate.distribution) in vital
            yield _finding(rule, gate, match, versions, distributions, grave and not _uncertain(case, gate))


def _uncertain(case: Case, gate: Gate) -> bool:
    """Whether the start fails elsewhere, and the gate is one that is skipped under some condition."""
    known = [f.cause for f in stopping(case)]
    here = any(c.kind == "error" and gate.requirement.partition(">")[0].partition("<")[0] in c.text for c in known)
    return bool(known) and gate.optional and not here


def _vital(case: Case, distributions: Distributions) -> set[str]:
    """What an engine that is installed requires by itself; transformers where no engine is."""
    engines = {d.key for d in distributions.installed if d.key in serving_engines()}
    if not engines:
        return {"transformers"}
    return engines | {n.name for n in needs_of(case).found if n.owner.key in engines}


def _versions(facts: Facts, distributions: Distributions, name: str) -> tuple[str, ...] | None:
    """What the gate would see: one version, none, or the bounds of Python's; None where Python's is not known."""
    if name.lower() == "python":
        return python_bounds(facts.target) or None
    found = distributions.get(name)
    return (found.version,) if found else ()


def _passes(clauses: str, version: str) -> bool:
    """As the gate compares: clause by clause with plain version order, without the rules for pre-releases."""
    try:
        got = Version(version)
        wanted = [m for c in clauses.split(",") if (m := _CLAUSE.match(c))]
        return all(_COMPARE[m[1]](got, Version(m[2])) for m in wanted)
    except InvalidVersion:
        return True


def _finding(
    rule: Rule, gate: Gate, asked: re.Match[str], versions: tuple[str, ...], all_: Distributions, grave: bool
) -> Finding:
    name, clauses, version = asked[1], asked[2] or "", versions[0] if versions else None
    owner = f"{gate.distribution} {all_.version(gate.distribution)}"
    what = "Python" if name.lower() == "python" else name
    observed = f"`{what} {version}` is installed" if version else f"`{name}` is not installed"
    return rule.finding(
        f"{observed}, but `{owner}` checks for `{gate.requirement}` when it is imported"
        + (" and raises ImportError" if grave else ""),
        key=f"{normalize(gate.distribution)}:{normalize(name)}",
        severity="error" if grave else "warning",
        location=Location("file", gate.distribution, gate.file, gate.line),
        evidence=[Evidence(f"version of {name}", version, gate.requirement, f"{gate.file}:{gate.line}")],
        remediations=list(_remedies(name, clauses, version)),
    )


def _remedies(name: str, clauses: str, version: str | None) -> Iterator[Remediation]:
    if name.lower() == "python":
        step = Action("manual", text=f"make an environment with Python {clauses}")
        yield Remediation(f"make an environment with Python `{clauses}`", (step,))
        return
    try:
        specifier = SpecifierSet(clauses)
    except InvalidSpecifier:
        return
    way = direction(specifier, version) if version else "install"
    action = Action("install", package=name, specifier=str(specifier), direction=way)
    yield Remediation(in_words(action), (action,), "unsafe" if version else "safe")


RULE = Rule(code="PKG006", name="version-gate", severity="error", check=check, needs=("distributions",), files=True)
