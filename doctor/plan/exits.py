"""Where there is no way as asked: the exits that give up one thing, ranked, each solved itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from doctor.derived.case import Case
from doctor.derived.goal import Goal, named_model, of_name
from doctor.derived.memory.findings import smallest
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Distributions, Facts, Launch, normalize
from doctor.findings import Action, Alternative
from doctor.launch.edit import edited, pasted, renamed, start_of
from doctor.launch.memory_settings import settings
from doctor.launch.naming import typed
from doctor.matrix.engines import engine_row, names_of_engines, serving_engines
from doctor.matrix.hardware import drivers
from doctor.matrix.hardware import version as numbers
from doctor.matrix.models.families import Family, families
from doctor.matrix.models.members import Member, of_family
from doctor.plan.draft import BACKEND
from doctor.plan.freedom import Freedom
from doctor.plan.gpu_fit import SHORTER, fit_of, of_cards, smallest_gpus
from doctor.plan.models import too_old_for
from doctor.plan.planner import Outcome, Solved, plan_for
from doctor.plan.steps import NAME, VERSION, install_line

SECONDS = 4.0
EACH = 1.5
CONTEXTS = (32_768, 16_384, SHORTER)  # tokens of a request that are tried, where the one asked for finds no room
MAIN = ("torch", "torchvision")  # and the engines


def exits(facts: Facts, goal: Goal, freedom: Freedom, outcome: Outcome) -> tuple[Alternative, ...]:
    """The exits that lead somewhere, those that give up least first; looking for them ends after `SECONDS`."""
    end = time.monotonic() + SECONDS
    members = outcome.conflict.members if outcome.conflict else ()
    out: list[Alternative] = []
    for found in _solved(facts, goal, freedom, members):
        if found is not None:
            out.append(found)
        if time.monotonic() > end:
            break
    out += [a for a in (*_images(goal), _larger(facts, goal, members)) if a is not None]  # these cost nothing
    return tuple(out)


def _solved(facts: Facts, goal: Goal, freedom: Freedom, members: tuple[str, ...]) -> Iterator[Alternative | None]:
    yield from _let_go(facts, goal, freedom, members)
    yield from _driver(facts, goal, freedom, members)
    yield from _checkpoints(facts, goal, freedom)
    yield from _smaller(facts, goal, freedom, members)
    yield from _successors(facts, goal, freedom)
    yield from _engines(facts, goal)


def _let_go(facts: Facts, goal: Goal, freedom: Freedom, members: tuple[str, ...]) -> Iterator[Alternative | None]:
    """What was to be kept and stands in the way."""
    for name in freedom.keep:
        if f"keep {normalize(name)}" in members:
            rest = tuple(k for k in freedom.keep if k != name)
            found = plan_for(facts, goal, replace(freedom, keep=rest), EACH).solved
            yield _alternative(facts, goal, found, f"let {name} change") if found else None


def _checkpoints(facts: Facts, goal: Goal, freedom: Freedom) -> Iterator[Alternative | None]:
    """The same model quantised otherwise, or not at all."""
    every = _members(goal.family)
    mine = next((m for m in every if m.id.lower() == goal.label.lower()), None)
    root = (mine.base or mine.id) if mine else _root(goal.label, every)
    asked = settings(facts).context
    found = _fitting(goal, [m for m in every if (m.base or m.id) == root and m is not mine], asked)
    for one in sorted(found, key=lambda m: m.quantization is None or m.quantization.method != "awq"):
        yield _with_member(facts, goal, freedom, one, "the same model, stored otherwise")


def _root(label: str, members: tuple[Member, ...]) -> str | None:
    """The checkpoint that one of somebody else is made from, by its name: `.../Qwen2.5-VL-7B-Instruct-FP8-dynamic`."""
    last = label.rpartition("/")[2].lower()
    bases = [m.id for m in members if m.base is None and last.startswith(m.id.rpartition("/")[2].lower())]
    return max(bases, key=len, default=None)


def _successors(facts: Facts, goal: Goal, freedom: Freedom) -> Iterator[Alternative | None]:
    """Models of the families that follow: of each the largest that fits, as it is and quantised."""
    known = {f.name: f for f in families()}
    family, seen = goal.family, set[str]()
    while family and family.successor and family.successor not in seen:
        seen.add(family.successor)
        family = known.get(family.successor)
        fitting = _fitting(goal, _members(family), settings(facts).context)
        plain = [m for m in fitting if m.quantization is None][:1]
        packed = [m for m in fitting if m.quantization is not None and m.bytes > (plain[0].bytes if plain else 0)][:1]
        for one in (*plain, *(packed or [m for m in fitting if m.quantization is not None][:1])):
            yield _with_member(facts, goal, freedom, one, f"a successor, {family.title if family else ''}")


def _smaller(facts: Facts, goal: Goal, freedom: Freedom, members: tuple[str, ...]) -> Iterator[Alternative | None]:
    """Where memory is in the way, the largest of the same family that fits, as it is and quantised."""
    every = _members(goal.family) if any(m.startswith("memory of ") for m in members) else ()
    mine = next((m for m in every if m.id.lower() == goal.label.lower()), None)
    if mine is None:
        return
    others = [m for m in every if m.bytes < mine.bytes and not _same_root(m, mine)]
    fitting = _fitting(goal, others, settings(facts).context)
    plain = [m for m in fitting if m.quantization is None][:1]
    for one in (*plain, *[m for m in fitting if m.quantization is not None][:1]):
        yield _with_member(facts, goal, freedom, one, "a smaller model of the family")


def _same_root(one: Member, other: Member) -> bool:
    return (one.base or one.id) == (other.base or other.id)


def _members(family: Family | None) -> tuple[Member, ...]:
    return of_family(family.name) if family else ()


def _fitting(goal: Goal, members: list[Member] | tuple[Member, ...], asked: int | None) -> list[Member]:
    """Those that the GPUs hold, the largest first; all where the GPUs are not known."""
    fine = [m for m in members if not goal.devices or _context(goal, m, asked) is not None]
    return sorted(fine, key=lambda m: -m.bytes)


def _context(goal: Goal, one: Member, asked: int | None) -> int | None:
    """The longest request that finds room: 0 for the one asked for, else a shorter one; None where none does."""
    for context in (asked, *(c for c in CONTEXTS if asked is None or c < asked)):
        found = fit_of(goal, one.model, context)
        if found is not None and found.sure:
            return 0 if context == asked else context
    return None


def _with_member(facts: Facts, goal: Goal, freedom: Freedom, one: Member, why: str) -> Alternative | None:
    found = plan_for(facts, of_name(goal, one.id), freedom, EACH).solved
    if found is None or _too_old(found, of_name(goal, one.id)):
        return None
    options: list[Action] = []
    context = _context(goal, one, settings(facts).context) if goal.devices else 0
    engine = goal.engines[0] if goal.engines else ""
    if context and (option := engine_row(engine).option("context")):
        options.append(Action("set_argument", name=option, value=str(context)))
    title = f"{one.id}: {why} ({one.bytes / 2**30:.1f} GiB of weights)"
    return _alternative(facts, goal, found, title, (Action("use_model", name=one.id), *options))


def _too_old(found: Solved, goal: Goal) -> bool:
    """Whether the GPU is older than any floor that the engine states for the method: an offer has to be sure."""
    half = found.values.get(BACKEND, "default")
    return any(too_old_for(name, found.values.get(name, ""), half, goal) for name in goal.engines)


def _engines(facts: Facts, goal: Goal) -> Iterator[Alternative | None]:
    """Another engine, in an environment of its own: what is installed here need not bear with it."""
    if not goal.architectures:
        return
    empty = replace(facts, distributions=Distributions(()))
    for name in (e for e in serving_engines() if e not in goal.engines and engine_row(e).start):
        other = replace(goal, engines=(name,), backend=None, packages={}, names=())
        other = of_name(other, goal.label) if goal.model is None else other
        found = plan_for(empty, other, Freedom(engines=True), EACH).solved
        if found is not None:
            action = Action("use_engine", name=name, text=f"{name} {found.values[name]}")
            title = f"{name} {found.values[name]}, in an environment of its own"
            yield _alternative(empty, other, found, title, (action,))


def _images(goal: Goal) -> Iterator[Alternative | None]:
    """Official images of the family's table which the driver runs."""
    for one in goal.family.images if goal.family else ():
        driver = one.driver
        runs = not (driver and goal.driver) or numbers(goal.driver) >= numbers(driver)
        if (runs and fit_of(goal) is None) or (runs and (found := fit_of(goal)) and found.starts):
            yield Alternative(f"the container image {one.reference} (CUDA {one.cuda})",
                              (Action("use_image", name=one.reference),))  # fmt: skip


def _larger(facts: Facts, goal: Goal, members: tuple[str, ...]) -> Alternative | None:
    if not any(m.startswith("memory of ") for m in members):
        return None
    here = memory_verdict(Case(facts))
    told = of_cards(smallest(here)) if isinstance(here, MemoryVerdict) else smallest_gpus(goal)
    text = f"a GPU with more memory: {told}" if told else "a GPU with more memory"
    return Alternative(text, (Action("manual", text=text),))


def _driver(facts: Facts, goal: Goal, freedom: Freedom, members: tuple[str, ...]) -> Iterator[Alternative | None]:
    if f"driver {goal.driver}" not in members or goal.cuda is None:
        return
    for major in (goal.cuda + 1, goal.cuda + 2):
        found = plan_for(facts, replace(goal, cuda=major), freedom, EACH).solved
        least = drivers().oldest_driver((major, 0))
        if found is not None:
            text = f"NVIDIA driver {least or f'for CUDA {major}'} or newer"
            yield _alternative(facts, goal, found, text, (Action("manual", text=f"install {text}"),))
            return


def _alternative(
    facts: Facts, goal: Goal, found: Solved, title: str, actions: tuple[Action, ...] = ()
) -> Alternative:
    """The exit with the releases that it needs: what changes, and the main packages in any case."""
    have = facts.distributions if isinstance(facts.distributions, Distributions) else Distributions(())
    pins = {
        n: v for n, v in found.pins.items()
        if (n in found.changes or n in (*MAIN, *names_of_engines())) and NAME.fullmatch(n) and VERSION.fullmatch(v)
    }  # fmt: skip
    changed = tuple(
        Action("install", package=n, specifier=f"=={v}", direction="install" if have.get(n) is None else None)
        for n, v in pins.items() if n in found.changes
    )  # fmt: skip
    if found.backend:
        actions = (*actions, Action("set_argument", name="--backend", value=found.backend))
    commands = [*install_line(facts, pins), *_start(facts, goal, actions, pins)]
    return Alternative(title, (*actions, *changed), pins, tuple(commands))


def _start(facts: Facts, goal: Goal, actions: tuple[Action, ...], pins: dict[str, str]) -> Iterator[str]:
    named = {a.kind: a.name for a in actions}
    if engine := named.get("use_engine"):
        yield pasted(start_of(engine, goal.label))
    elif isinstance(facts.launch, Launch):
        launch, model = facts.launch, named.get("use_model")
        if model:
            launch = renamed(launch, {goal.label, named_model(facts)}, model)
        release = pins.get(launch.engine or "") or facts.version(launch.engine)
        yield typed(edited(launch, actions, release).argv, launch.engine, launch.given)
