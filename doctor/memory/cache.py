"""The KV cache: bytes for each token of context on each GPU, and what a request holds beside it."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.matrix.engines import engine_row
from doctor.memory.attention import Attention

NUMBERS = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0}
STATE_BYTES = 4  # a gated delta net's matrix is kept in float32
# Bytes of a number, and bytes that come with each head of each token (its scale and zero point, 16 bit each).
# LMDeploy: pytorch/engine/cache_engine.py of 0.11.1 and cache_engine/schema.py of 0.18.0. vLLM: names of CacheDType.
KINDS: dict[str, tuple[float, float]] = {
    "fp8": (1, 0), "fp8_e4m3": (1, 0), "fp8_e5m2": (1, 0), "fp8_inc": (1, 0), "mxfp8": (1 + 1 / 32, 0),
    "float16": (2, 0), "bfloat16": (2, 0), "bf16": (2, 0), "float32": (4, 0), "nvfp4": (0.5 + 1 / 16, 0),
    "fp4_mx_block16": (0.5 + 1 / 16, 0), "fp8_per_token_head": (1, 4), "int8_per_token_head": (1, 4),
    "int4_per_token_head": (0.5, 4), "turboquant_k8v4": (0.75, 4), "turboquant_4bit_nc": (0.5, 4),
    "turboquant_k3v4_nc": (0.4375, 4), "turboquant_3bit_nc": (0.375, 4),
}  # fmt: skip
POLICIES: dict[str, tuple[float, float]] = {"4": (0.5, 4), "8": (1, 4), "16": (1, 0), "17": (1, 0), "42": (0.375, 4)}


@dataclass(frozen=True, slots=True)
class Cache:
    """What one GPU keeps: `token` bytes for each token in layers that see everything, `windowed` bytes in layers that
    see the last `window` tokens alone, `state` bytes for each request whatever its length."""

    token: float
    windowed: float = 0.0
    window: int = 0
    state: float = 0.0

    def given(self, space: float) -> int:
        """Of the bytes that weights leave, those of the cache: all."""
        return int(max(space, 0))

    def holds(self, tokens: int) -> float:
        """Bytes of one request of this length."""
        return self.token * tokens + self.windowed * min(tokens, self.window) + self.state

    @property
    def per_token(self) -> float:
        """Bytes of a token that every layer sees."""
        return self.token + self.windowed

    def requests(self, size: float, context: int) -> float:
        """How many requests of that length `size` bytes hold."""
        needed = self.holds(context)
        return size / needed if needed else 0.0

    def logged(self, size: float, context: int) -> int:
        """Tokens as the log has them: of one request, whatever its length."""
        return self.tokens_in(size)

    def tokens_in(self, size: float) -> int:
        """Tokens of one request that `size` bytes hold."""
        left = size - self.state
        if left <= 0:
            return 0
        if self.windowed:
            short = int(left / (self.token + self.windowed))
            if short <= self.window or not self.token:
                return short
            left -= self.windowed * self.window
        return int(left / self.token) if self.token else 0


def number(kind: str, dtype_bytes: float, engine: str, kv_bits: int | None = None) -> tuple[float, float]:
    """Bytes of a cached number and of what comes with each head, for what `--kv-cache-dtype` or `--quant-policy` says.

    With `auto`, the checkpoint's own scheme of `kv_bits` decides where it has one: vLLM and SGLang follow it.
    """
    if engine_row(engine).memory.cache_numbers == "policies":
        return POLICIES.get(kind, (2.0, 0.0))
    if kind in KINDS:
        return KINDS[kind]
    if kind in ("auto", "") and kv_bits:
        return kv_bits / 8, 0.0
    return (min(dtype_bytes, 4.0) or 2.0), 0.0


def cache(shape: Attention, tp: int, pp: int, number: tuple[float, float], *, windows: bool = False) -> Cache:
    """The cache of one GPU of the largest stage. `windows`: the engine frees what slid out of a window."""
    each = of_layer(shape, tp, number)
    full, sliding = kept_layers(shape, pp)
    whole, seen = full * of_full_layer(shape, tp, number), sliding * each
    if not windows or not shape.window:
        whole, seen, sliding = whole + seen, 0.0, 0
    state = stage(shape.linear, pp) * shape.state * STATE_BYTES / max(tp, 1)
    return Cache(whole, seen, shape.window if sliding else 0, state)


def kept_layers(shape: Attention, pp: int) -> tuple[int, int]:
    """Layers of the largest stage that have a cache: those that keep everything, and those with a window."""
    full, sliding = shape.full + shape.cross - shape.reused[0], shape.sliding - shape.reused[1]
    return stage(full, pp), stage(sliding, pp)


def of_full_layer(shape: Attention, tp: int, number: tuple[float, float]) -> float:
    """As `of_layer`, of a layer that keeps everything."""
    heads, dim = shape.wide
    if not dim:
        return of_layer(shape, tp, number)
    return max(1, -(-heads // max(tp, 1))) * 2 * (dim * number[0] + number[1])


def of_layer(shape: Attention, tp: int, number: tuple[float, float]) -> float:
    """Bytes of a token in one attention layer on one of `tp` GPUs.

    A GPU holds at least one whole key-value head: with more GPUs than heads they are replicated. The vector of latent
    attention is replicated always.
    """
    width, beside = number
    if shape.latent:
        return shape.latent * width
    heads = max(1, -(-shape.kv_heads // max(tp, 1)))
    return heads * ((shape.head_dim + shape.value_dim) * width + 2 * beside)


def of_state(shape: Attention, tp: int, width: tuple[float, float], drafted: int = 0) -> float:
    """Bytes of one linear layer's state on one of `tp` GPUs: its convolution and its matrix.

    `width` are the bytes of a number in each; the convolution has a place for each of `drafted` tokens.
    """
    conv, matrix = shape.mixed * (shape.taps + drafted), shape.state - shape.mixed * shape.taps
    return (conv * width[0] + matrix * width[1]) / max(tp, 1)


def stage(layers: int, pp: int) -> int:
    """Of so many layers, those of the largest of `pp` stages."""
    return -(-layers // max(pp, 1))
