"""What is true of an environment: frozen dataclasses and nothing else.

Every field of `Facts` is a value or `Unavailable`. One file holds them (`doctor.facts.codec`): the facts that a
machine saves, a bug report carries and a test replays are the same thing.
"""

from __future__ import annotations

from typing import Any

from doctor.base.record import dataclass
from doctor.facts.distribution import (
    ChangedFile,
    Collision,
    Distribution,
    Distributions,
    Gate,
    Owner,
    Pin,
    Shadow,
    normalize,
)
from doctor.facts.gateway import Gateway, GatewayModel, Neighbor, Neighbors, Reference, Route, Scrape
from doctor.facts.gpu import Gpu
from doctor.facts.host import Host
from doctor.facts.launch import Container, Granted, Launch
from doctor.facts.model import (
    CodeAct,
    CodeImport,
    Model,
    Quantization,
    QuantizationGroup,
    RemoteCode,
    WeightFile,
    Weights,
)
from doctor.facts.modules import Cause, Modules, ModuleStatus, Use
from doctor.facts.natives import CudaNeed, GpuCode, NativeLibrary, Natives, NativeVerdict
from doctor.facts.network import Network
from doctor.facts.observed import Observed
from doctor.facts.release import ReadRelease
from doctor.facts.target import Problem, Target
from doctor.facts.trial import Trial, Trials
from doctor.facts.unavailable import NOT_REQUESTED, Unavailable

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rules may look at. `schema` counts incompatible changes of the saved form.

    `observed` is what this very launch logged of its memory when it ran here before.
    `releases` are installed engines that the data does not cover, as their own files tell what they accept.
    """

    target: Target
    distributions: Distributions | Unavailable = NOT_REQUESTED
    modules: Modules | Unavailable = NOT_REQUESTED
    natives: Natives | Unavailable = NOT_REQUESTED
    launch: Launch | Unavailable = NOT_REQUESTED
    gpu: Gpu | Unavailable = NOT_REQUESTED
    host: Host | Unavailable = NOT_REQUESTED
    model: Model | Unavailable = NOT_REQUESTED
    gateway: Gateway | Unavailable = NOT_REQUESTED
    neighbors: Neighbors | Unavailable = NOT_REQUESTED
    trials: Trials | Unavailable = NOT_REQUESTED
    observed: Observed | Unavailable = NOT_REQUESTED
    network: Network | Unavailable = NOT_REQUESTED
    releases: tuple[ReadRelease, ...] = ()
    schema: int = SCHEMA

    def version(self, name: str | None) -> str | None:
        """The version of a distribution that is installed or declared; None where that is not known."""
        return self.distributions.version(name) if name and isinstance(self.distributions, Distributions) else None


def present(facts: Facts, name: str, kind: type[Any]) -> Any:
    """The fact `name`, of type `kind`; for rules that name it in `needs`, where it cannot be missing."""
    value = getattr(facts, name)
    if not isinstance(value, kind):
        raise TypeError(f"fact {name!r} is {type(value).__name__}; does the rule name it in `needs`?")
    return value


__all__ = [
    "NOT_REQUESTED", "SCHEMA", "Cause", "ChangedFile", "CodeAct", "CodeImport", "Collision", "Container",
    "CudaNeed", "Distribution", "Distributions", "Facts", "Gate", "Gateway", "GatewayModel", "Gpu", "GpuCode",
    "Granted", "Host", "Launch", "Model", "ModuleStatus", "Modules", "NativeLibrary", "NativeVerdict", "Natives",
    "Neighbor", "Neighbors", "Network", "Observed", "Owner", "Pin", "Problem", "Quantization", "QuantizationGroup",
    "ReadRelease", "Reference", "RemoteCode", "Route", "Scrape", "Shadow", "Target", "Trial", "Trials", "Unavailable",
    "Use", "WeightFile", "Weights", "normalize", "present",
]  # fmt: skip
