"""Failing imports gathered by what they fail on; what each means follows from what the launch and the model reach."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.derived.case import Case
from doctor.derived.imports.model_modules import modules_of_the_model
from doctor.derived.imports.remote_code import demanded, used_files
from doctor.derived.packages.helpers import needed as needed_packages
from doctor.derived.packages.helpers import package_of
from doctor.derived.packages.providers import owner_of
from doctor.derived.units import listed
from doctor.facts import Cause, Launch, Model, Modules
from doctor.findings import Open, Severity


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


def failures(case: Case, *kinds: str) -> Iterator[Failure]:
    """The failures whose cause is of one of `kinds`, in the order in which the launch meets them."""
    modules = case.facts.modules
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
            yield Failure(first, tuple(names), *_meaning(case, modules, first, names))


def unread(case: Case) -> Iterator[Open]:
    """The answer where this user may not read a file that the launch imports: what it would ask for is not known."""
    modules = case.facts.modules
    found = (modules.verdicts.get(name) for name in modules.entries) if isinstance(modules, Modules) else ()
    causes = (one.cause for one in found if one is not None and one.status == "unknown")
    cause = next((c for c in causes if c is not None and c.error == "PermissionError"), None)
    if cause is not None:
        yield Open(f"the launch imports `{cause.module}`, which this user cannot read: {one_line(cause.text, 300)}")


def _meaning(case: Case, modules: Modules, cause: Cause, names: list[str]) -> tuple[Severity, str]:
    facts = case.facts
    launch = facts.launch if isinstance(facts.launch, Launch) else None
    engine = (launch.engine if launch else None) or next((one.name for one in case.engine), None)
    if any(n in modules.entries for n in names):
        return "error", f"so {_command(launch, engine)} will not start"
    needed = modules_of_the_model(case)
    if (own := next((n for n in names if n in needed), None)) is not None:
        return "error", f"so `{needed[own]}` cannot be loaded"
    if modules.code and (meaning := _of_the_model(case, modules, names)):
        return meaning
    if (helper := _of_a_helper(case, names)) is not None:
        return "error", f"so the model, which needs `{helper}`, cannot be loaded"
    backends = sorted({modules.optional[n] for n in names if n in modules.optional})
    if backends:
        return "warning", f"so {engine} cannot use its {' or '.join(backends)} backend here"
    tops = {n.partition(".")[0] for n in names}
    if any(n not in tops for n in names):
        optional = cause.kind == "missing-module" and owner_of(facts, cause.module) is None
        effect = f"so {listed(names, 'more modules')} cannot be imported; only what needs it is affected"
        return "note" if optional else "warning", effect
    return "warning", f"so `import {names[0]}` fails for every model or program that needs it"


def _of_the_model(case: Case, modules: Modules, names: list[str]) -> tuple[Severity, str] | None:
    """What it means for the model's own code: transformers imports every package that the code names, then the code.

    An error where the engine loads the file, as far as that can be told; None where the model's code is not concerned.
    """
    model = case.facts.model
    if not isinstance(model, Model) or model.code is None:
        return None
    used = used_files(case)
    files = [f"{n.partition('.')[2].replace('.', '/')}.py" for n in names if n in modules.code]
    wanting = [one.file for top, one in demanded(case).items() if top in names]
    concerned = [f for f in (*files, *wanting) if f in used]
    if concerned:
        sure = any(used[f] == "yes" for f in concerned)
        return "error" if sure else "warning", f"so `{concerned[0]}`, the model's own code, cannot be loaded"
    if len(files) < len(names):
        return None
    return "note", f"so `{files[0]}` of the model cannot be loaded, which this engine does not need"


def _of_a_helper(case: Case, names: list[str]) -> str | None:
    """The package among `names` that the engine imports for this model, where the model's own code was not read."""
    model = case.facts.model
    wanted = {p for c in case.engine for p in needed_packages(c, model)} if isinstance(model, Model) else set()
    return next((n for n in names if package_of(n) in wanted), None)


def _command(launch: Launch | None, engine: str | None) -> str:
    if launch is not None and (launch.program or launch.module):
        words = (launch.program or f"python -m {launch.module}", *launch.subcommand[:2])
        return f"`{' '.join(words)}`"
    return engine or "this"
