"""Which releases the named model works with: what the plan asks of them, for every rule that offers another release.

The model's type, the names that its own code imports, what somebody has seen fail with it, and which releases of the
engine serve its architecture and quantization.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from doctor.base.record import dataclass
from doctor.derived.case import Case, memoized
from doctor.derived.goal import Goal, goal_of
from doctor.derived.packages.other_releases import having
from doctor.derived.quantization.served import to_serve
from doctor.facts import Distributions, normalize
from doctor.matrix import rows
from doctor.matrix.compat import DISTRIBUTIONS, compatibility
from doctor.matrix.models.generations import serving
from doctor.matrix.models.loading import loaded_for
from doctor.matrix.models.own_types import brings
from doctor.matrix.models.quantization import fitting, sees
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import ReleaseSet

if TYPE_CHECKING:
    from doctor.matrix.models.families import Attested


@dataclass(frozen=True)
class ModelBound:
    """What the model asks of one distribution: `admits` are the releases that will do, `why` is a clause.

    `kind`: the model's type, a name that its code or the engine's module for it imports, a failure that was seen, what
    the engine serves, or what a package that the model needs works with.
    """

    package: str
    admits: ReleaseSet
    kind: Literal["type", "name", "engine", "seen", "served", "helper"]
    subject: str
    why: str
    source: str


@memoized
def model_bounds(case: Case) -> tuple[ModelBound, ...]:
    """All that is known; empty where no model is."""
    goal = goal_of(case.facts)
    if goal.model is None and goal.family is None:
        return ()
    return (*failing(case), *_served(case, goal), *_helpers(case, goal))


@memoized
def failing(case: Case) -> tuple[ModelBound, ...]:
    """The model's type, what its code and the engine's for it import, and with what it was seen to fail."""
    goal = goal_of(case.facts)
    if goal.model is None and goal.family is None:
        return ()
    return (*_type(case, goal), *_names(goal), *_loaded(case, goal), *_seen(case, goal))


def narrowed(case: Case, package: str, to: ReleaseSet) -> ReleaseSet:
    """The releases among these that the model works with; empty where there are none."""
    for bound in model_bounds(case):
        if bound.package == normalize(package):
            to = to & _over(to, bound.admits)
    return to


def linking(case: Case, package: str, to: ReleaseSet) -> ReleaseSet:
    """The releases among these with which the engine links; all of them where it links with none of these."""
    for chosen in case.engine:
        found = compatibility(chosen.name, chosen.version, normalize(package)) if len(case.engine) == 1 else None
        both = to & _over(to, found.fitting) if found is not None else to
        to = both if both.newest else to
    return to


def _over(wanted: ReleaseSet, admits: ReleaseSet) -> ReleaseSet:
    """The set over the other's list of releases; what only that one has is not excluded."""
    if admits.releases.versions == wanted.releases.versions:
        return ReleaseSet(wanted.releases, admits.bits)
    places = enumerate(wanted.releases.versions)
    return ReleaseSet(wanted.releases, sum(1 << i for i, v in places if admits.contains(v) is not False))


def _type(case: Case, goal: Goal) -> Iterator[ModelBound]:
    """transformers has to know the type, but where the model or the engine has a configuration class for it."""
    kind = goal.model_type or ""
    knowing = rows.releases_having("transformers", "model_types", kind) if kind and not goal.own_config else None
    own = any(brings(c.name, c.version, kind) is not False for c in case.engine if kind)
    if knowing and not own:
        yield ModelBound("transformers", knowing, "type", kind, f"the model is of type `{kind}`", "model types")


def _names(goal: Goal) -> Iterator[ModelBound]:
    for one in goal.names:
        top = one.module.partition(".")[0]
        library = normalize(DISTRIBUTIONS.get(top, top))
        found = releases_with(library, one.module, one.name)
        if found is not None and found.newest and found.bits != found.releases.everything().bits:
            what = f"{one.module}:{one.name}" if one.name else one.module
            said = f"`{one.name}` from `{one.module}`" if one.name else f"`{one.module}`"
            yield ModelBound(library, found, "name", what, f"the model's own code imports {said}", one.source)


def _loaded(case: Case, goal: Goal) -> Iterator[ModelBound]:
    """What the engine's own module for the architecture imports, through other modules of the engine."""
    for chosen in case.engine:
        known = rows.releases(chosen.name)
        place = known.place(chosen.version) if known is not None else None
        for one in (one for a in goal.architectures for one in loaded_for(chosen.name, a)):
            if place is not None and one.bits >> place & 1:
                said = f"`{one.name}` from `{one.module}`" if one.name else f"`{one.module}`"
                why = f"`{chosen.shown}` imports {said} for this model"
                yield ModelBound(one.library, one.having, "engine", one.key, why, one.file)


def _seen(case: Case, goal: Goal) -> Iterator[ModelBound]:
    """What was seen to fail; where two distributions fail together, the first is bounded while the others are so."""
    if goal.family is None or _text_alone(goal):
        return
    have = case.facts.distributions if isinstance(case.facts.distributions, Distributions) else Distributions(())
    for seen in goal.family.attested:
        engines = set(seen.engines) & set(goal.engines)
        if seen.outcome != "fails" or (seen.engines and not engines):
            continue
        for package in seen.packages:
            known = rows.releases(normalize(package))
            if known is not None and all(_holds(have, seen, o) for o in seen.packages if o != package):
                bad = ReleaseSet(known, 0)
                for spec in seen.packages[package]:
                    bad = bad | known.matching(spec)
                yield ModelBound(
                    normalize(package), known.everything() - bad, "seen", seen.name or seen.what, seen.what,
                    f"{seen.source}, {seen.verified}",
                )  # fmt: skip


def _holds(have: Distributions, seen: Attested, package: str) -> bool:
    version, known = have.version(normalize(package)), rows.releases(normalize(package))
    found = (known.matching(s).contains(version) for s in seen.packages[package]) if version and known else ()
    return any(found)


def _helpers(case: Case, goal: Goal) -> Iterator[ModelBound]:
    """The transformers with which a package that the model needs links: in the release that is here, else in any."""
    have = case.facts.distributions if isinstance(case.facts.distributions, Distributions) else Distributions(())
    for name, source in goal.packages.items() if not _text_alone(goal) else ():
        known, version = rows.releases(name), have.version(name)
        every = (compatibility(name, v) for v in ((version,) if version else known.versions if known else ()))
        found = [c.fitting for c in every if c is not None and c.fitting.newest]
        if found:
            admits = found[0]
            for one in found[1:]:
                admits = admits | one
            yield ModelBound("transformers", admits, "helper", name, f"the model needs `{name}`", source)


def _text_alone(goal: Goal) -> bool:
    """A model without images whose architecture a family shares with it: what was seen is not about it."""
    shared = set(goal.family.shared if goal.family else ()) & set(goal.architectures)
    return bool(shared) and bool(goal.model and goal.model.config and not sees(goal.model.config))


def _served(case: Case, goal: Goal) -> Iterator[ModelBound]:
    need = to_serve(case.facts)
    for name in goal.engines:
        found = None
        if need is not None and need.architectures:
            found = fitting(name, need)
        elif goal.architectures:
            found = having(name, "architectures", goal.architectures[0])
        config = goal.model.config if goal.model else {}
        row = serving(name, goal.architectures[0], config) if goal.architectures else None
        if found is not None and row is not None:
            found = found & _over(found, row.releases)
        if found is not None and found.newest:
            what = goal.architectures[0] if goal.architectures else goal.label
            yield ModelBound(name, found, "served", what, f"{name} serves `{what}`", "architectures and methods")
