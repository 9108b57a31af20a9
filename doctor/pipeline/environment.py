"""The facts that come out of the target's files: its distributions, its modules and its shared libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.facts import Cause, Distributions, Launch, Modules, Natives, Target, Unavailable
from doctor.facts.source import Found
from doctor.matrix.engines import serving_engines

if TYPE_CHECKING:
    from doctor.collect.python.modules import ModuleReader
    from doctor.link.loader.natives import NativeLinker
    from doctor.link.python.environment import LinkRequest
    from doctor.pipeline.request import Request

_KINDS = ("missing-library", "missing-symbol")


@dataclass(frozen=True)
class Environment:
    """What was read of the environment; `seen` are the files and folders it was read from, with time and size."""

    distributions: Distributions | Unavailable
    modules: Modules | Unavailable
    natives: Natives | Unavailable


def read_environment(target: Target, launch: Launch | Unavailable, request: Request) -> Environment:
    """Reads and links the environment, or takes it from the cache where nothing has changed since."""
    from doctor.collect import cache

    engine = launch.engine if isinstance(launch, Launch) else None
    asked = (engine or "", _backend(launch) or "", _module(launch) or "", request.target.cwd, "with kernels")
    place = cache.place(target, asked, request.environ) if request.use_cache else None
    known = cache.load(place, Environment, request.environ) if place else None
    if known is not None:
        return known
    made, seen, variables = _read(target, launch, request)
    if place:
        cache.save(place, made, seen, variables, request.environ)
    return made


def _read(
    target: Target, launch: Launch | Unavailable, request: Request
) -> tuple[Environment, dict[str, tuple[int, int] | None], set[str]]:
    from doctor.collect.native.libraries import reader_for
    from doctor.collect.native.natives import collect_natives
    from doctor.collect.packages.distributions import read_distributions, with_half_installed
    from doctor.collect.python.modules import ModuleReader
    from doctor.link.loader.natives import NativeLinker, judged
    from doctor.link.python.environment import link_environment

    distributions = read_distributions(target, verify=serving_engines())
    engines = chosen_engines(distributions, launch)
    libraries = reader_for(target)
    linker = NativeLinker(libraries, target.paths, target.executable)
    natives = collect_natives(target, distributions, (*engines, *kernels_of(engines), "torch"), libraries)
    if isinstance(natives, Natives):
        natives = judged(natives, linker, distributions)
    reader = ModuleReader(target, distributions, engines, request.environ)
    reader.loader = NativeGate(linker, distributions)
    modules = link_environment(reader, link_request(reader, distributions, engines, launch), request.progress)
    distributions = with_half_installed(target, distributions, _failing(modules))
    for distribution in distributions.installed:
        reader.note(distribution.metadata_path)
        reader.note(f"{distribution.metadata_path}/RECORD")
    for path in (*target.paths, "/etc/ld.so.cache"):
        reader.note(path)
    return Environment(distributions, modules, natives), {**libraries.seen, **reader.seen}, reader.asked


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


def link_request(
    reader: ModuleReader, distributions: Distributions, engines: tuple[str, ...], launch: Launch | Unavailable
) -> LinkRequest:
    """What to link: the launch's entries, all modules of the engines, and the packages beside them."""
    from doctor.link.python.environment import LinkRequest
    from doctor.matrix.engines import engine as spec_of
    from doctor.matrix.engines import entry_modules

    entries: dict[str, None] = {}
    optional: dict[str, str] = {}
    module = _module(launch)
    if module:
        entries[module] = None
    for name in engines:
        spec, version = spec_of(name), distributions.version(name)
        backend = _backend(launch) if spec and _backend(launch) in spec.backends else None
        by_module = {e.module: e for e in spec.entries} if spec else {}
        for entry in entry_modules(name, version, backend, program=None):
            needs = by_module[entry].backend if entry in by_module else None
            if needs and backend is None:
                optional[entry] = needs
            else:
                entries[entry] = None
    return LinkRequest(
        engines, all_modules(reader, distributions, engines), _beside(reader, distributions, engines),
        tuple(e for e in entries if e == module or exists(reader, e)),
        tuple((m, b) for m, b in optional.items() if exists(reader, m)),
    )  # fmt: skip


def exists(reader: ModuleReader, name: str) -> bool:
    """Whether the files of a module and of its packages are there."""
    return _located(reader, name) is not None


def source_of(reader: ModuleReader, name: str) -> str | None:
    """The file of a module, found through the folders of its packages."""
    found = _located(reader, name)
    return found.file if found else None


def _located(reader: ModuleReader, name: str) -> Found | None:
    search: list[str] | None = None
    parts = name.split(".")
    found: Found | None = None
    for count in range(1, len(parts) + 1):
        found = reader.find(".".join(parts[:count]), search)
        if found is None or (found.search is None and count < len(parts)):
            return None
        search = list(found.search or ())
    return found


def all_modules(reader: ModuleReader, distributions: Distributions, names: tuple[str, ...]) -> tuple[str, ...]:
    """Every importable module of the named distributions."""
    from doctor.link.python.environment import modules_of

    def folders(top: str) -> tuple[str, ...]:
        found = reader.find(top, None)
        return found.search or () if found else ()

    return modules_of(distributions, names, reader.module_files, folders)


def _beside(reader: ModuleReader, distributions: Distributions, engines: tuple[str, ...]) -> tuple[str, ...]:
    """The top-level packages of other distributions that sit on the model stack."""
    tops: dict[str, None] = {}
    for distribution in distributions.installed:
        if distribution.key not in engines and reader.on_stack(distribution.key):
            tops.update(dict.fromkeys(t for t in distribution.top_level if t.isidentifier() and not t.startswith("_")))
    return tuple(t for t in tops if t not in ("tests", "test", "docs", "examples", "benchmarks"))


def _backend(launch: Launch | Unavailable) -> str | None:
    """The value of `--backend` in the launch command."""
    from doctor.launch.options import option_of

    return option_of(launch.argv, "--backend") if isinstance(launch, Launch) else None


def _module(launch: Launch | Unavailable) -> str | None:
    return launch.module if isinstance(launch, Launch) else None


class NativeGate:
    """Asks the loader's model whether an extension module would load, after what has been imported before it."""

    def __init__(self, linker: NativeLinker, distributions: Distributions) -> None:
        self.linker = linker
        torch = distributions.get("torch")
        self.torch = f"{torch.location}/torch" if torch else None

    def __call__(self, file: str, loaded: tuple[str, ...]) -> Cause | None:
        """Why `import` of this file fails in the loader, or None where it does not or cannot be known."""
        before = self.linker.preload_of(self.torch) if self.torch and "torch" in loaded else ()
        verdict = self.linker.load(file, tuple(p for p in before if p.path != file))
        if verdict.status != "fail":
            return None
        kind = verdict.kind if verdict.kind in _KINDS else "error"
        return Cause(kind, verdict.name or "?", verdict.name, error="ImportError", text=verdict.text)  # type: ignore[arg-type]
