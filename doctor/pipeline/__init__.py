"""diagnose(): the flow on one page. Collect facts, link them, run the rules, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from doctor import __version__
from doctor.base.record import dataclass
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest, find_target
from doctor.facts import NOT_REQUESTED, Facts, Gpu, Launch, Modules, Target, Trials, Unavailable
from doctor.findings import Report

if TYPE_CHECKING:
    from doctor.findings import StartVerdict

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Request:
    """What the user asked: the target, the launch command, another machine's GPU and driver, and which rules.

    `online`: the hub may be asked about a model that is named and not on this disk, and `tell` says so. With
    `declared`, the target is not installed: its versions come from files, an image's tag and the data.
    `deep` runs the real imports in a child process of the target.
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
    online: bool = False
    tell: Callable[[str], None] | None = None
    progress: Progress | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    declared: DeclaredRequest = field(default_factory=DeclaredRequest)
    deep: bool = False


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
    facts = _collect(contained(request))
    if request.gateway is None:
        return facts
    from doctor.collect.declared.gateway import read_gateway

    return replace(facts, gateway=read_gateway(request.gateway, request.target.root))


def _collect(request: Request) -> Facts:
    if request.declared:
        from doctor.pipeline.declared import collect_declared

        return collect_declared(request)
    from doctor.collect.machine.gpu import GpuCollection
    from doctor.collect.machine.host import collect_host
    from doctor.collect.model import launched_model
    from doctor.matrix.declared import declared_gpu
    from doctor.pipeline.environment import read_environment
    from doctor.pipeline.model_code import with_code

    root = request.target.root
    asked = None if request.gpu else GpuCollection(root, request.environ)  # works while the files are read
    gpu: Gpu | Unavailable | None = declared_gpu(request.gpu, request.driver) if request.gpu else None
    launch = read_launch(request)
    if isinstance(launch, Launch) and launch.environ:  # `USE_TORCH=0 lmdeploy ...` decides what is imported
        request = replace(request, environ={**request.environ, **launch.environ})
    target = find_target(replace(request.target, launcher=request.launch))
    environment = read_environment(target, launch, request)
    if gpu is None and asked is not None:
        gpu = asked.finish()
        gpu = declared_gpu(None, request.driver, gpu) if request.driver else gpu
    model = launched_model(
        launch, request.environ, root, request.model, online=request.online, use_cache=request.use_cache,
        tell=request.tell,
    )
    model, modules = with_code(target, environment, model, request)
    return Facts(
        target=target, distributions=environment.distributions, modules=modules,
        natives=environment.natives, launch=launch, gpu=gpu or NOT_REQUESTED,
        host=collect_host(target, root, environ=request.environ), model=model,
        trials=_tried(target, modules, request),
    )  # fmt: skip


def _tried(target: Target, modules: Modules | Unavailable, request: Request) -> Trials | Unavailable:
    """What `check --deep` asks for: the entries of the launch, really imported."""
    if not request.deep:
        return NOT_REQUESTED
    from doctor.repair.real_import.each import try_each

    known = (*modules.entries, *modules.optional) if isinstance(modules, Modules) else ()
    return try_each(target, tuple(dict.fromkeys(known)), request.environ)


def precheck(argv: tuple[str, ...]) -> StartVerdict:
    """What `run` asks before it starts a server: the errors that speak against it, with the facts behind them."""
    from doctor.pipeline.before_start import checked

    return checked(argv)


def read_launch(request: Request) -> Launch | Unavailable:
    """The launch command, with the engine that it starts; `arguments` are what the engine's own parser gets."""
    if not request.launch:
        return NOT_REQUESTED
    from doctor.launch import read
    from doctor.matrix.engines import engines, launched_as

    launch = read.read_launch(request.launch, request.environ, request.target.cwd, _entrypoint)
    form = launched_as(launch.program, launch.module, launch.subcommand)
    if form is not None:
        found, behind = form[0], len(form[1].subcommand)
        return replace(launch, engine=found.name, arguments=launch.arguments[behind:])
    # an engine's package or command, though not in a form that starts a server
    name = (launch.module or launch.program or "").partition(".")[0]
    other = next((e for e in engines() if name in (e.package, e.name)), None)
    return replace(launch, engine=other.name if other else None)


def _entrypoint(reference: str) -> tuple[str, ...]:
    """What an image runs before the words of a command; only a launch in a container asks."""
    from doctor.matrix.images import entrypoint

    return entrypoint(reference)


def contained(request: Request) -> Request:
    """`docker run IMAGE` and `docker compose up` as the declared environments that they are, unless one is named."""
    target = request.target
    if not request.launch or request.declared or target.python or target.paths or target.root:
        return request
    from doctor.launch import read

    if composed := read.composed(request.launch, request.environ, target.cwd):
        declared = DeclaredRequest(compose=composed.file, service=composed.service)
        return replace(request, declared=declared, launch=())
    image = read.image_of(request.launch, request.environ, target.cwd)
    return replace(request, declared=DeclaredRequest(image=image, by="docker run")) if image else request


def versions() -> dict[str, str]:
    """Doctor's version and that of its data."""
    from doctor.matrix.data import data_dir

    stamp = data_dir() / "VERSION"
    return {"doctor": __version__, "matrix": stamp.read_text(encoding="ascii").strip() if stamp.is_file() else "none"}
