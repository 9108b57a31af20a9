"""What the actions of a fix lead to: the facts as they will be, and which errors are left or new there."""

from __future__ import annotations

from collections.abc import Sequence, Set

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.derived.packages.requirements import applies, environments, fits, parse
from doctor.facts import Distributions, Facts, Launch, normalize
from doctor.findings import Action, Finding, Report
from doctor.launch.edit import edited
from doctor.matrix import rows
from doctor.plan.predict import predicted, released

FORESEEABLE = frozenset({"install", "uninstall", "set_argument", "set_env"})
CHECKING = frozenset({"transformers", "huggingface-hub", "tokenizers", "accelerate", "torch"})
LOWEST, HIGHEST = "0", "99999"
FAR = 60  # releases that are looked at for one that this Python takes
ROUNDS = 3  # how far requirements of requirements are followed


def foreseen(facts: Facts, actions: Sequence[Action]) -> Facts | None:
    """The facts once the actions are carried out; None where they cannot be foreseen."""
    have = facts.distributions
    if not actions or not isinstance(have, Distributions) or any(a.kind not in FORESEEABLE for a in actions):
        return None
    pins: dict[str, str] = {}
    for action in actions:
        if action.kind == "install" and action.package:
            version = _installed(action, facts.target.python)
            if version is None:
                return None
            pins[normalize(action.package)] = version
    removed = frozenset(normalize(a.package) for a in actions if a.kind == "uninstall" and a.package) - set(pins)
    asked = [a for a in actions if a.kind == "install" and a.package]
    again = frozenset(normalize(a.package or "") for a in asked if a.direction == "reinstall" or _too_new(have, a))
    pins |= _along(facts, have, pins)
    options = [a for a in actions if a.kind in ("set_argument", "set_env")]
    if any(a.name == "-m" for a in options):  # another module: which one is started is not read again
        return None
    launch = facts.launch if isinstance(facts.launch, Launch) else None
    if options and launch is None:
        return None
    now = edited(launch, options, have.version(launch.engine or "")) if launch is not None and options else None
    return predicted(facts, pins, removed, now, again)


def _too_new(have: Distributions, action: Action) -> bool:
    """Whether what is installed is a build (`2.0+local`) that the range does not admit, though its release fits."""
    here = have.version(normalize(action.package or ""))
    try:
        return here is not None and not SpecifierSet(action.specifier or "").contains(here, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def _along(facts: Facts, have: Distributions, pins: dict[str, str]) -> dict[str, str]:
    """What the installer changes with the pins: installed distributions that their requirements do not admit."""
    where = environments(facts.target)
    out: dict[str, str] = {}
    for _ in range(ROUNDS):
        new: dict[str, str] = {}
        for name, version in {**pins, **out}.items():
            needs = (parse(line) for line in released(name, version).requires)
            for need in (n for n in needs if n is not None and applies(n.marker, where)):
                key = normalize(need.name)
                here = out.get(key) or have.version(key)
                if key in pins or here is None or need.specifier.contains(here, prereleases=True):
                    continue
                known = rows.releases(key)
                if known is not None and (newest := known.matching(str(need.specifier)).newest):
                    new[key] = newest
        if not new.keys() - out.keys():
            return out | new
        out |= new
    return out


def touched_by(before: Facts, after: Facts, actions: Sequence[Action]) -> frozenset[str]:
    """What the actions name, and the distributions that are installed along with it."""
    named = {normalize(a.package) if a.package else a.name or "" for a in actions}
    have, then = before.distributions, after.distributions
    if not isinstance(have, Distributions) or not isinstance(then, Distributions):
        return frozenset(named)
    return frozenset(named | {d.key for d in then.installed if have.version(d.key) != d.version})


def _installed(action: Action, python: str | None) -> str | None:
    """The release that an installer would take: the newest of the range for this Python, else one of the range."""
    try:
        asked = SpecifierSet(action.specifier or "")
    except InvalidSpecifier:
        return None
    known = rows.releases(normalize(action.package or ""))
    if known is not None and (found := known.matching(action.specifier or "")).newest:
        return next((v for v in list(reversed(found.versions))[:FAR] if _admits(action, v, python)), found.newest)
    named = sorted((v for c in asked if (v := _version(c.version.removesuffix(".*")))), reverse=True)
    candidates = [HIGHEST, *map(str, named), *(f"{v}.1" for v in named), LOWEST]
    return next((c for c in candidates if asked.contains(c, prereleases=True)), None)


def _admits(action: Action, version: str, python: str | None) -> bool:
    wanted = released(normalize(action.package or ""), version).requires_python
    return not wanted or not python or fits(SpecifierSet(wanted), python) is not False


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
