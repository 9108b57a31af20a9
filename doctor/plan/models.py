"""What the model asks of the engine, of its backend and of transformers, and what its own code asks of packages."""

from __future__ import annotations

from functools import cache

from doctor.derived.goal import Goal
from doctor.facts import normalize
from doctor.matrix import rows
from doctor.matrix.compat import DISTRIBUTIONS
from doctor.matrix.engines import engine_row
from doctor.matrix.files.row import Row
from doctor.matrix.models.families import Attested
from doctor.matrix.models.generations import serving
from doctor.matrix.models.own_types import lacking
from doctor.matrix.models.quantization import Need, floor, takes
from doctor.matrix.models.turbomind import served_by
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import ReleaseSet
from doctor.plan.choices import Choice
from doctor.plan.draft import BACKEND, Draft
from doctor.plan.loading import loaded
from doctor.plan.needs import moved
from doctor.plan.ranges import admitted
from doctor.plan.solver.problem import Clause, Variable, bits

HALVES = ("turbomind", "pytorch")


def model_clauses(draft: Draft) -> None:
    """All of them."""
    for name in draft.goal.engines:
        if engine_row(name).backends:
            _halves(draft, draft.use(name))
        else:
            _whole(draft, draft.use(name))
        _pictures(draft, draft.use(name))
        _generation(draft, draft.use(name))
        loaded(draft, draft.use(name))
    _type(draft)
    _packages(draft)
    _names(draft)
    _attested(draft)


def _halves(draft: Draft, engine: Choice) -> None:
    """LMDeploy's two backends as a variable: each knows other architectures and reads other quantisations."""
    goal = draft.goal
    if engine.releases is None or not (goal.architectures or goal.quantization):
        return
    having = {half: _taking(engine, f"architectures.{half}", goal) for half in HALVES}
    having["turbomind"] &= ~_left_to_pytorch(engine, having["turbomind"] & draft.used[engine.name], goal)
    place = engine.current if engine.current is not None else 0
    falls_to = next((i for i, half in enumerate(HALVES) if having[half] >> place & 1), 0)
    now = HALVES.index(goal.backend) if goal.backend in HALVES else falls_to
    draft.offer(Variable(BACKEND, HALVES, now, (0, 0), (0, 1)))
    if draft.freedom.backend in HALVES:
        option = f"--backend {draft.freedom.backend}"
        then = 1 << HALVES.index(draft.freedom.backend)
        draft.require(Clause(BACKEND, then, option, text=f"`{option}` is requested"))
    for place, half in enumerate(HALVES):
        if goal.architectures:
            arch = goal.architectures[0]
            draft.require(Clause(
                engine.name, having[half], f"architecture {arch}", owner=BACKEND, when=1 << place,
                subject=f"architecture {arch}", source="the engine's lists of architectures",
                text=f"{_backend(half)} supports `{arch}` in {range_of(engine, having[half])}",
            ))  # fmt: skip
        _quantized(draft, engine, half, BACKEND, 1 << place)


def _left_to_pytorch(engine: Choice, listing: int, goal: Goal) -> int:
    """The releases that list the architecture and whose TurboMind turns this configuration down all the same."""
    assert engine.releases is not None
    out, method = 0, goal.quantization.method if goal.quantization else None
    config = goal.model.config if goal.model else {}
    for place in bits(listing & ((1 << len(engine.releases.versions)) - 1)) if config else ():
        row = _row(engine.name, engine.releases.versions[place], "turbomind")
        out |= (served_by(row, goal.architectures[0], config, method) is False) << place
    return out


def _whole(draft: Draft, engine: Choice) -> None:
    goal = draft.goal
    if engine.releases is None:
        return
    taking = _taking(engine, "architectures.default", goal)
    if goal.architectures and taking & ~engine.beyond:
        arch = goal.architectures[0]
        draft.require(Clause(
            engine.name, taking, f"architecture {arch}", subject=f"architecture {arch}",
            source="the engine's lists of architectures",
            text=f"`{engine.name}` supports `{arch}` in {range_of(engine, taking)}",
        ))  # fmt: skip
    elif goal.architectures:
        arch = goal.architectures[0]
        text = f"no release of `{engine.name}` supports `{arch}`"
        draft.require(Clause(engine.name, 0, f"architecture {arch}", subject=arch, text=text))
    _quantized(draft, engine, "default", None, 0)


def _taking(engine: Choice, kind: str, goal: Goal) -> int:
    """The values of the engine that list one of the architectures, and those of which nothing is known."""
    out = engine.beyond & engine.present
    for architecture in goal.architectures:
        having = rows.releases_having(engine.name, kind, architecture)
        out |= having.bits if having else 0
    return out if goal.architectures else engine.present


def _pictures(draft: Draft, engine: Choice) -> None:
    """An architecture that text-only models share counts only where the release lists it for pictures."""
    goal = draft.goal
    shared = set(goal.family.shared if goal.family else ()) & set(goal.architectures)
    for architecture in sorted(shared):
        having = rows.releases_having(engine.name, "architectures.vision", architecture)
        if having is not None:
            draft.require(Clause(
                engine.name, having.bits | engine.beyond, f"architecture {architecture}",
                subject=f"architecture {architecture}", source="the engine's vision models",
                text=f"`{engine.name}` accepts images with `{architecture}` in {range_of(engine, having.bits)}",
            ))  # fmt: skip


def _generation(draft: Draft, engine: Choice) -> None:
    """One architecture in several versions of the model, of which a release has some."""
    goal = draft.goal
    row = serving(engine.name, goal.architectures[0], goal.model.config) if goal.architectures and goal.model else None
    if row is None or engine.releases is None:
        return
    then = moved(row.releases, engine.releases) | engine.beyond & engine.present
    draft.require(Clause(
        engine.name, then, f"version {row.version} of the model", subject=f"version {row.version}", source=row.source,
        text=f"`{engine.name}` has version {row.version} of `{goal.architectures[0]}` in {range_of(engine, then)}",
    ))  # fmt: skip


def _quantized(draft: Draft, engine: Choice, half: str, owner: str | None, when: int) -> None:
    """The releases that take the checkpoint's quantisation by this backend, asked one by one as the rules ask."""
    need = need_of(draft.goal)
    if need is None or engine.releases is None:
        return
    start = draft.used[engine.name]
    taken = sum(
        1 << place for place in bits(start & ((1 << len(engine.releases.versions)) - 1))
        if _takes(engine.name, engine.releases.versions[place], half, need)
    )  # fmt: skip
    rest = engine.present & ~start
    asked = need.quantization
    size = next((g.group_size for g in asked.groups if g.group_size), asked.settings.get("group_size"))
    shown = f"{asked.method}" + (f" with group size {size}" if size else "")
    name = _backend(half) if half != "default" else f"`{engine.name}`"
    where = range_of(engine, taken) if start & (start - 1) else "no more" if taken else "not here"
    told = {"no more": f"{name} supports it", "not here": f"this release of {name} does not support it"}
    draft.require(Clause(
        engine.name, taken | rest | (engine.beyond & engine.present), f"quantization {asked.method}", owner=owner,
        when=when, subject=f"quantization {asked.method}", source="the engine's own quantization checks",
        text=f"the weights are quantized with `{shown}`, and {told.get(where) or f'{name} supports that in {where}'}",
    ))  # fmt: skip


def need_of(goal: Goal) -> Need | None:
    """The goal's quantisation as the tables are asked for it."""
    if goal.quantization is None:
        return None
    least = min((d.capability for d in goal.devices), default=None)
    return Need(goal.quantization, goal.architectures[:1], goal.model.config if goal.model else {}, None, least)


@cache
def _row(engine: str, version: str, half: str) -> Row:
    kinds = ("decisions", "quantization.schemes", f"quantization.{half}", f"architectures.{half}")
    return rows.row(engine, version, *kinds) or {}


def _takes(engine: str, version: str, half: str, need: Need) -> bool:
    row = _row(engine, version, half)
    if f"quantization.{half}" not in row:
        return True  # the data does not tell
    if takes(row, engine, version, half, need) is not None:
        return False
    least = floor(row, half, need.quantization)
    return need.capability is None or least is None or need.capability >= least.capability


def too_old_for(engine: str, version: str, half: str, goal: Goal) -> bool:
    """Whether a GPU is older than the floor that the release states for the method when it is asked for by name."""
    need = need_of(goal)
    if need is None or need.capability is None:
        return False
    least = floor(_row(engine, version, half), half, need.quantization, need.quantization.method)
    return least is not None and need.capability < least.capability


def _type(draft: Draft) -> None:
    """transformers has to know the type, but where the engine has a configuration class for it itself."""
    goal = draft.goal
    knowing = rows.releases_having("transformers", "model_types", goal.model_type) if goal.model_type else None
    if not knowing or goal.own_config:
        return
    transformers = draft.use("transformers")
    for name in goal.engines:
        leaving = lacking(name, goal.model_type or "")
        engine = draft.use(name)
        if leaving is None or engine.releases is None:
            continue
        draft.require(Clause(
            "transformers", knowing.bits | transformers.beyond & transformers.present, f"model type {goal.model_type}",
            owner=name, when=moved(leaving, engine.releases), subject=f"model type {goal.model_type}",
            source="model types read from the published wheels",
            text=f"`{goal.label}` is of type `{goal.model_type}`, which requires transformers{knowing.spec()}",
        ))  # fmt: skip


def _packages(draft: Draft) -> None:
    family = draft.goal.family
    specifiers = {normalize(h.package): h.specifier for h in family.helpers} if family else {}
    for name, source in draft.goal.packages.items():
        choice = draft.use(name)
        then = choice.admitting(specifiers.get(name, "")) & choice.present
        text = f"`{draft.goal.label}` needs `{name}`"
        draft.require(Clause(name, then, f"the model needs {name}", subject=name, source=source, text=text))


def _names(draft: Draft) -> None:
    """What the model's own code takes from packages whose names the data knows."""
    for one in draft.goal.names:
        top = one.module.partition(".")[0]
        library = normalize(DISTRIBUTIONS.get(top, top))
        having = releases_with(library, one.module, one.name)
        if having is None or having.bits == having.releases.everything().bits:
            continue
        choice = draft.use(library)
        if choice.releases is not None:
            then = (moved(having, choice.releases) | choice.beyond) & choice.present
            who = f"`{one.source}` of `{draft.goal.label}`"
            draft.require(Clause(
                library, then, f"the model's code imports {one.module}:{one.name}",
                subject=f"{one.module}:{one.name}", source=one.source,
                text=f"{who} needs `{one.name or one.module}`, {library} {having.spec()}",
            ))  # fmt: skip


def _attested(draft: Draft) -> None:
    """What somebody has seen fail with this model: the releases together, of which one has to be another."""
    family = draft.goal.family
    for seen in family.attested if family else ():
        if seen.outcome != "fails" or (seen.engines and not set(seen.engines) & set(draft.goal.engines)):
            continue
        parts = [(draft.use(normalize(p)), specs) for p, specs in seen.packages.items()]
        sets = [(c, _any(c, specs)) for c, specs in parts if c.releases is not None]
        if len(sets) != len(parts) or not 1 <= len(sets) <= 2:
            continue
        (last, bad), *first = sets
        told = f"`{last.name} {', '.join(seen.packages[_key(seen, last.name)])}`"
        draft.require(Clause(
            last.name, ((1 << len(last.values)) - 1) & ~bad, f"seen to fail: {seen.name or seen.what}",
            owner=first[0][0].name if first else None, when=first[0][1] if first else 0,
            subject=seen.name or last.name, source=seen.source,
            text=f"{told} was seen to fail with it: {seen.what}",
        ))  # fmt: skip


def _key(seen: Attested, name: str) -> str:
    return next(p for p in seen.packages if normalize(p) == name)


def _any(choice: Choice, specifiers: tuple[str, ...]) -> int:
    out = 0
    for one in specifiers:
        out |= admitted(choice.releases, one) if choice.releases else 0
    return out


def seen_working(goal: Goal) -> dict[str, frozenset[str]]:
    """The releases with which somebody has seen the model work, by distribution."""
    out: dict[str, set[str]] = {}
    for seen in goal.family.attested if goal.family else ():
        if seen.outcome == "works" and (not seen.engines or set(seen.engines) & set(goal.engines)):
            for package, specs in seen.packages.items():
                exact = (s.removeprefix("==") for s in specs if s.startswith("==") and not s.endswith("*"))
                out.setdefault(normalize(package), set()).update(exact)
    return {name: frozenset(versions) for name, versions in out.items()}


def range_of(choice: Choice, taken: int) -> str:
    """The releases of a choice in a sentence."""
    assert choice.releases is not None
    spec = ReleaseSet(choice.releases, taken & ((1 << len(choice.releases.versions)) - 1)).spec()
    return "no release" if spec == "<0" else f"`{choice.name}{spec}`" if spec else "every release"


def _backend(half: str) -> str:
    return {"turbomind": "LMDeploy's TurboMind", "pytorch": "LMDeploy's PyTorch engine"}.get(half, half)
