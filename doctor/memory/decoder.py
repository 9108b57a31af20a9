"""The tensors of a language model, from its configuration.

Written after transformers' own modeling files (5.23.0 and 4.57.3): Llama and its kin, Qwen 1 to 3.5, Gemma, GLM,
InternLM, Phi, DeepSeek's latent attention, mixtures of experts, gated delta nets, Llama 3.2's cross attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.memory.attention import FIRST_GENERATION, Attention, pattern_of
from doctor.memory.hybrid import convolved, hybrid, per_layer
from doctor.memory.layout import Layout, Section
from doctor.memory.pieces import Piece, linear, other

BIASED = ("qwen2", "qwen2_moe", "qwen2_vl_text", "qwen2_5_vl_text", "minicpmv", "chatglm")
# Types whose parameters were found to agree with models that transformers 5.23.0 built; `qwen` and `internlm2`, whose
# code comes with the model, agree with published sizes. Others are estimated as if they were Llama's kin.
_KNOWN = """
    bitnet bloom cohere cohere2 cohere2_moe cwm deepseek_v2 deepseek_v3 deepseek_v32 diffllama ernie4_5 exaone4
    flex_olmo gemma gemma2 gemma3_text glm glm4 glm4_moe glm4v_moe_text glm4v_text glm_moe_dsa glm_ocr_text
    gpt_oss granite granite_docling_text granite_swa granitemoe granitemoe_swa granitemoeshared helium
    hyperclovax internlm2 internlm2_5 internlm3 iquestcoder llama llama4_text mellum minimax_m2
    ministral3 mistral mistral4
    mixtral mllama_text_model olmo olmo2 olmo3 olmoe paddleocr_vl_text phi3 phimoe qwen qwen2 qwen2_5_vl_text
    lfm2 ernie4_5_moe ernie4_5_vl_moe_text molmo2_text step3p5 qwen3_omni_moe_text
    qwen2_moe qwen2_vl_text qwen3 qwen3_5_moe_text qwen3_5_text qwen3_moe qwen3_next qwen3_vl_moe_text
    qwen3_vl_text seed_oss smollm3 solar_open stablelm youtu
"""
KNOWN = frozenset(_KNOWN.split())
EXPERTS = ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")
LLAMA4 = "llama4_text"
NORMED = ("qwen3", "gemma3", "qwen3_next", "molmo2")
FOUR_NORMS = ("gemma2", "gemma3", "glm4v_text", "glm4")


def decoder(found: Layout, shape: Attention) -> tuple[Piece, ...]:
    """Embedding, layers, head."""
    hidden, rows = shape.hidden, shape.vocabulary
    layers = _layers(found, shape) if not pattern_of(found.text) else hybrid(found.text, shape)
    extra = 8 if found.text.type.startswith("mllama") else 0  # its picture tokens have no row in the head
    return (
        Piece("embed_tokens", "embedding", (rows + extra) * hidden),
        *layers,
        other("norm", hidden), *(() if found.tied else (Piece("lm_head", "head", hidden * rows, hidden),)),
    )  # fmt: skip


def _layers(found: Layout, shape: Attention) -> Iterator[Piece]:
    yield from _attention(found, shape)
    yield from _linear_attention(found, shape)
    yield from _mlp(found, shape)
    if found.text.type.startswith("lfm2"):
        yield from convolved(found.text, shape.hidden, shape.layers - shape.full)
    if found.text.whole("hidden_size_per_layer_input") and found.text.type.startswith("gemma3n"):
        yield from per_layer(found.text, shape)


def _attention(found: Layout, shape: Attention) -> Iterator[Piece]:
    text, hidden, layers = found.text, shape.hidden, shape.layers
    norms = 4 if _is(text, FOUR_NORMS) else 2
    yield other("layers.{}.norms", norms * hidden, layers)
    if shape.latent:
        yield from _latent(text, shape)
        return
    if shape.wide[1]:
        yield from _two_kinds(text, shape)
        return
    many = shape.full + shape.sliding + shape.cross
    width, kept = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    biased, out = _biases(text)
    gate = 2 if _is(text, ("qwen3_5", "qwen3_next")) else 1
    stem = "layers.{}.self_attn"
    if text.type == FIRST_GENERATION:
        yield linear(f"{stem}.c_attn", hidden, width + 2 * kept, many, bias=biased)
    else:
        yield linear(f"{stem}.q_proj", hidden, width * gate, many, bias=biased)
        for name in ("k_proj", "v_proj"):
            yield linear(f"{stem}.{name}", hidden, kept, many, bias=biased, share="kv")
    yield linear(f"{stem}.o_proj", width, hidden, many, bias=out)
    if _is(text, NORMED) or text.on("use_qk_norm"):
        yield other(f"{stem}.qk_norm", 2 * shape.head_dim, many)
    if shape.cross:
        yield other("layers.{}.cross_attn.norms", 2 * shape.head_dim + 2, shape.cross)


def _two_kinds(text: Section, shape: Attention) -> Iterator[Piece]:
    """Gemma 4: fewer and larger heads where a layer sees everything, its values its keys; some read another's cache.

    transformers 5.23.0, models/gemma4/modeling_gemma4.py.
    """
    stem, hidden, same = "layers.{}.self_attn", shape.hidden, text.on("attention_k_eq_v")
    wide, narrow = shape.wide, (shape.kv_heads, shape.head_dim)
    for (kept, dim), many, idle, matrices in (
        (narrow, shape.sliding, shape.reused[1], 2), (wide, shape.full, shape.reused[0], 1 if same else 2)
    ):  # fmt: skip
        yield linear(f"{stem}.q_proj", hidden, shape.heads * dim, many)
        yield linear(f"{stem}.k_proj", hidden, kept * dim, (many - idle) * matrices, share="kv")
        yield linear(f"{stem}.o_proj", shape.heads * dim, hidden, many)
        yield other(f"{stem}.norms", 2 * dim, many)


def _biases(text: Section) -> tuple[bool, bool]:
    """Of the query, key and value matrices, and of the output."""
    if text.type == FIRST_GENERATION or (_is(text, BIASED) and "moe_text" not in text.type):
        return text.get("qkv_bias") is not False, False
    if text.type == "glm4v_text":
        return text.on("attention_bias", default=True), False
    given = text.on("attention_bias", "qkv_bias", "bias")
    return given, text.on("attention_bias", "bias") and not _is(text, ("glm4",))


def _latent(text: Section, shape: Attention) -> Iterator[Piece]:
    """Multi-head latent attention: what is kept for a token is one vector, whole on each GPU."""
    hidden, layers, heads = shape.hidden, shape.layers, shape.heads
    rank, rope = text.whole("kv_lora_rank"), text.whole("qk_rope_head_dim")
    lower, stem = text.whole("q_lora_rank"), "layers.{}.self_attn"
    if lower:
        yield linear(f"{stem}.q_a_proj", hidden, lower, layers, share="whole")
        yield linear(f"{stem}.q_b_proj", lower, heads * shape.head_dim, layers)
    else:
        yield linear(f"{stem}.q_proj", hidden, heads * shape.head_dim, layers)
    yield linear(f"{stem}.kv_a_proj_with_mqa", hidden, rank + rope, layers, share="whole")
    nope = shape.head_dim - rope
    yield linear(f"{stem}.kv_b_proj", rank, heads * (nope + shape.value_dim), layers)
    yield linear(f"{stem}.o_proj", heads * shape.value_dim, hidden, layers)
    yield other(f"{stem}.norms", rank + lower, layers)


def _linear_attention(found: Layout, shape: Attention) -> Iterator[Piece]:
    """Gated delta nets of Qwen3-Next and Qwen3.5."""
    text, hidden, many = found.text, shape.hidden, shape.linear
    if not many:
        return
    heads, value = text.whole("linear_num_value_heads"), text.whole("linear_value_head_dim")
    keys = text.whole("linear_num_key_heads") * text.whole("linear_key_head_dim")
    wide, stem = heads * value, "layers.{}.linear_attn"
    yield linear(f"{stem}.in_proj_qkv", hidden, 2 * keys + wide, many)
    yield linear(f"{stem}.in_proj_z", hidden, wide, many)
    yield linear(f"{stem}.in_proj_ba", hidden, 2 * heads, many)
    yield linear(f"{stem}.out_proj", wide, hidden, many)
    kernel = text.whole("linear_conv_kernel_dim", default=4)
    yield other(f"{stem}.conv1d", (2 * keys + wide) * kernel + 2 * heads + value, many)


def of_experts(text: Section) -> int:
    """How many experts a sparse layer has, of each kind; 0 for a dense model."""
    return text.whole(*EXPERTS)


def _mlp(found: Layout, shape: Attention) -> Iterator[Piece]:
    text, hidden = found.text, shape.hidden
    experts = of_experts(text)
    sparse = _sparse(text, shape.layers) if experts else 0
    dense, bias = shape.layers - sparse, text.on("mlp_bias")
    if text.on("enable_moe_block"):  # Gemma 4 has both in each layer
        dense = shape.layers
    if dense:
        plain = text.whole("intermediate_size_mlp") or shape.intermediate
        yield from _swiglu("layers.{}.mlp", hidden, plain, dense, bias=bias)
    if not sparse:
        return
    width = text.whole("moe_intermediate_size") or shape.intermediate
    for kind in _widths(text, width):
        yield from (replace(p, copies=experts) for p in _swiglu("layers.{}.mlp.experts", hidden, kind, sparse))
    extra = experts if text.type.startswith(("deepseek_v3", "glm4_moe", "glm4v_moe")) else 0
    yield linear("layers.{}.mlp.gate", hidden, experts, sparse, share="whole")
    yield other("layers.{}.mlp.gate.correction", extra, sparse)
    shared = text.whole("n_shared_experts", "moe_num_shared_experts", default=int(text.type == LLAMA4)) * width
    shared = text.whole("shared_expert_intermediate_size", "share_expert_dim") or shared
    if shared:
        yield from _swiglu("layers.{}.mlp.shared_expert", hidden, shared, sparse)
    if text.whole("shared_expert_intermediate_size"):
        yield linear("layers.{}.mlp.shared_expert_gate", hidden, 1, sparse, share="whole")


def _widths(text: Section, width: int) -> list[int]:
    """The widths of the experts: ERNIE 4.5 VL has a group for words and one for pictures, of one width each."""
    given = text.get("moe_intermediate_size")
    numbers = [n for n in given[:4] if isinstance(n, int) and 0 < n < 1 << 20] if isinstance(given, list) else []
    return numbers or [width]


def _swiglu(stem: str, hidden: int, width: int, times: int, *, bias: bool = False) -> Iterator[Piece]:
    yield linear(f"{stem}.gate_proj", hidden, width, times, bias=bias)
    yield linear(f"{stem}.up_proj", hidden, width, times, bias=bias)
    yield linear(f"{stem}.down_proj", width, hidden, times, bias=bias)


def _sparse(text: Section, layers: int) -> int:
    """How many layers are mixtures of experts."""
    if (listed := _listed(text)) is not None:
        return sum(0 <= i < layers for i in listed)
    plain = text.get("mlp_only_layers")
    plain = plain[:layers] if isinstance(plain, list) else []
    if "first_k_dense_replace" in {**text.defaults, **text.given}:
        every = text.whole("moe_layer_freq", default=1) or 1
        return sum(i >= text.whole("first_k_dense_replace") and i % every == 0 for i in range(layers))
    if text.type.startswith("ernie4_5") and text.whole("moe_num_experts"):
        return layers - max(text.whole("moe_layer_start_index", default=1), 0)
    step = text.whole("decoder_sparse_step", "interleave_moe_layer_step", default=1) or 1
    return sum(i not in plain and (i + 1) % step == 0 for i in range(layers))


def _listed(text: Section) -> list[int] | None:
    """The layers that are mixtures, where the configuration lists them."""
    kinds, numbers = text.get("mlp_layer_types"), text.get("moe_layers_enum")
    if isinstance(kinds, list):
        return [i for i, kind in enumerate(kinds) if kind == "sparse"]
    if isinstance(numbers, str):
        numbers = [int(word) for word in numbers[:4096].split(",") if word.strip().isdecimal() and len(word) < 6]
    return [n for n in numbers if isinstance(n, int)] if isinstance(numbers, list) else None


def _is(text: Section, kinds: tuple[str, ...]) -> bool:
    return any(text.type == k or text.type.startswith((f"{k}_", f"{k}.")) or text.type == f"{k}_text" for k in kinds)
