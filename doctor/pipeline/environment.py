"""The facts that come out of the target's files: its distributions, its modules and its shared libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.facts import Distributions, Launch, Modules, Natives, Target, Unavailable
from doctor.matrix.engines import serving_engines
from doctor.pipeline.natives import NativesMeanwhile
from doctor.pipeline.reach import ModelModules, backend_of, link_request, model_word, module_of

if TYPE_CHECKING:
    from doctor.pipeline.request import Request


@dataclass(frozen=True)
class Environment:
    """What was read of the environment; `seen` are the files and folders it was read from, with time and size."""

    distributions: Distributions | Unavailable
    modules: Modules | Unavailable
    natives: Natives | Unavailable


def read_environment(
    target: Target, launch: Launch | Unavailable, request: Request, of_model: ModelModules
) -> Environment:
    """Reads and links the environment, or takes it from the cache where nothing has changed since.

    Of the engine's modules those are judged that the launch imports and those that `of_model` names; all of them where
    the request says so.
    """
    from doctor.collect import cache

    engine = launch.engine if isinstance(launch, Launch) else None
    extent = "all" if request.all_modules else request.model or model_word(launch) or ""
    asked = (engine or "", backend_of(launch) or "", module_of(launch) or "", request.target.cwd, extent)
    place = cache.place(target, asked, request.environ) if request.use_cache else None
    known = cache.load(place, Environment, request.environ) if place else None
    if known is not None and _reaches(known, of_model):
        return known
    made, seen, variables = _read(target, launch, request, of_model)
    if place:
        cache.save(place, made, seen, variables, request.environ)
    return made


def _reaches(known: Environment, of_model: ModelModules) -> bool:
    """Whether the modules of the model were judged: what a name stands for may have changed since."""
    if not isinstance(known.distributions, Distributions) or not isinstance(known.modules, Modules):
        return True
    return set(of_model(known.distributions)) <= known.modules.verdicts.keys()


def _read(
    target: Target, launch: Launch | Unavailable, request: Request, of_model: ModelModules
) -> tuple[Environment, dict[str, tuple[int, int] | None], set[str]]:
    from doctor.collect import cache
    from doctor.collect.packages.distributions import read_distributions, with_half_installed
    from doctor.collect.python.modules import ModuleReader
    from doctor.collect.python.texts import Texts
    from doctor.link.python.environment import link_environment

    distributions = read_distributions(target, verify=serving_engines())
    engines = chosen_engines(distributions, launch)
    work = NativesMeanwhile(target, distributions, (*engines, *kernels_of(engines), "torch"))
    try:
        reader = ModuleReader(target, distributions, engines, request.environ)
        reader.loader = work.early
        reader.texts = Texts(kept) if request.use_cache and (kept := cache.texts()) else None
        wanted = link_request(
            reader, distributions, engines, launch, None if request.all_modules else of_model(distributions)
        )
        modules = link_environment(reader, wanted, request.progress)
        looked = work.looked()
        if any(looked.causes):
            reader.loader = work.known
            modules = link_environment(reader, wanted, request.progress)
    finally:
        work.close()
    if reader.texts is not None:
        reader.texts.save()
    distributions = with_half_installed(target, distributions, _failing(modules))
    for distribution in distributions.installed:
        reader.note(distribution.metadata_path)
        reader.note(f"{distribution.metadata_path}/RECORD")
    for path in (*target.paths, "/etc/ld.so.cache"):
        reader.note(path)
    return Environment(distributions, modules, looked.natives), {**looked.seen, **reader.seen}, reader.asked


def kernels_of(engines: tuple[str, ...]) -> tuple[str, ...]:
    """The distributions of compiled code that these engines call and that are not their own."""
    from doctor.matrix.gpu_code import gpu_libraries

    return tuple(dict.fromkeys(d for row in gpu_libraries() if row.engine in engines for d in row.distributions))


def _failing(modules: Modules) -> set[str]:
    """The importable names at which imports fail, and transformers, whose models are imported by name later."""
    causes = [s.cause for s in modules.verdicts.values() if s.status == "fail" and s.cause is not None]
    tops = {c.module.partition(".")[0] for c in causes}
    tops |= {(c.file or "").replace("\\", "/").partition("/")[0].removesuffix(".py") for c in causes}
    return {"transformers", *tops} - {""}


def chosen_engines(distributions: Distributions, launch: Launch | Unavailable) -> tuple[str, ...]:
    """The engine that the launch starts; without a launch, the engines that are installed."""
    engine = launch.engine if isinstance(launch, Launch) else None
    if engine is not None and distributions.get(engine):
        return (engine,)
    return () if engine else tuple(e for e in serving_engines() if distributions.get(e))
