"""diagnose(): the flow on one page. Collect facts, link them, run the rules, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from doctor import __version__
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.target import TargetRequest, find_target
from doctor.facts import NOT_REQUESTED, Facts, Gpu, Launch, Unavailable
from doctor.findings import Report

if TYPE_CHECKING:
    from doctor.supervise.precheck import Verdict

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Request:
    """What the user asked: the target, the launch command, another machine's GPU and driver, and which rules.

    With `declared`, the target is not installed: its versions come from files, an image's tag and the data.
    """

    target: TargetRequest
    launch: tuple[str, ...] = ()
    model: str | None = None
    gpu: str | None = None
    driver: str | None = None
    gateway: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    use_cache: bool = True
    progress: Progress | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    declared: DeclaredRequest = field(default_factory=DeclaredRequest)


def diagnose(request: Request) -> Report:
    """The whole answer. Raises TargetError or DeclarationError (both ValueError) for what the user has to change."""
    return judge(collect(request), request.select, request.ignore)


def judge(facts: Facts, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> Report:
    """The report on facts, whether just collected or saved elsewhere."""
    from doctor.rules import RULES
    from doctor.rules import engine as rule_engine

    rules = rule_engine.select(RULES, select, ignore)
    return Report(facts, rule_engine.evaluate(facts, rules), versions())


def collect(request: Request) -> Facts:
    """Everything that can be seen of the target and the machine; what cannot is Unavailable."""
    facts = _collect(request)
    if request.gateway is None:
        return facts
    from doctor.collect.gateway import read_gateway

    return replace(facts, gateway=read_gateway(request.gateway, request.target.root))


def _collect(request: Request) -> Facts:
    if request.declared:
        from doctor.pipeline.declared import collect_declared

        return collect_declared(request)
    from doctor.collect.gpu import GpuCollection
    from doctor.collect.host import collect_host
    from doctor.collect.model_config import launched_model
    from doctor.matrix.declared import declared_gpu
    from doctor.pipeline.environment import read_environment

    root = request.target.root
    asked = None if request.gpu else GpuCollection(root, request.environ)  # works while the files are read
    gpu: Gpu | Unavailable | None = declared_gpu(request.gpu, request.driver) if request.gpu else None
    launch = read_launch(request)
    target = find_target(replace(request.target, launcher=request.launch))
    environment = read_environment(target, launch, request)
    if gpu is None and asked is not None:
        gpu = asked.finish()
        gpu = declared_gpu(None, request.driver, gpu) if request.driver else gpu
    return Facts(
        target=target, distributions=environment.distributions, modules=environment.modules,
        natives=environment.natives, launch=launch, gpu=gpu or NOT_REQUESTED,
        host=collect_host(target, root, environ=request.environ),
        model=launched_model(launch, request.environ, root, request.model),
    )  # fmt: skip


def precheck(argv: tuple[str, ...]) -> Verdict:
    """What `run` asks before it starts a server: the errors that speak against it, with the facts behind them."""
    from doctor.pipeline.before_start import checked

    return checked(argv)


def read_launch(request: Request) -> Launch | Unavailable:
    """The launch command, with the engine that it starts."""
    from doctor.collect import launch as words
    from doctor.matrix.engines import engines, launched

    if not request.launch:
        return NOT_REQUESTED
    launch = words.read_launch(request.launch, dict(request.environ), request.target.cwd)
    found = launched(launch.program, launch.module, launch.subcommand)
    if found is None:  # an engine's package or command, though not in a form that starts a server
        name = (launch.module or launch.program or "").partition(".")[0]
        found = next((e for e in engines() if name in (e.package, e.name)), None)
    return replace(launch, engine=found.name if found else None)


def versions() -> dict[str, str]:
    """Doctor's version and that of its data."""
    from doctor.matrix.data import data_dir

    stamp = data_dir() / "VERSION"
    return {"doctor": __version__, "matrix": stamp.read_text(encoding="ascii").strip() if stamp.is_file() else "none"}
