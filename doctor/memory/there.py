"""Whether what a launch asks for is there: its share of a card, a cache of a given size, and some rest for computing.

vllm 0.8.5 to 0.33.0, v1/worker/utils.py: request_memory() (gpu_worker.py before 0.16), v1/core/kv_cache_utils.py:
get_kv_cache_configs(), may_override_num_blocks(); lmdeploy 0.11.1 and 0.18.0, pytorch/engine/executor/base.py:
_update_num_gpu_blocks(); sglang 0.4.3 to 0.5.23, model_executor/model_runner.py: profile_max_num_token().
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.matrix.hardware import capabilities
from doctor.memory.cache import Cache
from doctor.memory.engines import Budget, Denied, takes_whole_card
from doctor.memory.overhead import CONTEXT, LARGE, TOGETHER, TOGETHER_LARGE, Overhead
from doctor.memory.pages import BLOCK, Pages
from doctor.memory.pools import Pools

GIB = 1 << 30
# What a process holds of a card when it looks at what is free: its context, and libraries. Servers have logged 0.28 GiB
# (T4), 0.45 (RTX 3090, 4090) and 0.5 to 0.6 (H100)
STARTED = (0.25 * GIB, 0.8 * GIB)
NOTHING = GIB // 8  # the words' probabilities of a few requests alone are more


def sized(left: Budget, kept: Cache | Pages | Pools | None, asked: Settings) -> Budget:
    """The same room, or that of the blocks which the command sets, where the engine takes them without a question."""
    if not asked.blocks or isinstance(kept, Pools) or kept is None:
        return left
    if isinstance(kept, Pages):
        many = asked.blocks // (asked.block or engine_row(asked.engine).memory.block or BLOCK)
        given, rule = ceil(many * kept.size), f"the command sets {many:,} blocks"
    elif asked.backend == "pytorch":
        given, rule = ceil(kept.holds(asked.blocks)), f"the command sets {asked.blocks:,} tokens"
    else:
        return left
    return replace(left, least=given, most=given, rule=rule, given=True)


def checks_what_is_set(left: Budget, asked: Settings) -> bool:
    """Whether one request has to fit in the blocks that the command sets; else in what the engine measured before."""
    row = engine_row(asked.engine)
    if not left.given or not asked.blocks or row.has("whole_prompts", asked.release, unknown=False):
        return True
    return row.has("checks_blocks_set", asked.release)


def space_of(left: Budget, kept: Cache | Pages | Pools | None, asked: Settings) -> tuple[int, int]:
    """Bytes of the cache at least and at most; SGLang takes no more tokens than the command allows."""
    if kept is None:
        return max(left.least, 0), max(left.most, 0)
    ends = kept.given(left.least), kept.given(left.most)
    if asked.blocks and isinstance(kept, Pools):
        limit = ceil(kept.holds(asked.blocks))
        return min(ends[0], limit), min(ends[1], limit)
    return ends


def judged(left: Budget, free: int, weights: int, used: Overhead, asked: Settings) -> Budget:
    """The room, with what it lacks of the `free` bytes, if anything; `doubtful` where that depends on the overhead."""
    if left.denied is not None:
        return left
    if left.given:
        ends = int(free - weights - used.most), int(free - weights - STARTED[0])
        return _against(left, "cache", left.most, ends)
    if takes_whole_card(asked):
        return _share(left, free, weights, asked)
    if left.reserved and left.spare is not None:
        ease = used.least + (used.most - used.least) // 3 - CONTEXT[0]
        if left.spare < NOTHING and left.most > 0:
            return replace(left, denied=Denied("rest", int(max(used.least - CONTEXT[0], NOTHING)), left.spare))
        return replace(left, doubtful=left.spare < ease)
    return left


def _share(left: Budget, free: int, weights: int, asked: Settings) -> Budget:
    """The share of vLLM: compared with what is free when it starts, else taken until the card is full."""
    known = capabilities().share(asked.engine, asked.release)
    if known is not None and known.checked:
        more = (TOGETHER_LARGE if free >= LARGE else TOGETHER)[1] if asked.tp > 1 else 0
        found = _against(left, "share", left.pool, (int(free - STARTED[1] - more), int(free - STARTED[0])))
        return found if asked.share is not None else replace(found, doubtful=False)  # its own share is made to be there
    full = int(free - STARTED[0])
    if weights + max(left.least, 0) > full:
        return replace(left, denied=Denied("share", left.pool, full))
    return replace(left, doubtful=left.pool > free - STARTED[1])


def _against(left: Budget, kind: str, asked: int, ends: tuple[int, int]) -> Budget:
    if asked > ends[1]:
        return replace(left, denied=Denied(kind, asked, max(ends[1], 0)))
    return replace(left, doubtful=asked > ends[0])
