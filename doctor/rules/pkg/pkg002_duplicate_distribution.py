"""A distribution is installed more than once, in one folder or in several folders of the search path.

An interrupted or mixed installation (pip over conda, two tools at once) leaves two metadata folders of one package side
by side. The files belong to one of the two, and nothing shows which: version checks may read the wrong number, and an
upgrade removes only half. If the copies are in different folders, such as the user's own `~/.local` and the
environment, Python takes the first one and never looks at the other.

What to do: uninstall the package until it is gone, then install it once. For a copy in `~/.local`, uninstall it there
or start the server with `PYTHONNOUSERSITE=1`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import Distribution, Distributions, present
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.rules.rule import Rule

_SHOWN = 5


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """A warning for each double in one folder; one note for each pair of folders of which one hides the other."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    for one in distributions.duplicates:
        yield _double(rule, one, distributions.get(one.key) or one)
    hidden: dict[tuple[str, str], list[tuple[Distribution, Distribution]]] = defaultdict(list)
    for one in distributions.shadowed:
        seen = distributions.get(one.key)
        if seen is not None and seen.version != one.version:
            hidden[seen.location, one.location].append((seen, one))
    for (first, second), pairs in hidden.items():
        yield _hidden(rule, first, second, pairs)


def _double(rule: Rule, one: Distribution, other: Distribution) -> Finding:
    steps = (
        Action("uninstall", package=one.name),
        Action("install", package=one.name, specifier=f"=={other.version}", direction="reinstall"),
    )
    return rule.finding(
        f"`{one.name}` is installed twice in one folder, as {other.version} and as {one.version}; "
        "its metadata no longer shows which files are installed",
        key=one.key,
        location=Location("distribution", one.name, one.metadata_path),
        evidence=[Evidence(f"metadata of {one.name}", d.version, None, d.metadata_path) for d in (other, one)],
        remediations=[Remediation(f"uninstall `{one.name}` until it is gone, then install it once", steps, "unsafe")],
    )


def _hidden(rule: Rule, first: str, second: str, pairs: list[tuple[Distribution, Distribution]]) -> Finding:
    named = [f"`{seen.name}` {seen.version} hides {one.version}" for seen, one in pairs]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return rule.finding(
        f"`{first}` comes before `{second}` on the search path: {', '.join(named[:_SHOWN])}{more}",
        key=f"{first}:{second}",
        severity="note",
        location=Location("environment", first),
        evidence=[Evidence(f"version of {o.name}", s.version, o.version, o.metadata_path) for s, o in pairs],
    )


RULE = Rule(
    code="PKG002", name="duplicate-distribution", severity="warning", check=check, needs=("distributions",), files=True
)  # fmt: skip
