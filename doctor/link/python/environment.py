"""The link check of a whole environment: engines in full, what sits beside them on the model stack by its top."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import replace

from doctor.base.record import dataclass
from doctor.facts import Cause, Distributions, Modules, ModuleStatus, Use
from doctor.link.python.alone import settle
from doctor.link.python.imports import check_one, with_deep_stack
from doctor.link.python.machine import Machine
from doctor.link.python.reader import Reader
from doctor.link.python.values import ModuleVal

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LinkRequest:
    """What to judge: the engines' `modules`, the packages `beside` them, and the launch's `entries`.

    Each is judged as the first import of a new process. `distributions` are those of which `modules` lists all. Of the
    packages `met`, those are judged that the entries import; `listed` are modules that are there and are not judged.
    Modules below the top-level name `strange` were written by strangers: little effort is spent on all of them.
    """

    distributions: tuple[str, ...]
    modules: tuple[str, ...]
    beside: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    optional: tuple[tuple[str, str], ...] = ()
    strange: str = ""
    met: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()


def link_environment(reader: Reader, request: LinkRequest, progress: Progress | None = None) -> Modules:
    """The verdicts, in the order: entries (as the launch imports them), the other modules, the packages beside."""
    return with_deep_stack(lambda: _link(reader, request, progress))


def _link(reader: Reader, request: LinkRequest, progress: Progress | None) -> Modules:
    machine = Machine(reader)
    machine.strange = request.strange
    optional = dict(request.optional)
    first = [*request.entries, *optional]
    names = list(dict.fromkeys((*first, *request.beside, *request.met, *request.modules)))
    steps = iter(range(1, len(names) + 1))

    def judge(name: str) -> ModuleStatus:
        if progress is not None:
            progress(next(steps), len(names))
        return check_one(machine, name)

    verdicts = {name: judge(name) for name in first}
    eager = _of_interest(tuple(machine.modules), machine)
    beside = (*request.beside, *(n for n in request.met if n in machine.modules or n in machine.failed))
    verdicts.update({name: judge(name) for name in beside if name not in verdicts})
    uses = set(machine.uses)
    verdicts.update({name: judge(name) for name in request.modules if name not in verdicts})
    verdicts = {n: _relative(v, reader.paths) for n, v in settle(machine, verdicts, frozenset(request.entries)).items()}
    cut_short = [n for n in (*first, *beside) if _lacks(verdicts[n])]
    if cut_short:
        uses |= _uses_of_all(reader, cut_short, request.strange)
    tops = {m.partition(".")[0] for m in (*first, *beside)}
    return Modules(
        distributions=request.distributions, verdicts=verdicts, entries=request.entries, optional=optional,
        eager=eager, uses=_sorted_uses(uses, tops), listed=request.listed,
    )  # fmt: skip


def _lacks(status: ModuleStatus) -> bool:
    return status.cause is not None and status.cause.kind in ("missing-name", "missing-module")


def _uses_of_all(reader: Reader, names: list[str], strange: str) -> set[tuple[str, str, str | None]]:
    """What these modules would take from others if nothing were missing: a failed import stops at its first gap."""
    machine = Machine(reader, lenient=True)
    machine.strange = strange
    for name in names:
        check_one(machine, name)
    return set(machine.uses)


def _of_interest(names: Iterable[str], machine: Machine) -> tuple[str, ...]:
    """Modules that are interpreted or compiled; the standard library and foundations are left out of the facts."""
    kept = (n for n in names if isinstance(m := machine.modules.get(n), ModuleVal) and m.depth != "surface")
    return tuple(n for n in kept if not getattr(machine.modules[n], "is_stdlib", False))


def _sorted_uses(uses: set[tuple[str, str, str | None]], tops: set[str]) -> tuple[Use, ...]:
    wanted = sorted((u for u in uses if u[0] in tops), key=lambda u: (u[0], u[1], u[2] or ""))
    return tuple(Use(*u) for u in wanted if _releases_matter(u[1]))


def _releases_matter(module: str) -> bool:
    return module.partition(".")[0] in ("transformers", "huggingface_hub", "tokenizers", "accelerate", "peft", "torch")


def _relative(status: ModuleStatus, paths: tuple[str, ...]) -> ModuleStatus:
    """The same verdict with the file given from its search path entry on, as Python's users know it."""
    cause = status.cause
    if cause is None or cause.file is None:
        return status
    for path in paths:
        lead = path.rstrip("/\\") + "/"
        if cause.file.replace("\\", "/").startswith(lead.replace("\\", "/")):
            return replace(status, cause=_with_file(cause, cause.file[len(lead) :]))
    return status


def _with_file(cause: Cause, file: str) -> Cause:
    return replace(cause, file=posixpath.normpath(file.replace("\\", "/")))


def modules_of(distributions: Distributions, names: Iterable[str], files: Callable[[str], list[str]],
               folders: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:  # fmt: skip
    """The importable modules of distributions; `files` lists the `.py` files below a folder, `folders` a package's."""
    out: dict[str, None] = {}
    for name in names:
        distribution = distributions.get(name)
        for top in distribution.top_level if distribution else ():
            for folder in folders(top) or ():
                for file in files(folder):
                    module = _module_name(top, file)
                    if module:
                        out[module] = None
            out.setdefault(top)
    return tuple(out)


def _module_name(top: str, file: str) -> str | None:
    parts = file.removesuffix(".py").split("/")
    if not all(p.isidentifier() for p in parts):
        return None
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join((top, *parts))
