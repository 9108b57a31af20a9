"""The engines as data: how each is started, what it calls its options, what its releases do. `matrices/engines/*.yaml`.

    engine_row("vllm").option("context")            # --max-model-len
    engine_row("sglang").has("stops_at_long_context", "0.4.9")
    serving_engines()                               # those that may be asked for, in the order of advice

An engine is one file; what the keys mean stands in `matrices/schema/engines.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from doctor.matrix.engine_types import UNKNOWN, Engine, LaunchForm
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table


def engines() -> tuple[Engine, ...]:
    """Every engine, in order. Raises DataError for a file of ours that does not hold what it should."""
    return _all(data_dir())


def engine(name: str) -> Engine | None:
    """The engine of this name or distribution, or None."""
    return _by_name(data_dir()).get(name)


def engine_row(name: str | None) -> Engine:
    """The engine of this name; one without options or habits for a name that the data does not know."""
    return engine(name or "") or UNKNOWN


@cache
def _by_name(data: Path) -> dict[str, Engine]:
    return {name: e for e in reversed(_all(data)) for name in (e.distribution, e.name)}


def serving_engines() -> tuple[str, ...]:
    """The names of the engines that serve models and nothing else, in order."""
    return tuple(e.name for e in engines() if not e.library)


def names_of_engines() -> tuple[str, ...]:
    """The names of all, libraries too."""
    return tuple(e.name for e in engines())


def option_names(meaning: str) -> tuple[str, ...]:
    """What any engine calls an option: for commands whose engine is not known."""
    return tuple(dict.fromkeys(n for e in engines() for n in e.names(meaning) if n.startswith("-")))


def prefixes(*, native: bool = False) -> tuple[str, ...]:
    """How the variables of the serving engines begin; `native`: those that only compiled code reads, too."""
    mine = [e for e in engines() if not e.library]
    return tuple(p for e in mine for p in (*e.environment, *(e.native_environment if native else ())))


def launched(program: str | None, module: str | None, subcommand: tuple[str, ...]) -> Engine | None:
    """The engine that this console command or `python -m` module starts, or None."""
    found = launched_as(program, module, subcommand)
    return found[0] if found else None


def launched_as(
    program: str | None, module: str | None, subcommand: tuple[str, ...]
) -> tuple[Engine, LaunchForm] | None:
    """The engine that is started, and in which of its forms; None for what starts none."""
    return next(_matching(engines(), program, module, subcommand), None)


def started(
    known: tuple[Engine, ...], program: str | None, module: str | None, subcommand: tuple[str, ...]
) -> Engine | None:
    """The one of these engines that is started, or None."""
    return next((e for e, _ in _matching(known, program, module, subcommand)), None)


def _matching(
    known: tuple[Engine, ...], program: str | None, module: str | None, subcommand: tuple[str, ...]
) -> Iterator[tuple[Engine, LaunchForm]]:
    for candidate in known:
        for form in candidate.launches:
            named = form.program == program if program else form.module == module
            if (program or module) and named and _serves(candidate, form, subcommand):
                yield candidate, form


def _serves(candidate: Engine, form: LaunchForm, subcommand: tuple[str, ...]) -> bool:
    """Whether the words make a server of the program: one that needs no subcommand for it may have others."""
    if form.subcommand or not form.program:
        return subcommand[: len(form.subcommand)] == form.subcommand
    return not candidate.does_otherwise(subcommand)


def entry_modules(
    name: str,
    version: str | None = None,
    backend: str | None = None,
    *,
    vision: bool = True,
    program: str | None = None,
) -> tuple[str, ...]:
    """The modules that a launch of engine `name` imports, in order.

    Only those that release `version` has; for a release the data does not know, those of the newest it knows, and for
    a project it does not cover, all. `backend` None means that any may be chosen: modules of every backend are listed.
    """
    found = engine(name)
    if found is None:
        return ()
    wanted = [
        e.module
        for e in found.entries
        if (backend is None or e.backend in (None, backend))
        and (vision or not e.vision)
        and (program is None or e.program in (None, program))
    ]
    return tuple(m for m in wanted if _has(found.distribution, m, version))


def _has(distribution: str, module: str, version: str | None) -> bool:
    from doctor.matrix.providers import all_releases, releases_with

    having, releases = releases_with(distribution, module), all_releases(distribution)
    if having is None or releases is None:
        return True
    known = having.contains(version) if version else None
    return bool(having.contains(releases.versions[-1])) if known is None else known


@cache
def _all(data: Path) -> tuple[Engine, ...]:
    return tuple(sorted((_load(path) for path in (data / "engines").glob("*.yaml")), key=lambda e: (e.rank, e.name)))


@cache
def _load(path: Path) -> Engine:
    return table(Engine, path)
