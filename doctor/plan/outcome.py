"""What the actions of a fix lead to: the facts as they will be, and which errors are left or new there."""

from __future__ import annotations

from collections.abc import Sequence, Set

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.facts import Distributions, Facts, Launch, normalize
from doctor.findings import Action, Finding, Report
from doctor.launch.edit import edited
from doctor.matrix import rows
from doctor.plan.predict import predicted

FORESEEABLE = frozenset({"install", "uninstall", "set_argument", "set_env"})
CHECKING = frozenset({"transformers", "huggingface-hub", "tokenizers", "accelerate", "torch"})
LOWEST, HIGHEST = "0", "99999"


def foreseen(facts: Facts, actions: Sequence[Action]) -> Facts | None:
    """The facts once the actions are carried out; None where they cannot be foreseen."""
    have = facts.distributions
    if not actions or not isinstance(have, Distributions) or any(a.kind not in FORESEEABLE for a in actions):
        return None
    pins: dict[str, str] = {}
    for action in actions:
        if action.kind == "install" and action.package:
            version = _installed(action)
            if version is None:
                return None
            pins[normalize(action.package)] = version
    removed = frozenset(normalize(a.package) for a in actions if a.kind == "uninstall" and a.package) - set(pins)
    again = frozenset(normalize(a.package) for a in actions if a.direction == "reinstall" and a.package)
    options = [a for a in actions if a.kind in ("set_argument", "set_env")]
    launch = facts.launch if isinstance(facts.launch, Launch) else None
    if options and launch is None:
        return None
    now = edited(launch, options, have.version(launch.engine or "")) if launch is not None and options else None
    return predicted(facts, pins, removed, now, again)


def _installed(action: Action) -> str | None:
    """The release that an installer would take: the newest of the range that is known, else one of the range."""
    try:
        asked = SpecifierSet(action.specifier or "")
    except InvalidSpecifier:
        return None
    known = rows.releases(normalize(action.package or ""))
    if known is not None and (newest := known.matching(action.specifier or "").newest):
        return newest
    named = sorted((v for c in asked if (v := _version(c.version.removesuffix(".*")))), reverse=True)
    candidates = [HIGHEST, *map(str, named), *(f"{v}.1" for v in named), LOWEST]
    return next((c for c in candidates if asked.contains(c, prereleases=True)), None)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def new_errors(before: Report, after: Report, touched: Set[str]) -> tuple[Finding, ...]:
    """The errors of the facts to come that the present ones do not have.

    What was a warning because the import check got past it is not a new error: nobody has checked the imports to come.
    A requirement of the engine's libraries that is not met any more counts as one: they check it at import.
    What the `touched` distributions require themselves is installed with them.
    """
    known = {(f.rule, f.key) for f in before.findings}
    grave = [f for f in after.findings if f.severity == "error" or (f.rule == "PKG001" and _owner(f) in CHECKING)]
    return tuple(f for f in grave if (f.rule, f.key) not in known and not (f.rule == "PKG001" and _owner(f) in touched))


def _owner(finding: Finding) -> str:
    """The distribution whose requirement a finding of PKG001 is about."""
    return finding.key.partition(":")[0]


def left_errors(before: Report, after: Report, touched: Set[str] = frozenset()) -> tuple[Finding, ...]:
    """The errors of the facts to come, without those that were warnings before, and what is installed along."""
    soft = {(f.rule, f.key) for f in before.findings if f.severity != "error"}
    found = (f for f in after.findings if f.severity == "error" and (f.rule, f.key) not in soft)
    return tuple(f for f in found if not (f.rule == "PKG001" and _owner(f) in touched))
