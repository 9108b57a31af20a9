"""What the machine asks: a torch that the driver runs and that has code for the GPU, and memory for the weights."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.derived.packages.torch_build import TorchBuild, torch_build
from doctor.derived.units import dotted
from doctor.facts import Distributions
from doctor.matrix import rows
from doctor.matrix.hardware import drivers, version
from doctor.plan.choices import Choice
from doctor.plan.draft import Draft
from doctor.plan.gpu_fit import too_large
from doctor.plan.solver.problem import Clause, Variable

_CODE = late_pattern(r"(sm|compute)_(\d{1,2})(\d)[a-z]?$")
GPU = "gpu"


def machine_clauses(draft: Draft) -> None:
    """The clauses of the driver, the GPU's code and the GPU's memory."""
    goal = draft.goal
    if goal.engines or draft.choices.installed.get("torch"):
        torch = draft.use("torch")
        build = _installed(draft)
        _driver(draft, torch, build)
        _capability(draft, torch)
        if build and build.kind == "cpu" and goal.devices and torch.current is not None:
            then = torch.present & ~(1 << torch.current)
            name = goal.devices[0].name
            text = f"the installed torch {build.version} is built without CUDA, and `{name}` needs it"
            draft.require(Clause("torch", then, f"torch for {name}", subject=f"GPU {name}", text=text))
    _memory(draft)


def _installed(draft: Draft) -> TorchBuild | None:
    have = draft.facts.distributions
    return torch_build(have) if isinstance(have, Distributions) else None


def _driver(draft: Draft, torch: Choice, build: TorchBuild | None) -> None:
    goal = draft.goal
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
    draft.require(Clause(
        "torch", then, f"driver {goal.driver}", subject=f"driver {goal.driver}", source="NVIDIA's driver table",
        text=f"driver {goal.driver} runs no newer CUDA than {goal.cuda}.x, and torch must be built for that{more}",
    ))  # fmt: skip


def _capability(draft: Draft, torch: Choice) -> None:
    devices = draft.goal.devices
    if not devices:
        return
    weakest = min(devices, key=lambda d: d.capability)
    then = (1 << len(torch.values)) - 1
    for having, codes in rows.history("torch", "build", "architectures"):
        if isinstance(codes, list) and codes and not all(runs(codes, d.capability) for d in devices):
            then &= ~having.bits
    if then != (1 << len(torch.values)) - 1:
        shown = f"{weakest.name} ({dotted(weakest.capability)})"
        draft.require(Clause(
            "torch", then, f"GPU code for {shown}", subject=f"GPU {weakest.name}",
            source="the GPU code in torch's wheels",
            text=f"not every torch has code for `{weakest.name}` (compute capability {dotted(weakest.capability)})",
        ))  # fmt: skip


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


def _memory(draft: Draft) -> None:
    """Whether the weights find room at all: no release of anything changes that."""
    goal = draft.goal
    found = too_large(goal)
    if found is not None:
        name = goal.devices[0].name
        draft.offer(Variable(GPU, (name,), 0))
        draft.require(Clause(GPU, 0, f"memory of {name}", subject=f"weights of {goal.label}", text=found))
