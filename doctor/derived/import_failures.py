"""Failing imports gathered by what they fail on, with what that means for the launch."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.facts import Cause, Distributions, Facts, Launch, Model, Modules
from doctor.findings import Evidence, Location, Severity

SHOWN = 4


@dataclass(frozen=True, slots=True)
class Failure:
    """One missing thing, and every judged module that cannot be imported because of it."""

    cause: Cause
    modules: tuple[str, ...]
    severity: Severity
    effect: str

    @property
    def key(self) -> str:
        """What tells this failure from others of its rule."""
        return ".".join(part for part in (self.cause.module, self.cause.name) if part)


def failures(facts: Facts, *kinds: str) -> Iterator[Failure]:
    """The failures whose cause is of one of `kinds`, in the order in which the launch meets them."""
    modules = facts.modules
    if not isinstance(modules, Modules):
        return
    groups: dict[tuple[str, str, str | None], list[str]] = {}
    for name, status in modules.verdicts.items():
        if status.status == "fail" and status.cause is not None and status.cause.kind in kinds:
            cause = status.cause
            groups.setdefault((cause.kind, cause.module, cause.name), []).append(name)
    for names in groups.values():
        first = modules.verdicts[names[0]].cause
        if first is not None:
            yield Failure(first, tuple(names), *_meaning(facts, modules, first, names))


def _meaning(facts: Facts, modules: Modules, cause: Cause, names: list[str]) -> tuple[Severity, str]:
    launch = facts.launch if isinstance(facts.launch, Launch) else None
    engine = (launch.engine if launch else None) or next(iter(modules.distributions), None)
    if any(n in modules.entries for n in names):
        return "error", f"so {_command(launch, engine)} will not start"
    if modules.code and (meaning := _of_the_model(facts, modules, names)):
        return meaning
    backends = sorted({modules.optional[n] for n in names if n in modules.optional})
    if backends:
        return "warning", f"so {engine} cannot use its {' or '.join(backends)} backend here"
    tops = {n.partition(".")[0] for n in names}
    if any(n not in tops for n in names):
        optional = cause.kind == "missing-module" and installed(facts, cause.module) is None
        effect = f"so {_listed(names)} cannot be imported; this matters only for what needs it"
        return "note" if optional else "warning", effect
    return "warning", f"so `import {names[0]}` fails for every model or program that needs it"


def _of_the_model(facts: Facts, modules: Modules, names: list[str]) -> tuple[Severity, str] | None:
    """What it means for the model's own code: transformers imports every package that the code names, then the code.

    An error where the engine loads the file, as far as that can be told; None where the model's code is not concerned.
    """
    from doctor.derived.remote_code import demanded, used_files

    model = facts.model
    code = model.code if isinstance(model, Model) else None
    if not isinstance(model, Model) or code is None:
        return None
    used = used_files(facts, model, code)
    files = [f"{n.partition('.')[2].replace('.', '/')}.py" for n in names if n in modules.code]
    wanting = [one.file for top, one in demanded(facts, code, used).items() if top in names]
    concerned = [f for f in (*files, *wanting) if f in used]
    if concerned:
        sure = any(used[f] == "yes" for f in concerned)
        return "error" if sure else "warning", f"so `{concerned[0]}`, the model's own code, cannot be loaded"
    if len(files) < len(names):
        return None
    return "note", f"so `{files[0]}` of the model cannot be loaded, which this engine does not need"


def _command(launch: Launch | None, engine: str | None) -> str:
    if launch is not None and (launch.program or launch.module):
        words = (launch.program or f"python -m {launch.module}", *launch.subcommand[:2])
        return f"`{' '.join(words)}`"
    return engine or "this"


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{n}`" for n in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more modules"


def where(cause: Cause) -> str:
    """`file:line` of the statement that fails, or the module asked for."""
    if cause.file is None:
        return f"`import {cause.chain[-1]}`" if cause.chain else "The launch command"
    return f"`{cause.file}:{cause.line}`" if cause.line else f"`{cause.file}`"


def location(cause: Cause) -> Location:
    """The statement that fails."""
    owner = (cause.file or cause.module).replace("\\", "/").partition("/")[0].removesuffix(".py")
    return Location("file", owner, cause.file, cause.line)


def chain(failure: Failure) -> Evidence:
    """How the import gets there, from the module asked for to the one that fails."""
    steps = " > ".join(failure.cause.chain[-6:]) or failure.modules[0]
    return Evidence("chain", steps, source=failure.cause.error)


def installed(facts: Facts, module: str) -> tuple[str, str] | None:
    """The distribution (name, version) that brings the top level of `module`; None where none is installed."""
    if not isinstance(facts.distributions, Distributions):
        return None
    top = module.partition(".")[0]
    owner = next((d for d in facts.distributions.installed if top in d.top_level), None)
    return (owner.name, owner.build or owner.version) if owner else None
