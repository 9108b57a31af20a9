"""What the rules on a model share."""

from __future__ import annotations

import shlex

from doctor.facts import Facts, Launch, Model, Unavailable, WeightFile, Weights
from doctor.findings import Action, Location, Remediation

SHOWN = 4
GIB = 1 << 30


def file(model: Model, name: str, line: int | None = None) -> Location:
    """A file of the model."""
    return Location("file", model.named or model.path, name, line)


def listed(names: tuple[str, ...]) -> str:
    """The first few names in backticks, and how many more there are."""
    shown = ", ".join(f"`{n}`" for n in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def bare(model: Model) -> bool:
    """A folder with configuration and without any weights: somebody asks about a model that is elsewhere."""
    weights = model.weights
    return isinstance(weights, Unavailable) or not weights.files


def broken(weights: Weights) -> tuple[WeightFile, ...]:
    """The files with which no engine can do anything."""
    return tuple(f for f in weights.files if f.fault in ("pointer", "truncated", "damaged"))


def launched(facts: Facts, model: Model) -> bool:
    """Whether the launch command itself names this model."""
    return isinstance(facts.launch, Launch) and model.named is not None and model.named in facts.launch.argv


def fetch_again(model: Model) -> Remediation:
    """The way to get whole files: from the hub where the model is named so, else by hand."""
    if model.source != "folder" and model.named:
        command = f"hf download {shlex.quote(model.named)}"
        return Remediation(f"fetch the files again: `{command}`", (Action("manual", text=command),), "manual")
    text = "copy or download the model's files again"
    return Remediation(text, (Action("manual", text=text),), "manual")
