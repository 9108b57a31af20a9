"""From a proven plan to what its files are made of."""

from __future__ import annotations

import os

from doctor.base.late import late_pattern
from doctor.derived.goal import Goal, goal_of, named_model
from doctor.facts import Distributions, Facts, Gpu, Launch, Model
from doctor.findings.proposal import Proposal
from doctor.launch.memory_settings import settings
from doctor.matrix import rows
from doctor.matrix.engines import engine_row, prefixes, serving_engines
from doctor.matrix.hardware import drivers
from doctor.matrix.official import official, too_new
from doctor.pipeline.placed import Origin, Own, placed
from doctor.plan.choices import only_source
from doctor.plan.steps import NAME, VERSION
from doctor.report.plan.recipe import Recipe

IN_IMAGE = ("torch", "torchvision", "torchaudio", "triton")  # and the engine itself
_VARIABLE = late_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,80}")
# variables that go with the server wherever it runs; caches and paths of this machine do not
_TRAVELS = ("NCCL_", "TORCH_", "PYTORCH_", "OMP_NUM_THREADS")  # beside those of the engines


def recipe(answer: Proposal, own: Own | None = None, origin: Origin | None = None) -> Recipe:
    """The values; text from outside that is no name, version or variable is left out.

    `own`: as the user has it; `origin`: the service of a file of theirs that is of another form.
    """
    facts, plan = answer.before.facts, answer.plan
    goal, runs = goal_of(facts), driver_cuda(facts)
    pins = {n: v for n, v in plan.pins.items() if NAME.fullmatch(n) and VERSION.fullmatch(v)}
    engine = next(iter(goal.engines), None)
    version = pins.get(engine) if engine else None
    found = official(engine, version, runs) if engine and version else None
    source = answer.source | frozenset(n for n, v in pins.items() if only_source(n, v))
    layer = _layer(answer, goal, pins) if found else {}
    target = facts.target
    interpreter = (target.executable or target.prefix) if target.kind == "installed" else None
    changes = {n: v for n, v in plan.changes.items() if NAME.fullmatch(n)}
    relaxed = _relaxed(found[1], runs) if found else ""
    made = Recipe(
        engine, version, found[0] if found else None, plan.launch, _model_word(facts, plan.launch),
        _folder(facts, plan.launch), _parallel(answer), ".".join((target.python or "3.11").split(".")[:2]), pins,
        changes, layer, source, _environ(answer), interpreter, _metrics(engine, version), tuple(_why(answer)),
        _proof(answer), relaxed=relaxed,
        resolved=plan.verified.resolver is not None,
    )  # fmt: skip
    return placed(made, answer, own, origin)


def _layer(answer: Proposal, goal: Goal, pins: dict[str, str]) -> dict[str, str]:
    """What an official image gets on top: releases that the plan or the user chose, and what the model's code needs."""
    have = answer.before.facts.distributions
    declared = have.declared if isinstance(have, Distributions) else ()
    stated = {p.key for p in declared if not p.source.startswith("image ")}
    chosen = [*(n for n in answer.needed if rows.releases(n)), *(n for n in stated if n in pins)]
    out = {n: pins[n] for n in chosen if n in pins}
    for name in goal.packages:
        known = rows.releases(name)
        version = pins.get(name) or (known.matching("").newest if known else None)
        out[name] = version or ""
    return {n: v for n, v in out.items() if n not in (*IN_IMAGE, *serving_engines())}


def _relaxed(cuda: str | None, runs: tuple[int, int] | None) -> str:
    """Why a container's start must not ask for a driver as new as its image, in a sentence; empty where it may."""
    if runs is None or not too_new(cuda, runs):
        return ""
    told = f"The image is built for CUDA {cuda}, which a driver for CUDA {runs[0]}.{runs[1]} runs, too"
    return f"{told}; NVIDIA_DISABLE_REQUIRE lets the container start."


def driver_cuda(facts: Facts) -> tuple[int, int] | None:
    """The CUDA that the driver runs."""
    gpu = facts.gpu if isinstance(facts.gpu, Gpu) else Gpu()
    told = drivers().cuda_of(gpu.driver_version, gpu.driver_platform) if gpu.driver_version else None
    return gpu.driver_cuda or told


def _parallel(answer: Proposal) -> int:
    """The GPUs that the command as it will be takes, on all its machines together."""
    return max(1, settings(answer.after.facts if answer.after else answer.before.facts).gpus)


def _model_word(facts: Facts, launch: tuple[str, ...]) -> str | None:
    """The word of the command that names the model."""
    model = facts.model if isinstance(facts.model, Model) else None
    known = {model.named, model.path} if model else set()
    name = named_model(facts)
    return next((w for w in launch if w in known or w == name), name)


def _folder(facts: Facts, launch: tuple[str, ...]) -> str | None:
    """The model's folder on this machine, where the command names one."""
    model, word = facts.model if isinstance(facts.model, Model) else None, _model_word(facts, launch)
    if model is None or model.source != "folder" or word is None:
        return None
    workdir = facts.launch.workdir if isinstance(facts.launch, Launch) else None
    return os.path.normpath(os.path.join(workdir or "/", word)) if word in launch else None


def _environ(answer: Proposal) -> dict[str, str]:
    after = answer.after.facts.launch if answer.after else answer.before.facts.launch
    told = after.environ if isinstance(after, Launch) else {}
    set_by = {s.action.name: s.action.value or "" for s in answer.plan.steps if s.action.kind == "set_env"}
    travels = (*prefixes(), *_TRAVELS)
    pairs = {**{n: v for n, v in told.items() if n.startswith(travels)}, **{n: v for n, v in set_by.items() if n}}
    return {n: v for n, v in pairs.items() if _VARIABLE.fullmatch(n) and "\n" not in v}


def _metrics(engine: str | None, version: str | None) -> tuple[str, ...] | None:
    """The option that turns the server's metrics on, where its release has one and does not do so by itself."""
    flags = (rows.row(engine, version, "flags") or {}).get("flags", {}) if engine and version else {}
    option = engine_row(engine).option("metrics")
    return (option,) if option in flags else ()


def _why(answer: Proposal) -> list[str]:
    """A line for each reason, with all that it changes."""
    out: dict[str, list[str]] = {}
    for step in answer.plan.steps:
        action = step.action
        if step.resolves or action.kind != "install":
            what = f"{action.package}{action.specifier}" if action.package else f"{action.name} {action.value or ''}"
            out.setdefault(step.why, []).append(what.strip() if action.value is not None or action.package else "")
    return [f"{', '.join(filter(None, what))}: {why}" if any(what) else why for why, what in out.items()]


def _proof(answer: Proposal) -> str:
    verified = answer.plan.verified
    if not answer.plan.steps:
        return "The packages and the command did not have to change."
    if verified.resolver:
        return f"Every rule was run on these releases, which {verified.resolver} resolved."
    return f"Every rule was run on these releases; no resolver was asked: {verified.note}."
