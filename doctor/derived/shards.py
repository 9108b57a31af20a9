"""What tensor parallelism divides of a model, and whether anything would be left over."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.facts import Model
from doctor.launch.asked import Asked
from doctor.memory.attention import Attention
from doctor.memory.decoder import of_experts
from doctor.memory.layout import Layout

# vision towers that vLLM divides without filling up heads that are left over: `divide(num_heads, tp_size)` of
# qwen2_vl.py, qwen2_5_vl.py (which qwen3_vl.py and qwen3_5.py use) and glm4_1v.py
SPLIT_TOWERS = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "glm4v")
# towers that vLLM keeps whole where their heads are not a multiple of the GPUs: intern_vit.py of 0.5.5 (`nn.Linear`),
# 0.6.0, 0.7.3, 0.9.2 and 0.33 (`num_heads % tp_size`); with every other number it divides them
UNDIVIDED_TOWERS = ("internvl_chat",)
CHECKED = ("vllm", "sglang")  # both stop at a block or group that is cut: quantization/fp8.py and awq.py
GROUPED = ("awq", "gptq", "compressed-tensors")
CUT_IS_REFUSED = ("awq",)  # for the others some kernels take a group that two GPUs share
WHOLE_EXPERTS = ("--enable-expert-parallel", "--ep-size", "--ep", "--expert-parallel-size", "--moe-dense-tp-size")


@dataclass(frozen=True, slots=True)
class Shards:
    """A model with the options that decide how it is divided."""

    asked: Asked
    model: Model
    layout: Layout
    attention: Attention


@dataclass(frozen=True, slots=True)
class Width:
    """A dimension that is divided: `what` it belongs to, as weights name their modules in `modules`."""

    what: str
    size: int
    modules: tuple[str, ...]


def left_over(parts: Shards, many: int) -> str | None:
    """What `many` GPUs do not divide evenly, as a clause; None where nothing is known to be left over."""
    shape = parts.attention
    if shape.heads % many:
        return f"the {shape.heads} attention heads of the model"
    if not shape.latent and shape.kv_heads and max(shape.kv_heads, many) % min(shape.kv_heads, many):
        return f"the {shape.kv_heads} key-value heads of the model"
    vision = _vision_heads(parts)
    if vision and vision % many and _divides_vision(parts) and _is_split(parts):
        return f"the {vision} heads of the vision tower"
    return _blocks(parts, many) or _groups(parts, many, sure=True)


def undecided(parts: Shards, many: int) -> str | None:
    """What may be left over and cannot be told, as a sentence without its stop; None where all was looked at."""
    vision, shown = _vision_heads(parts), parts.asked.shown
    if parts.layout.vision and _divides_vision(parts):
        if not vision and _is_split(parts):
            return "the model's configuration does not say how many heads its vision tower has"
        if vision and vision % many and not _is_split(parts) and not _stays_whole(parts):
            return f"whether {shown} splits this vision tower's {vision} heads across {many} GPUs is not in the data"
    if cut := _groups(parts, many, sure=False):
        return f"`--tp {many}` does not divide {cut}, which not every kernel of {shown} accepts"
    return None


def _vision_heads(parts: Shards) -> int:
    return parts.layout.vision.whole("num_heads", "num_attention_heads")


def _is_split(parts: Shards) -> bool:
    """Whether the tower is known to be divided without filling up."""
    return parts.asked.has("divides_vision_heads") and parts.layout.model_type.startswith(SPLIT_TOWERS)


def _stays_whole(parts: Shards) -> bool:
    """Whether the engine is known not to divide this tower where something would be left over."""
    return parts.asked.has("divides_vision_heads") and parts.layout.model_type in UNDIVIDED_TOWERS


def _divides_vision(parts: Shards) -> bool:
    """Whether the engine divides vision towers at all under these options."""
    asked = parts.asked
    whole = asked.value(*asked.data.names("vision_whole"))
    off = asked.value(*asked.data.names("vision_off"))
    return asked.engine in CHECKED and off is None and not asked.data.asks("vision_whole", whole)


def _widths(parts: Shards, *, rows_alone: bool) -> Iterator[Width]:
    """The dimensions that are divided; `rows_alone`: those by which weights are cut along their inputs."""
    text, shape = parts.layout.text, parts.attention
    experts = of_experts(text)
    whole = any(parts.asked.value(o) not in (None, "1") for o in WHOLE_EXPERTS)
    if experts and not whole and not rows_alone:
        yield Width("experts", text.whole("moe_intermediate_size"), ("mlp", "experts"))
    if not experts or (text.whole("first_k_dense_replace") and not whole):
        yield Width("layers", text.whole("intermediate_size"), ("mlp",))
    if experts and not whole:
        yield Width("shared experts", text.whole("shared_expert_intermediate_size"), ("mlp", "shared_expert"))
    if not shape.latent and shape.head_dim:
        yield Width("attention heads", shape.heads * shape.head_dim, ("attn",))


def _kept(parts: Shards, width: Width) -> bool:
    """Whether some of these modules are left unquantized; a router alone (`mlp.gate`) is none of them."""
    every = parts.model.quantization.ignored if parts.model.quantization else ()
    ignored = [entry for entry in every if not entry.rstrip("$").endswith("gate")]
    return any(name in entry for entry in ignored for name in width.modules if "visual" not in entry)


def _blocks(parts: Shards, many: int) -> str | None:
    """Rows of FP8 weights that would be split inside a block of one scale, as both engines check at startup."""
    found = parts.model.quantization
    block = next((g.block[0] for g in found.groups if g.block), 0) if found else 0
    if not found or not block or found.method != "fp8" or parts.asked.engine not in CHECKED:
        return None
    for width in _widths(parts, rows_alone=False):
        if width.size and not _kept(parts, width) and (width.size % many or width.size // many % block):
            return f"{_said(width)}, into whole blocks of {block} (FP8): each GPU would have {width.size / many:g} rows"
    return None


def _groups(parts: Shards, many: int, *, sure: bool) -> str | None:
    """Inputs of weights that share a scale by groups, of which one would be split between two GPUs."""
    found = parts.model.quantization
    size = next((g.group_size for g in found.groups if g.group_size), 0) if found else 0
    if not found or not size or size < 2 or parts.asked.engine not in CHECKED or found.method not in GROUPED:
        return None
    if sure and found.method not in CUT_IS_REFUSED:
        return None
    for width in _widths(parts, rows_alone=True):
        if width.size and not _kept(parts, width) and (width.size % many or width.size // many % size):
            method = found.method.upper() if found.method in ("awq", "gptq") else found.method
            each = f"each GPU would have {width.size / many:g} inputs"
            return f"{_said(width)}, into whole groups of {size} ({method}): {each}"
    return None


def _said(width: Width) -> str:
    return f"the {width.what}, {width.size} wide"
