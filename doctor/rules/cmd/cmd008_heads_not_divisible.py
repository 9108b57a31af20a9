"""The model's attention heads or quantized layers cannot be split evenly across the GPUs.

Tensor parallelism gives every GPU the same number of heads. A model with 28 heads can be split across 2, 4, 7 or 14
GPUs, but not 3 or 8: vLLM exits with `Total number of attention heads must be divisible by tensor parallel size`,
SGLang and LMDeploy with an assertion. Key and value heads are repeated if there are fewer of them than GPUs, but one
number must divide the other. vLLM splits the vision tower in the same way unless `--mm-encoder-tp-mode data` is set.
FP8 weights with one scale for each block of 128 rows cannot be split inside a block: experts 768 wide cannot be split
across 4 GPUs (`The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n = 128`).

What to do: use a number of GPUs that divides the number of heads.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.model_files import served_model
from doctor.derived.option_findings import argument, shown
from doctor.facts import Model
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.memory.attention import Attention, attention
from doctor.memory.layout import Layout, layout
from doctor.rules.rule import Rule, Verdict

# options under which the heads are shared otherwise
OTHERWISE = ("--enable-dp-attention", "--dp", "--data-parallel-size", "--dp-size", "--cp", "--enable-expert-parallel",
             "--attn-cp-size", "--attn-dp-size", "--attention-context-parallel-size")  # fmt: skip

# vision towers that vLLM divides without filling up heads that are left over: `divide(num_heads, tp_size)` of
# qwen2_vl.py, qwen2_5_vl.py (which qwen3_vl.py and qwen3_5.py use) and glm4_1v.py
SPLIT_TOWERS = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "glm4v")
BLOCKS_CHECKED = ("vllm", "sglang")  # quantization/fp8.py of both
WHOLE_EXPERTS = ("--enable-expert-parallel", "--ep-size", "--ep", "--expert-parallel-size", "--moe-dense-tp-size")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where heads would be left over."""
    found, model = case.asked, served_model(case.facts)
    if not isinstance(found, Asked):
        yield found
        return
    name, many = _parallel(found)
    if many is None or many < 2:
        yield NotApplicable("only one GPU is used")
        return
    if not isinstance(model, Model):
        yield Open(f"how many attention heads the model has is unknown: {model.reason}")
        return
    found_layout = layout(model.config, model.model_type)
    shape = attention(found_layout) if found_layout else None
    if found_layout is None or shape is None:
        yield Open("the model's configuration does not say how many attention heads it has")
    elif not found.has("heads_by_tensor_parallel") and any(found.value(o) not in (None, "1") for o in OTHERWISE):
        yield Open("other options split the heads across fewer GPUs than `--tp` says")
    elif trouble := _trouble(found, model, found_layout, shape, many):
        fitting = [n for n in range(1, 65) if _trouble(found, model, found_layout, shape, n) is None]
        yield _finding(rule, found, name, many, trouble, fitting)


def _parallel(asked: Asked) -> tuple[str, int | None]:
    for name in asked.data.names("tensor_parallel"):
        value = asked.value(name)
        if value is not None:
            return name, int(value) if value.isdigit() and len(value) < 5 else None
    return "", None


def _trouble(asked: Asked, model: Model, found: Layout, shape: Attention, many: int) -> str | None:
    """What is left over, as a clause."""
    if shape.heads % many:
        return f"the {shape.heads} attention heads of the model"
    if not shape.latent and shape.kv_heads and max(shape.kv_heads, many) % min(shape.kv_heads, many):
        return f"the {shape.kv_heads} key-value heads of the model"
    vision = found.vision.whole("num_heads", "num_attention_heads")
    whole = asked.value(*asked.data.names("vision_whole"))
    shared = asked.has("divides_vision_heads") and not asked.data.asks("vision_whole", whole)
    if shared and vision and vision % many and found.model_type.startswith(SPLIT_TOWERS):
        return f"the {vision} heads of the vision tower"
    return _blocks(asked, model, found, many)


def _blocks(asked: Asked, model: Model, found: Layout, many: int) -> str | None:
    """Rows of FP8 weights that would be split inside a block of one scale, as both engines check at startup."""
    quantization = model.quantization
    block = next((g.block[0] for g in quantization.groups if g.block), 0) if quantization else 0
    if not quantization or not block or quantization.method != "fp8" or asked.engine not in BLOCKS_CHECKED:
        return None
    experts = found.text.whole("num_experts", "n_routed_experts", "num_local_experts")
    whole = any(asked.value(o) not in (None, "1") for o in WHOLE_EXPERTS)
    parts = [i for i in quantization.ignored if not i.rstrip("$").endswith("gate")]  # the router alone is no expert
    kept = any("mlp" in i or "experts" in i for i in parts)
    width = found.text.whole("moe_intermediate_size") if experts else found.text.whole("intermediate_size")
    if not width or kept or (experts and whole) or not (width % many or width // many % block):
        return None
    what = "experts" if experts else "layers"
    return f"the {what}, {width} wide, into whole blocks of {block} (FP8): each GPU would have {width / many:g} rows"


def _finding(rule: Rule, asked: Asked, name: str, many: int, trouble: str, fitting: list[int]) -> Finding:
    below = max((n for n in fitting if n < many), default=1)
    step = Remediation(f"use `{name} {below}`", (argument(name, str(below)),), "safe")
    return rule.finding(
        f"`{name} {many}` does not divide {trouble}: {asked.shown} stops",
        key=name, location=Location("argument", name),
        evidence=[Evidence(name, str(many), f"one of {', '.join(map(str, fitting[:8]))}", shown(trouble))],
        remediations=[step],
    )  # fmt: skip


RULE = Rule(code="CMD008", name="heads-not-divisible", severity="error", check=check, needs=("launch", "distributions"))
