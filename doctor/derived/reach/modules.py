"""The modules that a launch imports: its entries, those of the half that runs, and the named model's own."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.derived.case import Case, memoized
from doctor.derived.engine import Chosen
from doctor.derived.reach.halves import half
from doctor.facts import Model, Modules


@dataclass(frozen=True, slots=True)
class Reached:
    """A module that the launch imports, and why: `entry` at startup, `backend` with its half, `model` for the model.

    `half` is the backend that needs it, None where every launch of the engine does.
    """

    module: str
    why: str
    half: str | None = None


@memoized
def reached_modules(case: Case) -> tuple[Reached, ...]:
    """What this launch imports, in the order in which it does; without a link check, the model's modules alone."""
    modules = case.facts.modules if isinstance(case.facts.modules, Modules) else None
    out = [Reached(name, "entry") for name in modules.entries] if modules else []
    used = {half(case, chosen) for chosen in case.engine}
    for name, backend in (modules.optional if modules else {}).items():
        if backend in used:
            out.append(Reached(name, "backend", backend))
    for chosen in case.engine:
        out += [Reached(name, "model", half(case, chosen)) for name in model_modules(case, chosen)]
    return tuple({one.module: one for one in reversed(out)}.values())[::-1]


@memoized
def is_reached(case: Case, module: str) -> bool:
    """Whether the launch imports this module, through others too where the link check followed them."""
    modules = case.facts.modules
    eager = modules.eager if isinstance(modules, Modules) else ()
    return module in eager or any(one.module == module for one in reached_modules(case))


@memoized
def model_modules(case: Case, chosen: Chosen) -> tuple[str, ...]:
    """The engine's modules that implement the named model's architectures, as this release's registry says.

    `vllm.model_executor.models.llava` for LlavaForConditionalGeneration; empty where model or release is not known.
    """
    model = case.facts.model
    if not isinstance(model, Model):
        return ()
    kinds = ("architectures.default", f"architectures.{half(case, chosen)}", "architectures.vision")
    row = chosen.row(*kinds)
    out: dict[str, None] = {}
    for architecture in model.architectures[:1]:
        for kind in kinds:
            place = row.get(kind, {}).get(architecture)
            if isinstance(place, str) and place.startswith(f"{chosen.data.package}."):
                stem, _, last = place.rpartition(".")
                out[stem if last[:1].isupper() else place] = None
    return tuple(out)
