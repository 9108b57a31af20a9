"""Which accelerator a log comes from, and no advice for NVIDIA's on another."""

from __future__ import annotations

import dataclasses
import re

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.explain.refine.refined import manual
from doctor.findings import Finding, Remediation


@dataclass(frozen=True, slots=True)
class Platform:
    """A kind of accelerator: how logs name it, and where its builds of the engines come from."""

    name: str
    signs: re.Pattern[str]
    builds: str


_PLATFORMS = (
    Platform("an AMD GPU (ROCm)", late_pattern(
        r"platform rocm|HIP error|HIP out of memory|hipError\w|ROCM used to build PyTorch: \d|\+rocm\d|AMD Instinct|"
        r"AMD Radeon|libamdhip64"), "the ROCm image (rocm/vllm, or SGLang's -rocm tags) or AMD's wheels"),
    Platform("an Ascend NPU", late_pattern(
        r"[Pp]latform (?:plugin )?ascend|torch_npu|vllm_ascend|NPU out of memory|Ascend\d{3}|libascend|npu-smi"),
        "vllm-ascend, or LMDeploy with --device ascend"),
    Platform("an Intel GPU (XPU)", late_pattern(
        r"platform xpu|level_zero|UR_RESULT_ERROR|XPU out of memory|Intel\(R\) Arc|torch\.xpu|\+xpu"),
        "Intel's image (intel/vllm) or the XPU wheels of torch"),
    Platform("an Apple GPU (MPS)", late_pattern(r"MPS backend|torch\.mps|macOS-\d+[\d.]*-arm64|Apple M\d"),
             "vllm-metal, MLX or llama.cpp"),
)  # fmt: skip
_NVIDIA = late_pattern(
    r"(?i)nvidia|\bcu1\d\d\b|CUDA (?:toolkit|\d\d)|nvcc|\bsm_\d|driver >=|--gpus all|TORCH_CUDA_ARCH_LIST|cudnn|"
    r"compute capability"
)
_CUDA_RAN = late_pattern(r"CUDA error|CUDA out of memory|GPU \d: NVIDIA|Nvidia driver version: \d|platform cuda")


def platform_of(text: str) -> Platform | None:
    """The accelerator that a log comes from where it is none of NVIDIA's; None for those, and where nothing tells."""
    if _CUDA_RAN.search(text):
        return None
    return next((p for p in _PLATFORMS if p.signs.search(text)), None)


def suited(finding: Finding, platform: Platform | None) -> Finding:
    """The finding without ways out for NVIDIA GPUs, where the log comes from another accelerator."""
    if platform is None:
        return finding
    kept = tuple(r for r in finding.remediations if not _is_for_nvidia(r))
    if len(kept) == len(finding.remediations):
        return finding
    own = manual(f"the log comes from {platform.name}: use the engine's build for it ({platform.builds})")
    return dataclasses.replace(finding, remediations=(own, *kept))


def _is_for_nvidia(way: Remediation) -> bool:
    """Whether a way out is about NVIDIA's driver, libraries or kinds of GPU."""
    names = [a.package or "" for a in way.actions]
    return bool(_NVIDIA.search(way.title)) or any(n.startswith("nvidia-") for n in names)
