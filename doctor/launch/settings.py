"""What decides about memory in a launch, whatever the engine calls it. Sizes are in bytes."""

from __future__ import annotations

from dataclasses import replace

from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one launch.

    `engine` is lmdeploy, vllm, sglang, transformers, or "" where none is named; `release` its version, `backend`
    turbomind or pytorch for LMDeploy. `tp` GPUs share each layer and `pp` stages the layers; `copies` of that run side
    by side (data parallelism), each on GPUs of its own. Of the GPUs of `tp`, `attention` share the attention of a
    request, `dense` an MLP, `experts` the experts of a layer and `head` the output's rows (0: all of them).
    `experts_apart`: each GPU has whole experts.
    `share` is the engine's own: of the whole card (vLLM, SGLang) or of what the weights leave (LMDeploy); None: the
    engine computes it. `context` is the longest request asked for, None for the engine's default; `elastic`: the
    engine shortens it to what fits. `kv` is the cache's number format as the engine names it. `batch` tokens are
    computed at once, for at most `requests`; `usual_requests` are those that the engine takes for this card by its
    name. `images`, `videos` and `sounds` are those of one request (None: not said),
    `pixels` those of the largest image that the command allows. `untried`: the tower is not tried out at the start.
    `lead` is the size of the first GPU as CUDA has it and `smallest` that of the smallest of the machine as the driver
    lists it (0: not known): engines take defaults by them. `uneven`: the launch turns off the check that its GPUs have
    about the same free. `ordinary`: the engine takes its defaults for smaller cards whatever the size of this one.
    `vision_split`: tensor parallelism divides the vision tower. `vision`: the tower is loaded at all, `hearing`: that
    for sounds is. `sees`: the command asks for pictures, or the engine takes them unasked. `eager`: no CUDA graphs.
    `cache` is a size given for the cache, `offload` weights kept in main memory, `swap` main memory set aside, each
    for each GPU. `windows`: it frees what slid out of an attention window. `block` is the tokens of a block of cache,
    None for the engine's default. `drafted` tokens are guessed ahead by a drafter of the kind `drafter` (mtp, eagle,
    eagle3, ngram and the like; "" for none), which is the model `draft_model` where it is one of its own. `prefixes`
    says whether the cache is shared among requests, None where that is not said; `state` the number format of a linear
    layer's state.
    `adapters` are the LoRA adapters for which there is room at once, of the rank `rank` (None: not said), and
    `adapters_split`: tensor parallelism divides them wholly. `unusable` are options, by meaning and as the command has
    them, whose values are none: they stand here as if they were not given.
    """

    engine: str = ""
    release: str | None = None
    backend: str = "default"
    tp: int = 1
    pp: int = 1
    copies: int = 1
    attention: int = 0
    dense: int = 0
    experts: int = 0
    head: int = 0
    experts_apart: bool = False
    share: float | None = None
    context: int | None = None
    kv: str = "auto"
    dtype: str | None = None
    quantization: str | None = None
    batch: int | None = None
    requests: int | None = None
    usual_requests: int | None = None
    images: int | None = None
    videos: int | None = None
    sounds: int | None = None
    pixels: int | None = None
    untried: bool = False
    uneven: bool = False
    lead: int = 0
    smallest: int = 0
    ordinary: bool = False
    vision_split: bool = True
    vision: bool = True
    hearing: bool = True
    sees: bool = True
    eager: bool = False
    cache: int | None = None
    blocks: int | None = None
    offload: int = 0
    swap: int = 0
    elastic: bool = False
    windows: bool = False
    block: int | None = None
    drafted: int = 0
    drafter: str = ""
    draft_model: str | None = None
    prefixes: bool | None = None
    state: str | None = None
    adapters: int = 0
    rank: int | None = None
    adapters_split: bool = False
    unusable: tuple[tuple[str, str], ...] = ()

    def spread(self, tp: int) -> Settings:
        """The same launch on so many GPUs that share everything."""
        return replace(self, tp=tp, copies=1, attention=0, dense=0, experts=0, head=0)

    @property
    def attending(self) -> int:
        """How many GPUs share the attention of a request, and so its cache."""
        return self.attention or self.tp

    @property
    def gpus(self) -> int:
        """How many GPUs it takes."""
        return self.tp * self.pp * self.copies
