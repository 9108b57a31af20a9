"""What the layers of a language model attend with, and so what they keep for each token: the shape of the KV cache."""

from __future__ import annotations

from typing import Any

from doctor.base.record import dataclass
from doctor.memory.layout import Layout, Section

LINEAR = ("linear_attention", "mamba", "recurrent")
FIRST_GENERATION = "qwen"
LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length",
           "max_sequence_length", "max_seq_length", "seq_len")  # fmt: skip
UNSTRETCHED = ("su", "longrope", "llama3", "yarn", "deepseek_yarn", "default", "mrope")


@dataclass(frozen=True, slots=True)
class Attention:
    """The language model's attention.

    `full`, `sliding`, `linear` and `cross` are numbers of layers: attending to everything, to a `window` of tokens,
    keeping a state of fixed size, and attending to the picture alone. `heads` share `kv_heads`; `latent` is the
    width of what multi-head latent attention keeps for a token, 0 without it. `state` is the numbers of one linear
    layer's state for one request; its convolution has `mixed` channels and keeps `taps` of each, and the matrix beside
    it has the number format `state_dtype` ("": the model's). `rotary` is the numbers of the tables of rotary positions,
    which each GPU has whole.
    `usual` is the context that engines take by default, in tokens, and `stretch` what
    some multiply it by.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int
    full: int
    sliding: int = 0
    window: int = 0
    linear: int = 0
    cross: int = 0
    latent: int = 0
    state: int = 0
    vocabulary: int = 0
    intermediate: int = 0
    usual: int = 0
    stretch: float = 1.0
    rotary: int = 0
    mixed: int = 0
    taps: int = 0
    state_dtype: str = ""


def attention(found: Layout) -> Attention | None:
    """The shape, None where the configuration does not tell it."""
    text = found.text
    layers, hidden = text.whole("num_hidden_layers", "n_layer", "num_layers"), text.whole("hidden_size", "n_embd")
    heads = text.whole("num_attention_heads", "n_head")
    if not (layers and hidden and heads) or layers > 1000 or hidden > 1 << 20 or heads > 1 << 16:
        return None
    head_dim = text.whole("head_dim", "kv_channels") or hidden // heads
    rope, rank = text.whole("qk_rope_head_dim"), text.whole("kv_lora_rank")
    nope = text.whole("qk_nope_head_dim")
    kinds = _kinds(found, layers)
    window = text.whole("sliding_window") if kinds.count("sliding") else 0
    state, mixed, taps = _state(text)
    return Attention(
        layers, hidden, heads, min(_kv_heads(found, heads), heads), rope + nope if rank else head_dim,
        text.whole("v_head_dim") if rank else head_dim, kinds.count("full"), kinds.count("sliding"), window,
        kinds.count("linear"), kinds.count("cross"), rank + rope if rank else 0, state,
        text.whole("vocab_size", default=0), _intermediate(found), usual(found), stretch(found),
        _rotary(text, rope or head_dim), mixed, taps, _state_dtype(found),
    )  # fmt: skip


def usual(found: Layout) -> int:
    """The context that the engines take by default, in tokens: the smallest of all that the configuration states.

    vllm/config/model.py and lmdeploy/utils.py, `_get_and_verify_max_len()`: Qwen-VL of the first generation, with a
    `seq_length` of 2048 beside 8192 positions, is served with 2048. 2048 where nothing is stated.
    """
    said = [found.text.whole(key) for key in LENGTHS]
    return min((n for n in said if n), default=2048)


def _rotary(text: Section, width: int) -> int:
    """One row for each position, the stretched ones too; a second table where layers with a window have their own."""
    rope: Any = text.get("rope_parameters", "rope_scaling")
    places = text.whole("max_position_embeddings")
    tables = [rope]
    if isinstance(rope, dict) and isinstance(rope.get("full_attention"), dict):
        tables = [rope["full_attention"], rope.get("sliding_attention")]
    elif text.get("rope_local_base_freq") is not None:
        tables = [rope, None]
    part = text.real("partial_rotary_factor", default=1.0)
    return int(sum(_positions(places, table) for table in tables) * width * min(part, 1.0))


def _positions(places: int, rope: Any) -> int:
    """The rows of one table."""
    kind = rope.get("rope_type", rope.get("type")) if isinstance(rope, dict) else None
    factor, first = (rope.get("factor"), rope.get("original_max_position_embeddings")) if kind else (None, None)
    if kind not in ("linear", "dynamic", "yarn", "deepseek_yarn") or not isinstance(factor, (int, float)):
        return places
    start = first if kind.endswith("yarn") and isinstance(first, int) and 0 < first < 1 << 24 else places
    return int(start * factor) if 1 <= factor <= 64 else places


def longest(found: Layout) -> int:
    """The longest context that may be asked for, stretched positions counted in; 0 where nothing is stated."""
    if not any(found.text.whole(key) for key in LENGTHS):
        return 0
    rope: Any = found.text.get("rope_parameters", "rope_scaling")
    if isinstance(rope, dict) and rope.get("rope_type", rope.get("type")) == "yarn":
        factor, first = rope.get("factor"), rope.get("original_max_position_embeddings")
        if isinstance(factor, (int, float)) and isinstance(first, int) and 1 <= factor <= 64 and 0 < first < 1 << 24:
            return max(usual(found), int(first * factor))
    return int(usual(found) * stretch(found))


def stretch(found: Layout) -> float:
    """By how much vLLM and SGLang multiply that for rotary positions that are stretched (`dynamic`, `linear`)."""
    rope: Any = found.text.get("rope_parameters", "rope_scaling")
    if not isinstance(rope, dict) or found.text.type.startswith("gemma3"):
        return 1.0
    kind, factor = rope.get("rope_type", rope.get("type")), rope.get("factor")
    if kind in UNSTRETCHED or not isinstance(factor, (int, float)) or isinstance(factor, bool):
        return 1.0
    return float(factor) if 1 <= factor <= 64 else 1.0


def _kv_heads(found: Layout, heads: int) -> int:
    """Of Qwen's first generation, and wherever the key is missing, each head has its own."""
    if found.text.type == FIRST_GENERATION:
        return heads
    return found.text.whole("num_key_value_heads", "multi_query_group_num", "num_kv_heads") or heads


def _intermediate(found: Layout) -> int:
    size = found.text.whole("intermediate_size", "ffn_hidden_size")
    return size // 2 if found.text.type == FIRST_GENERATION else size


def pattern_of(text: Section) -> str:
    """Nemotron-H's pattern of its layers, one letter each; empty for other models."""
    found = text.get("hybrid_override_pattern")
    return found[:1000] if isinstance(found, str) else ""


def _kinds(found: Layout, layers: int) -> list[str]:
    """For each layer: full, sliding, linear or cross."""
    text, said = found.text, found.text.get("layer_types")
    if pattern := pattern_of(text):
        return [{"M": "linear", "*": "full"}.get(letter, "none") for letter in pattern[:layers]]
    if text.type.startswith("lfm2") and not isinstance(said, list):
        chosen = text.get("full_attn_idxs")
        full = chosen if isinstance(chosen, list) else [2, 5, 8, 10, 12, 14]
        return ["full" if i in full else "conv" for i in range(layers)]
    if isinstance(said, list) and len(said) >= layers:
        known = {**dict.fromkeys(LINEAR, "linear"), "sliding_attention": "sliding", "chunked_attention": "sliding"}
        return [known.get(str(k), "full") for k in said[:layers]]
    if text.whole("linear_num_value_heads") and text.whole("linear_key_head_dim"):
        every = text.whole("full_attention_interval", default=4) or 4
        return ["full" if (i + 1) % every == 0 else "linear" for i in range(layers)]
    cross = text.get("cross_attention_layers")
    if text.type.startswith("mllama"):
        given = cross[:layers] if isinstance(cross, list) else [3, 8, 13, 18, 23, 28, 33, 38]
        return ["cross" if i in given else "full" for i in range(layers)]
    return _windows(text, layers)


def _windows(text: Section, layers: int) -> list[str]:
    if not text.whole("sliding_window"):
        return ["full"] * layers
    if text.type.startswith("gemma"):
        every = text.whole("sliding_window_pattern", default=2 if text.type == "gemma2" else 6) or 6
        return ["full" if (i + 1) % every == 0 else "sliding" for i in range(layers)]
    if text.get("use_sliding_window") is not None or text.type.startswith("qwen"):
        first = text.whole("max_window_layers", default=layers) if text.on("use_sliding_window") else layers
        return ["full" if i < first else "sliding" for i in range(layers)]
    given = isinstance(text.given.get("sliding_window"), int)
    return ["sliding" if given else "full"] * layers


def _state(text: Section) -> tuple[int, int, int]:
    """Of one linear layer: the numbers of its state, the channels of its convolution, and how many of each it keeps."""
    if pattern_of(text):
        wide = text.whole("mamba_num_heads") * text.whole("mamba_head_dim")
        state = text.whole("ssm_state_size", default=128)
        mixed = wide + 2 * text.whole("n_groups", default=8) * state
        matrix, kernel = wide * state, text.whole("conv_kernel", default=4)
    else:
        keys = text.whole("linear_num_key_heads") * text.whole("linear_key_head_dim")
        heads, value = text.whole("linear_num_value_heads"), text.whole("linear_value_head_dim")
        mixed, kernel = 2 * keys + heads * value, text.whole("linear_conv_kernel_dim")
        matrix = heads * value * text.whole("linear_key_head_dim")
    taps = max(kernel - 1, 0)
    return mixed * taps + matrix, mixed, taps


def _state_dtype(found: Layout) -> str:
    """What the configuration says of the matrix's number format; float32 is what those of these two families say."""
    usual = "float32" if pattern_of(found.text) or found.text.type.startswith("qwen3_5") else ""
    for section in (found.text, found.outer):
        said = section.get("mamba_ssm_dtype", "mamba_ssm_cache_dtype")
        if isinstance(said, str):
            return said
    return usual
