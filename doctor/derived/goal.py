"""What is to be served, by which engine and on what: the part of the question that a plan does not choose."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.derived.engine import Chosen
from doctor.derived.known_model import is_of_family_alone
from doctor.derived.packages.helpers import imports_helper, needed
from doctor.facts import Distributions, Facts, Gpu, Launch, Model, Quantization, normalize
from doctor.facts.gpu import Device
from doctor.launch.options import engine as launched
from doctor.launch.options import model_word, option, parallel
from doctor.matrix.engines import engine_row, serving_engines
from doctor.matrix.files.data import DataError
from doctor.matrix.hardware import drivers

if TYPE_CHECKING:
    from doctor.matrix.models.families import Family
    from doctor.matrix.models.members import Member


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the model's own code takes from a distribution: `module` and `name`, and where it does."""

    module: str
    name: str | None
    source: str


@dataclass(frozen=True)
class Goal:
    """`engines` are to work (the launch's, else those installed); empty: whatever is installed is.

    `architectures`, `model_type` and `quantization` are the model's; `own_config` says that it brings its
    configuration class. `model` are its facts, from its files or from what is known of its name. `names` and
    `packages` (distribution -> where that is written) are what its code needs. `backend` is LMDeploy's as the launch
    names it. `devices` are those that may be used; `cuda` is the major that the driver runs, `driver` its number.
    `label` names the model in sentences. `versions` are the engines' releases, as far as they are installed.
    """

    engines: tuple[str, ...] = ()
    label: str = "the model"
    architectures: tuple[str, ...] = ()
    model_type: str | None = None
    own_config: bool = False
    quantization: Quantization | None = None
    model: Model | None = None
    family: Family | None = None
    names: tuple[Name, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    backend: str | None = None
    devices: tuple[Device, ...] = ()
    parallel: int = 1
    driver: str | None = None
    cuda: int | None = None
    versions: dict[str, str] = field(default_factory=dict)


def goal_of(facts: Facts) -> Goal:
    """The goal that the facts make: with the model's files, else with what the model's name is known for."""
    goal = _machine(facts)
    model = facts.model if isinstance(facts.model, Model) else None
    if model is not None and is_of_family_alone(model):
        return replace(of_name(goal, model.path), architectures=model.architectures, model_type=model.model_type)
    if model is not None:
        return _of_files(goal, facts, model)
    name = named_model(facts)
    return of_name(goal, name) if name else goal


def _machine(facts: Facts) -> Goal:
    wanted = launched(facts)
    have = facts.distributions if isinstance(facts.distributions, Distributions) else Distributions(())
    engines = (wanted,) if wanted in serving_engines() else tuple(e for e in serving_engines() if have.get(e))
    gpu = facts.gpu if isinstance(facts.gpu, Gpu) else Gpu()
    runs = gpu.driver_cuda
    if runs is None and gpu.driver_version:
        runs = drivers().cuda_of(gpu.driver_version, gpu.driver_platform)
    choosing = [n for e in engines for n in engine_row(e).names("backend")]
    return Goal(
        engines, backend=option(facts, *choosing), devices=gpu.usable,
        parallel=parallel(facts), driver=gpu.driver_version, cuda=runs[0] if runs else None,
        versions={e: d.version for e in engines if (d := have.get(e)) is not None},
    )  # fmt: skip


def of_name(goal: Goal, name: str) -> Goal:
    """The goal with a model that is known by name alone: a checkpoint of the tables, or one of a family."""
    known, family = _member(name), _family(name)
    if known is None and family is None:
        return goal
    code = family.remote_code if family else None
    runs_code = family is not None and code is not None and bool(set(goal.engines) & set(code.engines))
    return replace(
        goal, label=name, family=family, model=known.model if known else None, own_config=code is not None,
        architectures=known.architectures[:1] if known else family.architectures[:1] if family else (),
        model_type=known.model_type if known else next(iter(family.model_types), None) if family else None,
        quantization=known.quantization if known else None, names=_documented(family) if runs_code and family else (),
        packages=_documented_packages(goal, family, {}) if family else {},
    )  # fmt: skip


def _of_files(goal: Goal, facts: Facts, model: Model) -> Goal:
    name = named_model(facts) or model.named or model.path.rstrip("/").rpartition("/")[2]
    family = next((f for text in (name, *model.architectures) if (f := _family(text)) is not None), None)
    packages: dict[str, str] = {}
    have = facts.distributions if isinstance(facts.distributions, Distributions) else Distributions(())
    for engine in goal.engines:
        version = have.version(engine)
        packages |= needed(Chosen(engine, version or ""), model)
    runs_code = bool(model.remote_code) and any(engine_row(e).has("runs_model_code") for e in goal.engines)
    names: tuple[Name, ...] = ()
    if runs_code:
        names = _read(model) or (_documented(family) if family else ())
    return replace(
        goal, label=name, architectures=model.architectures, model_type=model.model_type, names=names,
        own_config="AutoConfig" in model.remote_code, quantization=model.quantization, family=family,
        model=model,
        packages=_documented_packages(goal, family, packages) if family else packages,
    )  # fmt: skip


def _documented_packages(goal: Goal, family: Family, packages: dict[str, str]) -> dict[str, str]:
    out = dict(packages)
    for helper in family.helpers:
        asking = [e for e in goal.engines if not helper.engines or e in helper.engines]
        wanted = any(imports_helper(e, goal.versions.get(e), helper.package) is not False for e in asking)
        if helper.required and wanted:
            out.setdefault(normalize(helper.package), helper.source)
    return out


def _documented(family: Family) -> tuple[Name, ...]:
    code = family.remote_code
    pairs = ((n.partition(":")[0], n.partition(":")[2]) for n in code.names) if code else ()
    return tuple(Name(module, name, code.source if code else "") for module, name in pairs)


def _read(model: Model) -> tuple[Name, ...]:
    """What the files beside the weights import unguarded, as they were read."""
    found = model.code.imports if model.code else ()
    return tuple(Name(i.module, i.name, f"{i.file}:{i.line}") for i in found if not i.guarded)


def named_model(facts: Facts) -> str | None:
    """The model as the launch names it; of a program that nobody knows, the first word that is of a known family."""
    if not isinstance(facts.launch, Launch):
        return None
    named = model_word(facts)
    if named or facts.launch.engine is not None:
        return named
    words = facts.launch.arguments or facts.launch.argv[1:]
    return next((w for w in words[:20] if not w.startswith("-") and _family(w) is not None), None)


def _family(name: str) -> Family | None:
    from doctor.matrix.models.families import model as family_of

    try:
        return family_of(name)
    except DataError:
        return None


def _member(name: str) -> Member | None:
    from doctor.matrix.models.members import member

    try:
        return member(name)
    except DataError:
        return None
