"""The model's own Python files linked against the target: would they import what they import, here?"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.facts import Distributions, Model, Modules, ModuleStatus, RemoteCode, Target, Unavailable, Use

if TYPE_CHECKING:
    from doctor.pipeline.environment import Environment
    from doctor.pipeline.request import Request

TOP = "transformers_modules"  # the package under which transformers itself loads such files


@dataclass(frozen=True)
class Linked:
    """What was found: verdicts by file, the packages that are absent, and what the files take from others."""

    verdicts: dict[str, ModuleStatus]
    absent: tuple[str, ...]
    uses: tuple[Use, ...]


def with_code(
    target: Target, environment: Environment, model: Model | Unavailable, request: Request
) -> tuple[Model | Unavailable, Modules | Unavailable]:
    """The model and the modules, with the verdicts on the model's code put in."""
    modules, distributions = environment.modules, environment.distributions
    code = model.code if isinstance(model, Model) else None
    if not (isinstance(model, Model) and code and code.files and isinstance(modules, Modules)):
        return model, modules
    if not isinstance(distributions, Distributions) or not Path(model.folder or model.path).is_dir():
        return model, modules
    linked = _linked(target, distributions, model, code, request)
    more = tuple(u for u in linked.uses if u not in modules.uses)
    return (
        replace(model, code=replace(code, absent=linked.absent)),
        replace(
            modules, verdicts={**linked.verdicts, **modules.verdicts}, uses=modules.uses + more,
            code=tuple(n for n in linked.verdicts if n.startswith(f"{TOP}.")),
        ),
    )  # fmt: skip


def _linked(target: Target, distributions: Distributions, model: Model, code: RemoteCode, request: Request) -> Linked:
    """From memory, or read anew."""
    from doctor.collect import cache

    asked = ("model", model.folder or model.path, *code.files, request.target.cwd)
    place = cache.place(target, asked, request.environ) if request.use_cache else None
    known = cache.load(place, Linked, request.environ) if place else None
    if known is not None:
        return known
    made, seen, variables = _link(target, distributions, model, code, request)
    if place:
        cache.save(place, made, seen, variables, request.environ)
    return made


def _link(
    target: Target, distributions: Distributions, model: Model, code: RemoteCode, request: Request
) -> tuple[Linked, dict[str, tuple[int, int] | None], set[str]]:
    from doctor.collect.native.libraries import reader_for
    from doctor.collect.python.modules import ModuleReader
    from doctor.link.python.environment import LinkRequest, link_environment
    from doctor.pipeline.natives import NativeGate

    libraries = reader_for(target)
    reader = ModuleReader(target, distributions, (), request.environ)
    reader.loader = NativeGate(libraries, target, distributions)
    folder = os.path.realpath(model.folder or model.path)
    reader.bring(TOP, folder)
    # a file of which not all could be read safely is not linked: the linker would open what was refused
    whole = not code.problems and not any("--" in file for file in (*code.files, *code.missing))
    names = [f"{TOP}.{file.removesuffix('.py').replace('/', '.')}" for file in code.files] if whole else []
    tops = {t: reader.find(t, None) for t in sorted({i.module.partition(".")[0] for i in code.imports})}
    absent = tuple(top for top, place in tops.items() if place is None and top.isidentifier())
    beside = tuple(top for top, place in tops.items() if place is not None and place.kind != "stdlib")
    found = link_environment(reader, LinkRequest((), (), beside, tuple(names), strange=f"{TOP}."), request.progress)
    for distribution in distributions.installed:
        reader.note(distribution.metadata_path)
    for path in target.paths:
        reader.note(path)
    verdicts = {name: _shown(status, folder) for name, status in found.verdicts.items()}
    uses = tuple(replace(use, importer=TOP) for use in found.uses)
    return Linked(verdicts, absent, uses), {**libraries.seen, **reader.seen}, reader.asked


def _shown(status: ModuleStatus, folder: str) -> ModuleStatus:
    """The same verdict with files of the model named from its folder on."""
    cause = status.cause
    if cause is None or cause.file is None:
        return status
    lead = folder.replace("\\", "/").rstrip("/") + "/"
    file = cause.file.replace("\\", "/")
    return replace(status, cause=replace(cause, file=file[len(lead) :])) if file.startswith(lead) else status
