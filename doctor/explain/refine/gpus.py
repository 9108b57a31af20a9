"""The driver is too old for this CUDA; the GPU is too old or too new for the compiled code."""

from __future__ import annotations

from doctor.explain.context import Digest, packages_of
from doctor.explain.matching import Candidate
from doctor.explain.refine.names import distribution_of
from doctor.explain.refine.refined import Refined, install, manual
from doctor.matrix.engines import engine_row, serving_engines

_SERVES = ("uvicorn", "Uvicorn", "serve", "xinference", "from_pretrained", "generate(")
_TRAINS = ("'loss':", "trainer.train", "/trainer.py", "optimizer.step", "/optim/", "loss.backward", "deepspeed", "fsdp",
           "torchrun")  # fmt: skip

# Lowest Linux driver for a CUDA major release (CUDA toolkit release notes, table of minor version compatibility).
_FLOOR = {11: "450", 12: "525", 13: "580"}


def driver(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `found`: the CUDA version that the driver supports, as 12080."""
    digits = candidate.match.groupdict().get("found") or ""
    cuda = f"{int(digits) // 1000}.{int(digits) % 1000 // 10}" if digits.isdigit() and len(digits) >= 4 else ""
    need = 13 if cuda.startswith("12") else 12
    where = "the NVIDIA driver on Windows" if digest.wsl else "the NVIDIA driver"
    text = (
        f"{where} is too old: it supports CUDA {cuda}, and the installed torch was built for a newer CUDA ({need}.x)"
        if cuda
        else f"{where} is too old for the CUDA of the installed torch"
    )
    older = f"cu{cuda.replace('.', '')}" if cuda else "an older CUDA"
    return Refined(
        text,
        (
            manual(f"upgrade the NVIDIA driver to a newer driver: driver >={_FLOOR[need]} for CUDA {need}"),
            manual(
                f"or install torch (and the engine) in a build for CUDA {cuda or 'of the driver'} or older, such as "
                f"{older}: torch==X+{older} from the PyTorch index"
                + ("; from PyPI torch<2.11 is a CUDA 12 build" if need == 13 else "")
            ),
            manual("or use an older image whose CUDA the host driver supports"),
        ),
    )


def memory(candidate: Candidate, digest: Digest) -> Refined:
    """Out of GPU memory: a server's options help a server alone; a training run and other programs have their own."""
    if digest.engine in serving_engines() or any(w in digest.text for w in _SERVES):
        return Refined()
    trains = any(w in digest.text for w in _TRAINS)
    less = "smaller inputs, a smaller or quantized model, or CPU offload"
    if trains:
        less = "a smaller batch with gradient accumulation or checkpointing, or shard the optimizer (ZeRO, FSDP)"
    who = "training run" if trains else "program"
    ways = (manual(f"use less of it: {less}"), manual("stop other processes that hold GPU memory (nvidia-smi)"))
    return Refined(f"there is not enough GPU memory (out of memory) for this {who}", ways)


def no_kernel(candidate: Candidate, digest: Digest) -> Refined:
    """`no kernel image is available`: says for which generation of GPU, where the log names it."""
    trace = candidate.line.trace
    found = packages_of(trace) if trace else []
    package = distribution_of(found[-1]) if found else digest.engine or "the program"
    gpu = f" ({digest.gpu})" if digest.gpu else ""
    if digest.generation == "old" or "because it is too old" in candidate.line.text:
        return Refined(
            f"the compiled code has no kernels for this GPU{gpu}: it is older than compute capability 7.0 (Pascal "
            f"sm_60/sm_61 or before), which {digest.engine or package} does not support",
            (
                manual("use a newer GPU (compute capability 7.0, Volta, or newer)"),
                manual("or serve a GGUF checkpoint with llama.cpp, or build the engine from source for this GPU"),
            ),
        )
    if digest.generation == "blackwell":
        return _blackwell(package, gpu)
    cpu = engine_row(package).kernels or package
    return Refined(
        f"the compiled code of `{cpu}` has no kernels for the architecture (compute capability) of this GPU{gpu}: "
        "an older GPU (before sm_70, Pascal), a newer one (Blackwell, sm_120, needs CUDA 12.8: cu128), or one left "
        "out of this build (such as sm_86)",
        (
            install(
                cpu,
                "reinstall",
                title=f"reinstall {cpu} and torch in a build that has this GPU's compute "
                "capability (nvidia-smi --query-gpu=compute_cap --format=csv)",
            ),
            manual(
                "or use a newer GPU; or build from source with TORCH_CUDA_ARCH_LIST set; GGUF with llama.cpp runs "
                "on old GPUs"
            ),
        ),
    )


def _blackwell(package: str, gpu: str) -> Refined:
    return Refined(
        f"the compiled code has no kernels for this Blackwell GPU{gpu} (sm_120/sm_100, compute capability "
        f"12.0/10.0): {package} was built for an older CUDA than 12.8",
        (
            install("torch", "reinstall", title="reinstall torch in a build for CUDA 12.8 or newer (cu128, cu130)"),
            install(
                package,
                "upgrade",
                title=f"and {package} built against it (a newer release), or build it with TORCH_CUDA_ARCH_LIST=12.0",
            ),
        ),
    )
