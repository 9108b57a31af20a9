"""What the installed torch is built for."""

from __future__ import annotations

import re
from typing import Literal

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts import Distributions

_RUNTIME = late_pattern(
    r"(?:nvidia-cuda-runtime(?:-cu\d\d)?|cuda-toolkit)(?:\[[^\]]{0,200}\])? ?\(?== ?(\d{1,2})\.(\d{1,2})"
)


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """`cuda` is `(13, 0)` of `+cu130`, None for another `kind`; `source` says where that is written."""

    version: str
    kind: Literal["cuda", "cpu", "other", "unknown"]
    cuda: tuple[int, int] | None
    source: str


def torch_build(distributions: Distributions) -> TorchBuild | None:
    """The build of the installed torch: its own version file first, else the CUDA runtime that it requires."""
    torch = distributions.get("torch")
    if torch is None:
        return None
    version = torch.build or torch.version
    local = version.partition("+")[2]
    told = "torch/version.py" if torch.location else torch.metadata_path  # a declared one has no files
    if match := re.match(r"cu(\d{2})(\d{1,2})(?:\D|$)", local):
        return TorchBuild(version, "cuda", (int(match[1]), int(match[2])), told)
    if local == "cpu" or local.startswith("cpu."):
        return TorchBuild(version, "cpu", None, told)
    if local.startswith(("rocm", "xpu", "hip")):
        return TorchBuild(version, "other", None, told)
    for line in torch.requires:
        if match := _RUNTIME.match(line):
            return TorchBuild(version, "cuda", (int(match[1]), int(match[2])), "torch's Requires-Dist")
    return TorchBuild(version, "unknown", None, "torch's METADATA")
