"""The fields of vLLM's `collect_env.py`, in its order and with its labels."""

from __future__ import annotations

from doctor.report.forms.known import Known, Row

NOT_THERE = "Could not collect"
PATTERNS = (
    "torch", "numpy", "mypy", "flake8", "triton", "optree", "onnx", "nccl", "transformers", "zmq", "nvidia", "pynvml",
    "flashinfer-python", "helion",
)  # fmt: skip
PREFIXES = ("TORCH", "NCCL", "PYTORCH", "CUDA", "CUBLAS", "CUDNN", "OMP_", "MKL_", "NVIDIA", "VLLM_")


def rows(known: Known) -> list[Row]:
    """The fields; those that only running the environment could tell are left out."""
    torch = known.have.version("torch")
    patterns = known.tools.listed.get("vllm/collect_env.py:DEFAULT_PIP_PATTERNS", PATTERNS)
    bits = f"{known.python} (64-bit runtime)" if known.python else NOT_THERE
    found: list[Row] = [
        ("OS", known.os or NOT_THERE), ("GCC version", known.tools.gcc or NOT_THERE),
        ("Libc version", known.libc or NOT_THERE), ("PyTorch version", torch or "N/A"),
        ("Is debug build", str(bool(known.tools.torch_debug)) if torch else "N/A"),
        ("CUDA used to build PyTorch", known.torch_cuda or ("None" if torch else "N/A")),
        ("Python version", bits), ("Python platform", known.platform or NOT_THERE),
        *(_cuda(known) if known.torch_cuda else ()), *_processor(known),
        *(("[pip3]", line) for line in known.packages(patterns)),
        ("vLLM Version", known.version("vllm") or "not installed"), ("vLLM Build Flags", _flags(known)),
    ]  # fmt: skip
    return [*found, *_variables(known)]


def _cuda(known: Known) -> list[Row]:
    gpus = [f"GPU {d.index}: {d.name}" for d in known.gpus]
    seen = [known.tools.nvcc, known.driver, "\n".join(gpus) or None]
    missing = "No CUDA" if not known.visible and not any(seen) else NOT_THERE
    loading = known.environment.get("CUDA_MODULE_LOADING", "") if known.visible else "N/A"
    cudnn = known.tools.cudnn
    many = "Probably one of the following:\n" if len(cudnn) > 1 else ""
    return [
        ("Is CUDA available", str(bool(known.visible))), ("CUDA runtime version", known.tools.nvcc or missing),
        ("CUDA_MODULE_LOADING set to", loading), ("GPU models and configuration", "\n".join(gpus) or missing),
        ("Nvidia driver version", known.driver or missing), ("cuDNN version", many + "\n".join(cudnn) or missing),
    ]  # fmt: skip


def _processor(known: Known) -> list[Row]:
    host, tools = known.host, known.tools
    lines = [("Architecture", host.machine), ("CPU(s)", tools.cpus), ("Vendor ID", tools.cpu_vendor),
             ("Model name", host.cpu_model)]  # fmt: skip
    return [(label, str(value)) for label, value in lines if value]


def _flags(known: Known) -> str:
    variables = known.environment
    rocm = "Enabled" if variables.get("ROCM_HOME") else "Disabled"
    return f"CUDA Archs: {variables.get('TORCH_CUDA_ARCH_LIST', 'Not Set')}; ROCm: {rocm}; XPU: Disabled"


def _variables(known: Known) -> list[Row]:
    own = set(known.tools.listed.get("vllm/envs.py:environment_variables", ()))
    prefixes = (*known.tools.listed.get("vllm/collect_env.py:report_prefix", ()), *PREFIXES)
    return [(n, v) for n, v in known.environment.items() if n in own or n.startswith(prefixes)]
