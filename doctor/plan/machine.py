"""What the machine asks: a torch that the driver runs and that has code for the GPU, and memory for the weights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from doctor.derived.torch_build import TorchBuild, torch_build
from doctor.derived.units import dotted
from doctor.facts import Distributions
from doctor.matrix import rows
from doctor.matrix.hardware import drivers, version
from doctor.plan.choices import Choice
from doctor.plan.gpu_fit import too_large
from doctor.plan.problem import Variable

if TYPE_CHECKING:
    from doctor.plan.build import Builder

_CODE = re.compile(r"(sm|compute)_(\d{1,2})(\d)[a-z]?$")
GPU = "gpu"


def machine_clauses(builder: Builder) -> None:
    """The clauses of the driver, the GPU's code and the GPU's memory."""
    goal = builder.goal
    if goal.engines or builder.choices.installed.get("torch"):
        torch = builder.use("torch")
        build = _installed(builder)
        _driver(builder, torch, build)
        _capability(builder, torch)
        if build and build.kind == "cpu" and goal.devices and torch.current is not None:
            then = torch.present & ~(1 << torch.current)
            name = goal.devices[0].name
            text = f"the installed torch {build.version} is built without CUDA, and `{name}` needs it"
            builder.add("torch", then, f"torch for {name}", subject=f"GPU {name}", text=text)
    _memory(builder)


def _installed(builder: Builder) -> TorchBuild | None:
    have = builder.facts.distributions
    return torch_build(have) if isinstance(have, Distributions) else None


def _driver(builder: Builder, torch: Choice, build: TorchBuild | None) -> None:
    goal = builder.goal
    if goal.cuda is None:
        return
    then = torch.present
    if torch.current is not None and not torch.present >> torch.current & 1:
        then |= 1 << torch.current
    for having, cuda in rows.history("torch", "build", "cuda"):
        if version(str(cuda))[:1] > (goal.cuda,):
            then &= ~having.bits
    if build and build.cuda and torch.current is not None:
        fine = build.cuda[0] <= goal.cuda
        then = then | 1 << torch.current if fine else then & ~(1 << torch.current)
    least = drivers().oldest_driver((goal.cuda + 1, 0))
    more = f"; a newer one needs driver {least}" if least else ""
    builder.add(
        "torch", then, f"driver {goal.driver}", subject=f"driver {goal.driver}", source="NVIDIA's driver table",
        text=f"driver {goal.driver} runs no newer CUDA than {goal.cuda}.x, and torch must be built for that{more}",
    )  # fmt: skip


def _capability(builder: Builder, torch: Choice) -> None:
    devices = builder.goal.devices
    if not devices:
        return
    weakest = min(devices, key=lambda d: d.capability)
    then = (1 << len(torch.values)) - 1
    for having, codes in rows.history("torch", "build", "architectures"):
        if isinstance(codes, list) and codes and not all(runs(codes, d.capability) for d in devices):
            then &= ~having.bits
    if then != (1 << len(torch.values)) - 1:
        shown = f"{weakest.name} ({dotted(weakest.capability)})"
        builder.add(
            "torch", then, f"GPU code for {shown}", subject=f"GPU {weakest.name}",
            source="the GPU code in torch's wheels",
            text=f"not every torch has code for `{weakest.name}` (compute capability {dotted(weakest.capability)})",
        )  # fmt: skip


def runs(codes: list[str], capability: tuple[int, int]) -> bool:
    """Whether GPU code runs on a device: binaries of its major version, not newer; PTX of any older one."""
    for code in codes:
        match = _CODE.match(str(code))
        if match is None:
            continue
        made = (int(match[2]), int(match[3]))
        if made <= capability and (match[1] == "compute" or made[0] == capability[0]):
            return True
    return False


def _memory(builder: Builder) -> None:
    """Whether the weights find room at all: no release of anything changes that."""
    goal = builder.goal
    found = too_large(goal)
    if found is not None:
        builder.extra[GPU] = Variable(GPU, (goal.devices[0].name,), 0)
        builder.add(GPU, 0, f"memory of {goal.devices[0].name}", subject=f"weights of {goal.label}", text=found)
