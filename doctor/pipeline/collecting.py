"""Everything that can be seen of the target, the launch, the model and the machine, as facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.collect.python.target import find_target
from doctor.derived.case import Case
from doctor.derived.known_model import with_known_model
from doctor.derived.nodes import group_names, group_of
from doctor.facts import NOT_REQUESTED, Facts, Gpu, Launch, Modules, Target, Trials, Unavailable
from doctor.pipeline.in_files import with_places
from doctor.pipeline.launch import contained, read_launch
from doctor.pipeline.request import Request

if TYPE_CHECKING:
    from doctor.collect.machine.gpu import GpuCollection

MOST_NODES = 64


def collect(request: Request) -> Facts:
    """Everything that can be seen of the target and the machine; what cannot is Unavailable."""
    if request.declared.deployments:
        from doctor.pipeline.one_service import only_service

        return collect(only_service(request))
    request = contained(request)
    facts = with_observed(with_nodes(with_known_model(_collect(request), request.model)), request)
    if request.gateway is None and request.declared.compose is None and request.around is None:
        return facts
    from doctor.pipeline.neighbors import with_neighbors

    return with_neighbors(facts, request)


def with_nodes(facts: Facts) -> Facts:
    """The facts with the GPUs of all machines that serve one copy of the model together."""
    launch, gpu = facts.launch, facts.gpu
    given = (launch.container, launch.granted) if isinstance(launch, Launch) else ()
    nodes = max((one.nodes for one in given if one is not None), default=1)
    if not isinstance(gpu, Gpu) or not 1 < nodes <= MOST_NODES:
        return facts
    own = len(gpu.devices)
    devices = [replace(d, index=n * own + d.index) for n in range(nodes) for d in gpu.devices]
    return replace(facts, gpu=replace(gpu, devices=tuple(devices)))


def with_observed(facts: Facts, request: Request) -> Facts:
    """The facts with what this launch logged about its memory when `run` started it here."""
    if not request.use_cache or not isinstance(facts.gpu, Gpu) or facts.gpu.source != "nvml" or not facts.gpu.devices:
        return facts
    from doctor.collect.machine.observed import observed
    from doctor.derived.memory.launched import key_of

    seen = observed(key_of(facts))
    return facts if seen is None else replace(facts, observed=seen)


def _collect(request: Request) -> Facts:
    if request.declared:
        from doctor.pipeline.declared import collect_declared

        return collect_declared(request)
    from doctor.collect.machine.host import collect_host
    from doctor.collect.machine.network import collect_network
    from doctor.matrix.declared import declared_gpu
    from doctor.pipeline.environment import read_environment
    from doctor.pipeline.model_code import with_code
    from doctor.pipeline.named_model import NamedModel

    root, launch = request.target.root, with_places(read_launch(request), request)
    away = _away(launch)
    seen = None if request.gpu or away else _gpu_of_here(request)
    gpu: Gpu | Unavailable | None = declared_gpu(request.gpu, request.driver) if request.gpu else away
    if isinstance(launch, Launch) and launch.environ:  # `USE_TORCH=0 lmdeploy ...` decides what is imported
        request = replace(request, environ={**request.environ, **launch.environ})
    target = find_target(replace(request.target, launcher=request.launch))
    named = NamedModel(target, launch, request)
    environment = read_environment(target, launch, request, named.modules)
    if gpu is None and seen is not None:
        gpu = seen.finish()
        gpu = declared_gpu(None, request.driver, gpu) if request.driver else gpu
    model, releases = named.read(environment.distributions)
    model, modules = with_code(target, environment, model, request)
    facts = Facts(
        target=target, distributions=environment.distributions, modules=modules,
        natives=environment.natives, launch=launch, gpu=gpu or NOT_REQUESTED,
        host=away or collect_host(target, root, environ=request.environ), model=model,
        trials=_tried(target, modules, request), releases=releases,
    )  # fmt: skip
    if away:
        return replace(facts, network=away)
    group = group_of(Case(facts))  # the resolver is asked only where a name decides
    return replace(facts, network=collect_network(root, group_names(facts), ask=group is not None))


def _gpu_of_here(request: Request) -> GpuCollection:
    """The GPUs of this machine, asked for while the files are read."""
    from doctor.collect.machine.gpu import GpuCollection

    return GpuCollection(request.target.root, request.environ)


def _away(launch: Launch | Unavailable) -> Unavailable | None:
    """Why this machine's GPU and limits say nothing: the command starts the server on another one."""
    if not isinstance(launch, Launch) or launch.machine is None:
        return None
    return Unavailable("not_requested", f"the server runs on {launch.machine}: name its GPU with --gpu and --driver")


def _tried(target: Target, modules: Modules | Unavailable, request: Request) -> Trials | Unavailable:
    """What `check --deep` asks for: the entries of the launch, really imported."""
    if not request.deep:
        return NOT_REQUESTED
    from doctor.repair.real_import.each import try_each

    known = (*modules.entries, *modules.optional) if isinstance(modules, Modules) else ()
    return try_each(target, tuple(dict.fromkeys(known)), request.environ)
