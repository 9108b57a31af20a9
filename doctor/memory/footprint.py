"""A model's weights as one value: how large each part is, how sure that is, and what falls to each GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from doctor.base.record import dataclass
from doctor.facts.model import Model, Weights
from doctor.memory.adapters import Ranked, ranked
from doctor.memory.attention import Attention, attention
from doctor.memory.decoder import KNOWN, decoder
from doctor.memory.divided import Divided, evenly
from doctor.memory.ignored import Ignored
from doctor.memory.layout import Layout, layout
from doctor.memory.pieces import Piece
from doctor.memory.sight import Sight, sight
from doctor.memory.stored import bytes_of, online, scheme, sizes
from doctor.memory.towers import tower

VISION_WORDS = ("visual", "vision", "vpm", "resampler", "multi_modal_projector", "mlp1", "image_newline", "connector",
                "merger", "mm_projector", "vit", "embed_vision", "projector")  # fmt: skip

# What lies in the files and is not loaded by an engine that answers in text: layers that guess ahead, voices
GUESSING, VOICES = ("mtp", "mtp_layers", "mtp_block"), ("talker", "token2wav", "code2wav")
PARTS = ("split", "kv", "whole", "embedding", "head", "vision", "experts", "attending", "common", "hearing")
ATTENDING = ("self_attn.", "linear_attn.", "mixer.in_proj", "mixer.q_proj", "mixer.o")
COMMON = (".shared_expert.", ".shared_experts.")
AHEAD = ("mtp_num_hidden_layers", "num_nextn_predict_layers", "num_mtp_modules")
PACKED_AHEAD = ("fp8", "modelopt", "mxfp4")  # others are made by tools that never load these layers
SIZES = ("hidden_size", "num_hidden_layers", "n_embd", "n_layer")


@dataclass(frozen=True, slots=True)
class PerGpu:
    """Bytes on the fullest GPU: the language model's share, and the vision tower's."""

    language: int
    vision: int

    @property
    def total(self) -> int:
        """Both."""
        return self.language + self.vision


@dataclass(frozen=True, slots=True)
class Footprint:
    """The weights of a model, in bytes.

    `split` is what tensor parallelism divides, `kv` what it divides no further than into `shape.kv_heads`, `whole`
    what each GPU holds; all of the layers. `embedding` and `head` are divided by rows. `exact`: the sizes are those
    of the files; `source` says where they are from. `shape` is None where the configuration tells nothing of it.
    `tower` says whether the vision part is known; `eyes` are its layers as `num_hidden_layers` tells them (0 where the
    key has another name), as `depth` does, and its `hidden_size`. `assumed`: the configuration says nothing of the
    language model's size, so that it is that of the class's defaults. `guessed`: the language model is of a kind whose
    layers are not known here, and counted as if they were Llama's. `experts` are the bytes of its mixtures of experts
    (they are part of `split`), each expert `narrow` wide inside; `attending` are those of attention, another part,
    and `common` those of experts that every token passes.
    `hearing` is the part of `vision` that listens, and `sight` what pictures are to the tower. `ranked`
    are the numbers of its layers for each rank of a LoRA adapter.
    `ahead` are the model's own layers that can guess tokens ahead, `ahead_bytes` those of one of them, and `draft` is
    the smaller model that guesses instead; none of these is counted in the weights here.
    """

    name: str
    split: float
    kv: float
    whole: float
    embedding: float
    head: float
    vision: float
    shape: Attention | None
    exact: bool
    source: str
    dtype: str = "bfloat16"
    dtype_bytes: float = 2.0
    kv_bits: int | None = None
    tied: bool = False
    tower: bool = True
    on_disk: int | None = None
    method: str | None = None
    eyes: tuple[int, int, int] = (0, 0, 0)
    assumed: bool = False
    guessed: bool = False
    experts: float = 0.0
    narrow: int = 0
    attending: float = 0.0
    common: float = 0.0
    hearing: float = 0.0
    sight: Sight = Sight()
    ranked: Ranked = Ranked()
    ahead: int = 1
    ahead_bytes: float = 0.0
    draft: Footprint | None = None

    @property
    def total(self) -> int:
        """All weights together."""
        return int(self.language + self.vision)

    @property
    def unseen(self) -> bool:
        """Whether there is a vision tower of which nothing is known."""
        return not self.tower and not self.exact

    @property
    def language(self) -> float:
        """All but the vision tower."""
        return self.split + self.kv + self.whole + self.embedding + self.head

    def per_gpu(self, tp: int = 1, pp: int = 1, vision_split: bool = True) -> PerGpu:
        """What the fullest GPU holds; `vision_split`: the tower is divided too, else each GPU has a whole one."""
        return self.shared(evenly(tp, eyes=vision_split), pp)

    def shared(self, by: Divided, pp: int = 1) -> PerGpu:
        """What the fullest GPU of `pp` stages holds, each part divided by its own number of GPUs."""
        pp = max(pp, 1)
        heads = self.shape.kv_heads if self.shape else by.attention
        layers = self.shape.layers if self.shape else pp
        part = -(-layers // pp) / layers
        dense = self.split - self.experts - self.attending - self.common
        stage = dense / by.dense + self.experts / by.experts + self.attending / by.attention + self.common / by.common
        stage = (stage + self.kv / min(by.attention, max(heads, 1)) + self.whole) * part
        first, last = self.embedding / by.embedding, (self.head or self.embedding) / by.head
        vision = self.vision / by.eyes
        if pp == 1:
            return PerGpu(int(stage + first + (self.head and last)), int(vision))
        if first + vision >= last:
            return PerGpu(int(stage + first), int(vision))
        return PerGpu(int(stage + last), 0)


def footprint(
    model: Model, *, dtype: str | None = None, quantization: str | None = None
) -> Footprint | None:  # fmt: skip
    """The weights of a model that was found: of its files, else computed from its configuration; None for neither.

    `dtype` and `quantization` are what the launch asks for: other 16-bit types change nothing, float32
    doubles, and `fp8` on 16-bit weights is made while loading.
    """
    computed = _computed(model)
    real = model.weights if isinstance(model.weights, Weights) else None
    total = max(real.total or 0, 0) or max(real.declared or 0, 0) if real else 0
    whole = real is not None and total > 0 and not (real.missing and real.declared is None)
    if real is not None and whole:
        total = max(total, real.declared or 0) if real.missing else total
        found = _scaled(computed, real, total) if computed else _plain(model, real, total)
    elif computed is None:
        return None
    else:
        found = computed
    return _as_asked(found, model, dtype, quantization)


def _computed(model: Model) -> Footprint | None:
    found = layout(model.config, model.model_type)
    shape = attention(found) if found else None
    if found is None or shape is None or not shape.vocabulary:
        return None
    eyes, quantization = tower(found, shape), model.quantization
    packed = scheme(quantization, found.text.type)
    ignored = Ignored(quantization.ignored) if quantization else None
    plain = bytes_of(found.dtype)
    if quantization is not None and plain > 2:
        plain = 2.0
    stored = sizes((*decoder(found, shape), *(eyes or ())), plain, packed, ignored)
    of = _sums(stored)
    small = quantization is not None and quantization.method.startswith(PACKED_AHEAD)
    ahead = {p: size if small else p.numbers * plain for p, size in stored.items() if p.part == "layers"}
    experts, narrow = _experts(stored)
    unknown = f"; `{quantization.method}` is unknown here" if quantization is not None and packed is None else ""
    return Footprint(
        model.named or model.path, of["split"], of["kv"], of["whole"], of["embedding"], of["head"], of["vision"], shape,
        False, f"computed from config.json{unknown}", found.dtype, plain,
        quantization.kv_bits if quantization else None,
        found.tied, eyes is not None, None, quantization.method if quantization else None, _eyes(found),
        not any(found.text.given.get(key) for key in SIZES), found.text.type not in KNOWN,
        experts, narrow, _within(stored, ATTENDING), _within(stored, COMMON), _hearing(stored),
        sight(found, model.preprocessor),
        ranked(stored, shape.layers),
        own_layers(found), sum(ahead.values()) / shape.layers,
    )  # fmt: skip


def own_layers(found: Layout) -> int:
    """How many layers of its own a model has for guessing tokens ahead; 1 where it does not say."""
    return min(max(found.text.whole(*AHEAD, default=0), found.outer.whole(*AHEAD, default=0), 1), 64)


def _sums(stored: Mapping[Piece, float]) -> dict[str, float]:
    """Bytes by part; those of the layers by how tensor parallelism shares them."""
    found: dict[str, list[float]] = {part: [] for part in ("split", "kv", "whole", "embedding", "head", "vision")}
    for piece, size in stored.items():
        found[piece.share if piece.part == "layers" else piece.part].append(size)
    return {part: sum(each) for part, each in found.items()}


def _experts(stored: Mapping[Piece, float]) -> tuple[float, int]:
    """`experts` and `narrow` of a footprint."""
    found = {piece: size for piece, size in stored.items() if piece.copies > 1}
    return sum(found.values()), max((min(p.n_in, p.n_out) for p in found if p.n_in), default=0)


def _within(stored: Mapping[Piece, float], words: tuple[str, ...]) -> float:
    """Bytes of the divided matrices that have one of these words in their names."""
    split = ((p.name, size) for p, size in stored.items() if p.part == "layers" and p.share == "split")
    return sum(size for name, size in split if any(word in name for word in words))


def _hearing(stored: Mapping[Piece, float]) -> float:
    """`hearing` of a footprint: the tower for sounds and what joins it to the text."""
    return sum(size for p, size in stored.items() if p.part == "vision" and p.name.startswith("audio"))


def _eyes(found: Layout) -> tuple[int, int, int]:
    vision = found.vision
    return vision.whole("num_hidden_layers"), vision.whole("depth"), vision.whole("hidden_size")


def _scaled(computed: Footprint, real: Weights, total: int) -> Footprint:
    """The same proportions, brought to the real bytes: of the tower and of the rest apart where the files tell."""
    seen = sum(size for name, size in real.by_part.items() if _is_vision(name)) if real.by_part else 0
    listed, idle = sum(real.by_part.values()), _of(real, (*GUESSING, *VOICES))
    if listed and abs(listed / total - 1) < 0.02:
        total, listed = total - idle, listed - idle
    if listed and abs(listed / total - 1) < 0.02 and (seen or not computed.vision):
        eyes = float(seen)
    else:
        eyes = computed.vision * total / computed.total if computed.total else 0.0
    factor = (total - eyes) / computed.language if computed.language else 1.0
    return replace(
        computed, split=computed.split * factor, kv=computed.kv * factor, whole=computed.whole * factor,
        embedding=computed.embedding * factor, head=computed.head * factor, vision=eyes, exact=True,
        hearing=computed.hearing * eyes / computed.vision if computed.vision else 0.0,
        experts=computed.experts * factor, attending=computed.attending * factor, common=computed.common * factor,
        ahead_bytes=_of(real, GUESSING) / max(computed.ahead, 1) or computed.ahead_bytes,
        source="sizes of the tensors in its files", on_disk=sum(f.size for f in real.files) or total,
        tower=computed.tower or bool(seen), assumed=False,
    )  # fmt: skip


def _plain(model: Model, real: Weights, total: int) -> Footprint:
    """A model whose configuration is not understood: only its bytes are known."""
    eyes = float(sum(size for name, size in real.by_part.items() if _is_vision(name)))
    return Footprint(
        model.named or model.path, total - eyes, 0, 0, 0, 0, eyes, None, True, "sizes of the tensors in its files",
        on_disk=sum(f.size for f in real.files) or total, tower=bool(eyes),
        method=model.quantization.method if model.quantization else None,
    )  # fmt: skip


def _of(real: Weights, words: tuple[str, ...]) -> int:
    """Bytes of the parts that have one of these words in their names."""
    return sum(size for name, size in real.by_part.items() if any(w in words for w in name.lower().split(".")))


def _is_vision(part: str) -> bool:
    return any(word.startswith(VISION_WORDS) for word in part.lower().split("."))


def _as_asked(found: Footprint, model: Model, dtype: str | None, quantization: str | None) -> Footprint:
    """What the engine makes of the weights while it loads them."""
    if model.quantization is None and (packed := online(quantization)) is not None:
        small = packed.bits / 8 / found.dtype_bytes
        layers = {"split": found.split * small, "kv": found.kv * small, "experts": found.experts * small,
                  "attending": found.attending * small, "common": found.common * small}  # fmt: skip
        return replace(found, **layers, method=quantization, exact=False,  # type: ignore[arg-type]
                       source=f"{found.source}, made `{quantization}` while loading")  # fmt: skip
    wanted = bytes_of(dtype) if dtype not in (None, "auto") else min(found.dtype_bytes, 2.0)
    if model.quantization is not None or wanted == found.dtype_bytes:
        return found
    factor = wanted / found.dtype_bytes
    sized = {name: getattr(found, name) * factor for name in PARTS}
    return replace(found, **sized, dtype_bytes=wanted, exact=False, source=f"{found.source}, as {dtype or '16 bit'}")
