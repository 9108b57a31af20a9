"""Which quantization is to be served and by which backend; it follows from the model, the launch and the release."""

from __future__ import annotations

from doctor.derived.engine import Chosen
from doctor.derived.known_model import is_of_family_alone
from doctor.facts import Facts, Model, Quantization
from doctor.facts.gpu import Device, Gpu
from doctor.facts.model import Weights
from doctor.launch.options import model_word, option
from doctor.matrix.engines import option_names
from doctor.matrix.models.quantization import Capability, Need, as_written, floor, takes
from doctor.matrix.models.turbomind import served_by

KINDS = (
    "decisions", "quantization.schemes",
    *(f"{kind}.{b}" for kind in ("quantization", "architectures") for b in ("turbomind", "pytorch", "default")),
)  # fmt: skip
FAMILIES = {
    "awq": ("awq", "awq_marlin", "auto_awq"),
    "gptq": ("gptq", "gptq_marlin", "gptq_marlin_24", "gptq_bitblas", "auto_gptq", "marlin", "exllama"),
    "compressed-tensors": ("compressed-tensors", "compressed_tensors"),
    "fp8": ("fp8",), "bitsandbytes": ("bitsandbytes",), "mxfp4": ("mxfp4",), "aqlm": ("aqlm",), "gguf": ("gguf",),
    "modelopt": ("modelopt", "modelopt_fp4", "petit_nvfp4"), "quark": ("quark",),
}  # fmt: skip
NOT_ONE = ("hf", "none", "auto")


def to_serve(facts: Facts, online: bool = False) -> Need | None:
    """The quantisation to be served: that of the model, a GGUF file, or else what the launch says; None for none.

    `online`: the launch may also ask for one that the engine makes itself out of a model that has none.
    """
    model = facts.model if isinstance(facts.model, Model) else None
    told = option(facts, *option_names("quantization"))
    told = told if told and told.lower() not in NOT_ONE else None
    found = model.quantization if model else None
    if found is None and _is_gguf(facts):
        found = Quantization("gguf", source="the file's name")
    if found is None and told and (model is None or is_of_family_alone(model) or online):
        found = Quantization(told, source="the launch command")
    if found is None:
        return None
    weakest = weakest_device(facts)
    return Need(
        found, model.architectures[:1] if model else (), model.config if model else {},
        capability=weakest.capability if weakest else None,
    )  # fmt: skip


def _is_gguf(facts: Facts) -> bool:
    """Whether what is to be served is one file of llama.cpp."""
    if isinstance(facts.model, Model) and isinstance(facts.model.weights, Weights):
        return facts.model.weights.format == "gguf"
    return (model_word(facts) or "").lower().endswith(".gguf")


def weakest_device(facts: Facts) -> Device | None:
    """The usable GPU of the lowest compute capability, or None where none is known."""
    usable = facts.gpu.usable if isinstance(facts.gpu, Gpu) else ()
    return min(usable, key=lambda d: d.capability, default=None)


def used(facts: Facts, chosen: Chosen, need: Need) -> tuple[str, ...]:
    """The backends that this launch leaves: LMDeploy takes TurboMind where that has the model, else PyTorch."""
    if not chosen.data.backends:
        return ("default",)
    if option(facts, "--backend") == "pytorch":
        return ("pytorch",)
    row = chosen.row(*KINDS)
    for architecture in need.architectures:
        found = served_by(row, architecture, need.config, need.quantization.method)
        if found is None:
            break
        if found:
            return ("turbomind",)
        if architecture in row.get("architectures.pytorch", {}) or "architectures.pytorch" in row:
            return ("pytorch",)
    return ("turbomind", "pytorch")


def refusal(chosen: Chosen, backend: str, need: Need) -> str | None:
    """Why this backend of the release that is here does not take the checkpoint, or None."""
    return takes(chosen.row(*KINDS), chosen.name, chosen.version, backend, need)


def unread(chosen: Chosen, backends: tuple[str, ...], need: Need) -> str | None:
    """Why a backend that takes the method may still refuse its settings, as a clause; None where they were read."""
    if backends == ("turbomind",) and chosen.table("decisions").get("quantization") and as_written(need) is None:
        return f"the settings of `{need.quantization.method}`, such as its group size, decide here and are not known"
    return None


def too_old(chosen: Chosen, backend: str, need: Need, capability: Capability | None) -> bool:
    """Whether the GPU is older than this backend's floor for the method."""
    least = floor(chosen.row(*KINDS), backend, need.quantization)
    return capability is not None and least is not None and capability < least.capability


def family(method: str) -> str:
    """The form of checkpoint that a method reads; names of faster kernels stand for the same form."""
    return next((f for f, names in FAMILIES.items() if method in names or method.replace("-", "_") in names), method)
