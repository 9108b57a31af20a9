"""Each engine's own rule for how much of a GPU its KV cache may take.

Read in the wheels named beside each rule; where a release is not known, the newest rule is taken.
"""

from __future__ import annotations

from collections.abc import Callable

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.cache import cache, number, of_state
from doctor.memory.footprint import Footprint
from doctor.memory.overhead import CONTEXT, Overhead
from doctor.memory.static_share import static_share

GIB = 1 << 30
BLOCK = 64  # tokens of one block of LMDeploy's cache
FEWEST_BLOCKS = 16
# SGLang takes for weights whatever loading took of the card: 56.98 GiB of Qwen3-30B-A3B are 56.88, and the 15.54 of a
# quarter of QwQ-32B are 15.26
LOADED = GIB * 3 // 10


@dataclass(frozen=True, slots=True)
class Denied:
    """What a launch asks for and does not get, of one GPU in bytes: `wanted`, and what is `there` at most.

    `kind` is share (of the card), cache (a size that the command sets) or rest (what computing takes at least).
    """

    kind: str
    wanted: int
    there: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left for the cache of one GPU in bytes, at least and at most, and how the engine came to it.

    `pool` is what the engine may take in all, `rule` one sentence on how, with its source. `refuses` tells that it
    does not start where one request of the whole context finds no room, `reserved` that it takes the cache for good
    without having tried what computing needs, and `spare` what its rule then leaves for that at most. `given`: the
    command sets the cache's size. `denied` is what is not there, so that it does not start; `doubtful`: that depends on
    the overhead. `taken` is what other processes hold of the card.
    """

    least: int
    most: int
    pool: int
    rule: str
    source: str
    refuses: bool = False
    reserved: bool = False
    spare: int | None = None
    given: bool = False
    denied: Denied | None = None
    doubtful: bool = False
    taken: int = 0


Law = Callable[[int, int, int, Overhead, Settings, Footprint | None], Budget]


def budget(
    card: int, free: int, weights: int, used: Overhead, asked: Settings, model: Footprint | None = None
) -> Budget:
    """The room on one GPU of `card` bytes, of which `free` are, after `weights`."""
    kind = BUDGETS.get(engine_row(asked.engine).memory.budget or "")
    if kind is None:
        left = free - weights
        rule = "the whole card is available"
        return Budget(left - used.most, left - used.least, free, rule, "no engine rule")
    found = kind(card, free, weights, used, asked, model)
    if asked.cache is not None and kind in TAKING_A_SIZE:
        rule = "the command sets the cache size"
        return Budget(asked.cache, asked.cache, found.pool, rule, found.source, found.refuses, given=True)
    return found


def _vllm(card: int, free: int, weights: int, used: Overhead, asked: Settings, model: Footprint | None) -> Budget:
    """v1/worker/gpu_worker.py: utilisation x the whole card, less all that a trial step was seen to take."""
    share = asked.share if asked.share is not None else default_share(asked, card)
    pool = int(share * card)
    rule = f"`--gpu-memory-utilization` {share:g} of the whole card"
    source = "vllm 0.11.0 and 0.33.0, v1/worker/gpu_worker.py: determine_available_memory()"
    if engine_row(asked.engine).has("counts_others", asked.release, unknown=False):
        pool -= card - free
    return Budget(pool - weights - used.most, pool - weights - used.least, pool, rule, source, not asked.elastic)


def _sglang(card: int, free: int, weights: int, used: Overhead, asked: Settings, model: Footprint | None) -> Budget:
    """srt/model_executor/model_runner.py: weights and cache together take a share of what was free at the start."""
    share = asked.share if asked.share is not None else default_share(asked, card, model)
    source = "sglang 0.4.3 to 0.5.23, srt/server_args.py and model_executor/model_runner.py: profile_max_num_token()"
    rule = f"`--mem-fraction-static` {share:.3g} of the card for weights and cache"
    if asked.share is None:
        rule += ", computed as the engine does"
    start = (free - CONTEXT[1], free - CONTEXT[0])
    least, most = int(start[0] * share) - weights - LOADED, int(start[1] * share) - weights
    spare = int(start[1] * (1 - share))
    return Budget(least, most, int(start[1] * share), rule, source, reserved=True, spare=spare)


def _lmdeploy(card: int, free: int, weights: int, used: Overhead, asked: Settings, model: Footprint | None) -> Budget:
    """A share of what is free once the weights are loaded; the PyTorch engine sets something aside before."""
    share = asked.share if asked.share is not None else default_share(asked, card)
    if engine_row(asked.engine).has("shares_whole_card", asked.release, unknown=False):
        rule = f"`--cache-max-entry-count` {share:g} of the whole card"
        pool = int(card * share) if share <= 1 else 0
        return Budget(pool, pool, pool, rule, "lmdeploy before 0.2.2: a share of the total memory")
    rule = f"`--cache-max-entry-count` {share:g} of what is free after the weights"
    source = "lmdeploy 0.2.2 and later, messages.py: cache_max_entry_count"
    ends, spare = [], 0.0
    for context in (CONTEXT[1], CONTEXT[0]):
        left, aside = free - weights - context, 0.0
        if asked.backend == "pytorch":
            left -= states(asked, model)
            aside = runtime(left, asked, model)
        ends.append(int((left - aside) * share))
        spare = left - ends[-1]
    if asked.backend == "pytorch":
        source = "lmdeploy 0.11.1 and 0.18.0, pytorch/engine/executor/base.py: update_configs()"
    # a little more room may set a whole step more aside: the ends of the range may lie either way round
    return Budget(min(ends), max(ends), free, rule, source, reserved=True, spare=int(spare))


# the laws by the name that an engine's row gives; a size in bytes for the cache goes before some of them
BUDGETS: dict[str, Law] = {"whole_card": _vllm, "free_at_start": _sglang, "after_weights": _lmdeploy}
TAKING_A_SIZE = (_vllm, _sglang)


def runtime(left: float, asked: Settings, model: Footprint | None) -> float:
    """What LMDeploy's PyTorch engine sets aside for a prefill step: halved until 16 blocks of cache fit."""
    shape = model.shape if model else None
    if model is None or shape is None:
        return 0.0
    tokens, requests = asked.batch or 8192, asked.requests or asked.usual_requests or 128
    doubled = engine_row(asked.engine).has("doubles_logits", asked.release, unknown=False)
    block = cache(shape, asked.attending, 1, number(asked.kv, model.dtype_bytes, asked.engine)).token * BLOCK
    while tokens > 0:
        size = tokens * shape.vocabulary * 7.0 if doubled else (tokens + 2 * requests) * shape.vocabulary * 2.0
        if (left - size) * (asked.share or 0.8) >= FEWEST_BLOCKS * block:
            return size
        tokens //= 2
    return max(left, 0.0)


def states(asked: Settings, model: Footprint | None) -> float:
    """Bytes of the states of linear layers: of every request that LMDeploy's PyTorch engine runs, and one more."""
    shape = model.shape if model else None
    if shape is None or not shape.linear or not shape.state:
        return 0.0
    each = shape.linear * of_state(shape, asked.attending, (2.0, 4.0))
    return ((asked.requests or asked.usual_requests or 128) + 1) * each


def takes_whole_card(asked: Settings) -> bool:
    """Whether the engine shares out a whole card and counts what it loads itself, as vLLM does."""
    return engine_row(asked.engine).memory.budget == "whole_card"


def default_share(asked: Settings, card: int, model: Footprint | None = None) -> float:
    """The share that the engine takes where the command names none; 1 for engines without one."""
    from doctor.matrix.hardware import capabilities

    own = engine_row(asked.engine).memory
    if own.budget == "free_at_start":
        return static_share(asked, card, model)
    if engine_row(asked.engine).has("shares_whole_card", asked.release, unknown=False):
        return 0.5  # lmdeploy 0.2.0 and 0.2.1, messages.py
    if own.share is not None:
        return own.share
    found = capabilities().share(asked.engine, asked.release)
    return found.share if found else 1.0

