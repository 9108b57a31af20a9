"""The fields of `lmdeploy check_env`, `python -m sglang.check_env` and `transformers env`, in their order."""

from __future__ import annotations

from doctor.report.forms.known import Known, Row, devices_by_name

MISSING = "Module Not Found"
SGLANG = (
    "sglang", "sglang-kernel", "sgl_kernel", "flashinfer_python", "triton", "transformers", "torchao", "numpy",
    "aiohttp", "fastapi", "huggingface_hub", "interegular", "modelscope", "orjson", "outlines", "packaging", "psutil",
    "pydantic", "python-multipart", "pyzmq", "uvicorn", "uvloop", "vllm", "xgrammar", "openai", "tiktoken",
)  # fmt: skip
LMDEPLOY = ("transformers", "fastapi", "pydantic", "triton")
TRANSFORMERS = (
    "`transformers` version", "Platform", "Python version", "Huggingface_hub version", "Safetensors version",
    "Accelerate version", "DeepSpeed version", "PyTorch version (accelerator?)",
    "Using distributed or parallel set-up in script?",
)  # fmt: skip


def lmdeploy(known: Known) -> list[Row]:
    """Without the random seed, torch's compiling details, the topology and the hash of the folder's own git."""
    gcc, release = known.tools.gcc, known.version("lmdeploy")
    names = known.tools.listed.get("lmdeploy/cli/cli.py:extra_reqs", LMDEPLOY)
    vision = known.have.version("torchvision")
    return [
        ("sys.platform", "linux"), ("Python", known.python or "unknown"), ("CUDA available", str(bool(known.visible))),
        ("MUSA available", "False"), *_devices(known), ("GCC", f"gcc {gcc}" if gcc else "n/a"),
        ("PyTorch", known.have.version("torch") or "not installed"), *([("TorchVision", vision)] if vision else []),
        ("LMDeploy", f"{release}+" if release else "not installed"),
        *((name, known.version(name) or "Not Found") for name in names),
    ]  # fmt: skip


def sglang(known: Known) -> list[Row]:
    """Without the topology and the hypervisor, which only the processor itself tells."""
    capabilities = {d.capability for d in known.visible}
    places = ",".join(map(str, range(len(known.visible))))
    one = next(iter(capabilities)) if len(capabilities) == 1 else None
    ability = [(f"GPU {places} Compute Capability", f"{one[0]}.{one[1]}")] if one else []
    devices = _devices(known)
    split = sum(label.startswith("GPU") for label, _ in devices)
    driver = [("CUDA Driver Version", known.driver)] if devices and known.driver else []
    files = known.host.open_files
    return [
        ("Python", known.python or "unknown"), ("CUDA available", str(bool(known.visible))),
        *devices[:split], *ability, *devices[split:], *driver,
        ("PyTorch", known.have.version("torch") or "not installed"),
        *((n, known.version(n) or MISSING) for n in known.tools.listed.get("sglang/check_env.py:PACKAGE_LIST", SGLANG)),
        *([("ulimit soft", str(files[0]))] if files else []),
    ]  # fmt: skip


def _devices(known: Known) -> list[Row]:
    if not known.visible:
        return []
    home = [("CUDA_HOME", known.tools.cuda_home)] if known.tools.cuda_home else []
    return [*devices_by_name(known.visible), *home, *([("NVCC", known.nvcc)] if home and known.nvcc else [])]


def transformers(known: Known) -> list[Row]:
    """The labels of the installed release, as far as they can be filled; the last ones are the reporter's to fill."""
    lists = known.tools.listed
    older = lists.get("transformers/commands/env.py:info", TRANSFORMERS)
    labels = lists.get("transformers/cli/system.py:info", older)
    gpu = known.visible[:1]
    asked = [("Using GPU in script?", "<fill in>"), ("GPU type", gpu[0].name)] if gpu else []
    return [*((label, value) for label in labels if (value := _value(known, label)) is not None), *asked]


def _value(known: Known, label: str) -> str | None:
    fixed = {
        "`transformers` version": known.version("transformers") or "not installed", "Platform": known.platform,
        "Python version": known.python, "Using distributed or parallel set-up in script?": "<fill in>",
    }  # fmt: skip
    if label in fixed:
        return fixed[label]
    if label.startswith("PyTorch version"):
        torch = known.have.version("torch")
        seen = ("CUDA" if known.visible else "NA") if "accelerator" in label else str(bool(known.visible))
        return f"{torch} ({seen})" if torch else "not installed (NA)"
    if label == "Accelerate config":
        return None if known.version("accelerate") else "not found"
    name, _, rest = label.partition(" ")
    return (known.version(name) or "not installed") if rest == "version" else None
