"""Which modules a launch reaches: its entries, those of the named model, and the packages that it meets on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from doctor.facts import NOT_REQUESTED, Distributions, Facts, Launch, Model, ReadRelease, Target, Unavailable
from doctor.facts.source import Found

if TYPE_CHECKING:
    from doctor.collect.python.modules import ModuleReader
    from doctor.link.python.environment import LinkRequest

ModelModules = Callable[[Distributions], tuple[str, ...]]  # the engine's modules that hold the named model's class


def modules_of_model(
    target: Target, distributions: Distributions, launch: Launch | Unavailable, model: Model | Unavailable,
    releases: tuple[ReadRelease, ...], named: str | None,
) -> tuple[str, ...]:  # fmt: skip
    """The engine's modules that are imported when the model is loaded; none where its architecture is not known."""
    from doctor.derived.case import Case
    from doctor.derived.imports.model_modules import modules_of_the_model
    from doctor.derived.known_model import with_known_model

    facts = Facts(
        target=target, distributions=distributions, modules=NOT_REQUESTED, natives=NOT_REQUESTED, launch=launch,
        gpu=NOT_REQUESTED, host=NOT_REQUESTED, model=model, releases=releases,
    )  # fmt: skip
    return tuple(modules_of_the_model(Case(with_known_model(facts, named))))


def link_request(
    reader: ModuleReader, distributions: Distributions, engines: tuple[str, ...], launch: Launch | Unavailable,
    modules: tuple[str, ...] | None,
) -> LinkRequest:  # fmt: skip
    """What to link: the launch's entries, `modules` of the engines (None for all), and the packages beside them."""
    from doctor.link.python.environment import LinkRequest

    module, backend = module_of(launch), backend_of(launch)
    entries, optional = _entries(engines, distributions, backend)
    beside = _beside(reader, distributions, engines)
    met = _required(distributions, engines) if engines and isinstance(launch, Launch) and modules is not None else set()
    lost = module is not None and not exists(reader, module)
    every = all_modules(reader, distributions, engines) if modules is None or lost else ()
    tops = (t for name in engines if (one := distributions.get(name)) for t in one.top_level if exists(reader, t))
    return LinkRequest(
        engines if modules is None else (), every if modules is None else (*modules, *tops),
        tuple(t for t, key in beside.items() if key not in met),
        ((module,) if module else ()) + tuple(e for e in entries if e != module and exists(reader, e)),
        tuple((m, b) for m, b in optional.items() if exists(reader, m)),
        met=tuple(t for t, key in beside.items() if key in met), listed=every if lost else (),
    )  # fmt: skip


def _entries(
    engines: tuple[str, ...], distributions: Distributions, backend: str | None
) -> tuple[list[str], dict[str, str]]:
    """The modules that a launch of these engines imports, and those that only one of several backends needs."""
    from doctor.matrix.engines import engine as spec_of
    from doctor.matrix.engines import entry_modules

    entries: dict[str, None] = {}
    optional: dict[str, str] = {}
    for name in engines:
        spec, version = spec_of(name), distributions.version(name)
        chosen = backend if spec and backend in spec.backends else None
        by_module = {e.module: e for e in spec.entries} if spec else {}
        for entry in entry_modules(name, version, chosen, program=None):
            needs = by_module[entry].backend if entry in by_module else None
            if needs and chosen is None:
                optional[entry] = needs
            else:
                entries[entry] = None
    return list(entries), optional


def _beside(reader: ModuleReader, distributions: Distributions, engines: tuple[str, ...]) -> dict[str, str]:
    """The top-level packages of other distributions that sit on the model stack, each with its distribution's key."""
    tops: dict[str, str] = {}
    for one in distributions.installed:
        if one.key not in engines and reader.on_stack(one.key):
            mine = (t for t in one.top_level if t.isidentifier() and not t.startswith("_"))
            tops |= dict.fromkeys((t for t in mine if t not in tops), one.key)
    return {t: key for t, key in tops.items() if t not in ("tests", "test", "docs", "examples", "benchmarks")}


def _required(distributions: Distributions, engines: tuple[str, ...]) -> set[str]:
    """Everything that the engines require, themselves or through others, as far as it is here."""
    from doctor.collect.python.modules import required_name

    found: set[str] = set()
    left = list(engines)
    while left:
        one = distributions.get(left.pop())
        names = {required_name(line) for line in one.requires} - found if one else set()
        found |= names
        left += names
    return found


def backend_of(launch: Launch | Unavailable) -> str | None:
    """The value of `--backend` in the launch command."""
    from doctor.launch.options import option_of

    return option_of(launch.argv, "--backend") if isinstance(launch, Launch) else None


def module_of(launch: Launch | Unavailable) -> str | None:
    """The module that the launch command runs, as in `python -m MODULE`."""
    return launch.module if isinstance(launch, Launch) else None


def model_word(launch: Launch | Unavailable) -> str | None:
    """The word that names the model in the launch command."""
    from doctor.launch.options import model_of

    return model_of(launch) if isinstance(launch, Launch) else None


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
