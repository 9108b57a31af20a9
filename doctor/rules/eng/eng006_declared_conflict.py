"""Lines of a declaration conflict with each other, or cannot be parsed.

Two lines of one requirements file that name the same distribution must agree, and a range must leave a release that the
pinned packages accept. An installer rejects such a file after a long search ("ResolutionImpossible"), sometimes not
until the image is built. Each line is compared with the others of the same install and with what the pinned releases
require in their published metadata. PKG001 covers exact pins that conflict with the requirements of pinned packages.

What to do: change one of the lines named in the message. Lines that could not be parsed, an image whose name does not
say what it contains, and variables without a value leave the answer open.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.derived.case import Case
from doctor.derived.packages.declared_ranges import admitted, last_lines, specifier_of
from doctor.derived.packages.needs import needs_of
from doctor.derived.packages.other_releases import direction
from doctor.facts import Distributions, Pin, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.findings.wording import in_words
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.releases import Releases, ReleaseSet
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each name whose lines exclude each other, and for each range that no pinned package accepts."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    if distributions.complete:
        yield NotApplicable("the environment is installed, not declared")
        return
    groups: dict[str, list[Pin]] = {}
    for pin in distributions.declared:
        groups.setdefault(pin.key, []).append(pin)
    clashing = set()
    for key, pins in groups.items():
        last = tuple(p for p in pins if p.step == pins[-1].step)
        if (pair := _clash(last, key)) is not None:
            clashing.add(key)
            yield _lines(rule, *pair)
    if distributions.refused and not clashing:
        yield _refused(rule, distributions.refused)
    yield from _ranges(rule, case, distributions, clashing)
    if distributions.problems:
        more = f" (and {len(distributions.problems) - 1} more)" if len(distributions.problems) > 1 else ""
        yield Open(f"{distributions.problems[0].message}{more}")


def _refused(rule: Rule, reason: str) -> Finding:
    step = Action("manual", text="change one of the lines that the resolver names")
    return rule.finding(
        f"No set of releases satisfies these lines together. uv: {reason}",
        key="resolver", location=Location("distribution", "declaration"),
        evidence=[Evidence("releases for these lines", "none", "one each", "uv pip compile")],
        remediations=[Remediation("change one of the lines", (step,))],
    )  # fmt: skip


def _clash(lines: tuple[Pin, ...], key: str) -> tuple[Pin, Pin] | None:
    """The first two lines that no release can satisfy together: an exact pin, or all releases that the data knows."""
    ranges = [(p, s) for p in lines if (s := specifier_of(p)) is not None][:50]
    known = rows.releases(key) if len(ranges) > 1 else None
    told = [(p, s, _admitted(known, s)) for p, s in ranges]
    for at, (first, one, here) in enumerate(told):
        for second, two, there in told[at + 1 :]:
            if _exclude(one, here, two, there):
                return first, second
    return None


def _admitted(known: Releases | None, wanted: SpecifierSet) -> ReleaseSet | None:
    try:
        return known.matching(str(wanted)) if known is not None else None
    except InvalidSpecifier:
        return None


def _exclude(one: SpecifierSet, first: ReleaseSet | None, two: SpecifierSet, second: ReleaseSet | None) -> bool:
    for exact, other in ((one, two), (two, one)):
        for clause in exact:
            if clause.operator == "==" and not clause.version.endswith(".*"):
                return not other.contains(clause.version, prereleases=True)
    return first is not None and second is not None and bool(first) and not first & second


def _lines(rule: Rule, first: Pin, second: Pin) -> Finding:
    step = Action("manual", text=f"keep one of `{first.requirement}` and `{second.requirement}`")
    return rule.finding(
        f"Because `{first.source}` requires `{first.requirement}` and `{second.source}` requires "
        f"`{second.requirement}`, no release of `{first.key}` satisfies both",
        key=first.key, location=Location("distribution", first.key, second.source),
        evidence=[Evidence(p.source, p.requirement, source=p.source) for p in (first, second)],
        remediations=[Remediation("keep one of the two lines", (step,))],
    )  # fmt: skip


def _ranges(rule: Rule, case: Case, distributions: Distributions, clashing: set[str]) -> Iterator[Finding]:
    """Ranges of which the data knows the releases, against what the pinned packages require."""
    seen: set[tuple[str, str]] = set()
    for need in needs_of(case).found:
        pair = (need.owner.key, need.name)
        if pair in seen or need.name in clashing or distributions.get(need.name) is not None:
            continue
        seen.add(pair)
        known = rows.releases(need.name)
        possible = admitted(distributions, need.name, known) if known else None
        if known is None or not possible:
            continue
        fitting = known.matching(str(need.requirement.specifier))
        if possible & fitting:
            continue
        line = next(p for p in last_lines(distributions, need.name) if specifier_of(p) is not None)
        wanted = f"{need.requirement.name}{need.requirement.specifier}"
        way = direction(fitting, possible.all_versions[-1])
        action = Action("install", package=need.name, specifier=str(need.requirement.specifier), direction=way)
        owner = f"{need.owner.name} {need.owner.version}"
        yield rule.finding(
            f"Because `{owner}` requires `{wanted}` and `{line.source}` allows only `{line.requirement}`, no release "
            f"of `{need.name}` satisfies both",
            key=f"{need.owner.key}:{need.name}", severity="error" if need.owner.key in serving_engines() else "warning",
            location=Location("distribution", need.name, line.source),
            evidence=[Evidence(f"version of {need.name}", line.requirement, wanted, f"METADATA of {owner}")],
            remediations=[Remediation(in_words(action), (action,), "unsafe")],
        )  # fmt: skip


RULE = Rule(code="ENG006", name="declared-conflict", severity="error", check=check, needs=("distributions",))
