"""The engine's own modules that hold the named model's class: they are imported when the model is loaded."""

from __future__ import annotations

from doctor.derived.case import Case, memoized
from doctor.derived.engine import backends
from doctor.facts import Model


@memoized
def modules_of_the_model(case: Case) -> dict[str, str]:
    """Module -> the architecture whose class it holds, for the engine of the launch; empty without a model.

    Only where one backend alone can serve the model: an engine with two may still take the other one.
    """
    model, chosen = case.facts.model, case.engine
    if not isinstance(model, Model) or len(chosen) != 1:
        return {}
    out: dict[str, str] = {}
    tables = [t for t in backends(chosen[0], case.facts, "architectures").values() if _listed(t, model)]
    for table in tables if len(tables) == 1 else ():
        out |= _holding(table, model)
    if not chosen[0].data.backends or out:
        out |= _holding(chosen[0].table("architectures.vision"), model)
    return out


def _listed(table: dict[str, object], model: Model) -> bool:
    return any(a in table for a in model.architectures)


def _holding(table: dict[str, object], model: Model) -> dict[str, str]:
    """The module of the first architecture that the table lists: `package.module.Class`, or the module alone."""
    for architecture in model.architectures:
        value = table.get(architecture)
        if isinstance(value, str) and "." in value:
            return {value.removesuffix(f".{value.rpartition('.')[2]}") if _is_class(value) else value: architecture}
    return {}


def _is_class(value: str) -> bool:
    return value.rpartition(".")[2][:1].isupper()
