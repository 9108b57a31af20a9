"""How a launch deals one model out over its GPUs: who shares attention, dense layers and experts.

sglang 0.4.3 to 0.5.23, srt/layers/dp_attention.py: compute_dp_attention_world_info() and arg_groups/parallel_hook.py;
lmdeploy 0.9.0 to 0.18.0, pytorch/config.py: DistConfig, turbomind/turbomind.py: update_parallel_config() and
turbomind/parallel_config.py; vllm 0.8.3 to 0.33.0, fused_moe/config.py: FusedMoEParallelConfig.make().
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import gcd

from doctor.base.record import dataclass
from doctor.matrix.engine_types import Engine

MOST = 1 << 12  # GPUs
Counted = Callable[[str], "int | None"]
Said = Callable[[str], "str | None"]


@dataclass(frozen=True, slots=True)
class Parallel:
    """GPUs: `tp` share a layer, `pp` stages the layers, `copies` of that stand side by side.

    Within `tp`, `attention` share the attention of a request, `dense` an MLP, `experts` the experts of a layer, `head`
    the rows of the output; 0: all of `tp`.
    """

    tp: int = 1
    pp: int = 1
    copies: int = 1
    attention: int = 0
    dense: int = 0
    experts: int = 0
    head: int = 0


def parallel(counted: Counted, said: Said, row: Engine, place: tuple[str | None, str, int]) -> Parallel:
    """From what a launch says of an option by its meaning: `counted` as a number from 1 on, `said` as it stands there.

    `place` are the release, the backend, and how many GPUs it sees (0: not known).
    """
    release, backend, cards = place
    tp, pp, dp, ep = (counted(f"{kind}_parallel") or 1 for kind in ("tensor", "pipeline", "data", "expert"))
    if row.has("copies_share_gpus"):
        if backend == "pytorch":
            return _plain(_ranks(tp, dp, ep, old=row.has("ranks_are_copies", release, unknown=False)))
        return _plain(_layout(tp, dp, ep, cards) if row.has("solves_layout", release) else _overlapping(tp, dp, cards))
    plain = Parallel(tp, pp, dp)
    groups = counted("attention_copies") or 1
    if said("attention_data_parallel") is not None:
        whole = row.has("copies_are_all_gpus", release, unknown=False)
        groups, plain = max(groups, tp if whole else dp), replace(plain, copies=1)
    if groups < 2 or tp % groups:
        return plain
    dense = 1 if said("dense_parallel") == "1" else 0
    head = tp // groups if said("head_by_attention") is not None else 0
    return replace(plain, attention=tp // groups, dense=dense, head=head)


def _plain(found: Parallel) -> Parallel:
    """The same; what is shared by all of `tp` says so by 0, so that it stays so for another number of GPUs."""
    attention, dense, experts = (0 if n == found.tp else n for n in (found.attention, found.dense, found.experts))
    return replace(found, attention=attention, dense=dense, experts=experts)


def _ranks(tp: int, dp: int, ep: int, *, old: bool) -> Parallel:
    """LMDeploy's PyTorch engine: as many processes as there are experts' places, else as share a layer."""
    if old:
        world = max(tp, ep) if dp == 1 else dp
        attention = tp if dp == 1 else 1
    else:
        world = ep if ep > 1 else tp
        attention = max(world // dp, 1)
    return Parallel(world, attention=attention, dense=min(tp, world), experts=ep if ep > 1 else min(tp, world))


def _overlapping(tp: int, dp: int, cards: int) -> Parallel:
    """TurboMind takes as many GPUs as there are, up to tp x dp; with fewer, copies share out attention's GPUs."""
    here = min(tp * dp, cards) if cards else tp * dp
    overlap = tp * dp // here
    if tp * dp % here or tp % overlap or dp % overlap:  # it does not start; with as few as it could
        return Parallel(tp, attention=tp // dp if tp % dp == 0 else 0)
    return Parallel(tp, copies=dp // overlap, attention=tp // overlap)


def _layout(tp: int, dp: int, ep: int, cards: int) -> Parallel:
    """The largest number of GPUs that its parts can be dealt to, then the fewest whole copies."""
    total = dp * tp * gcd(1, ep)
    for here in range(min(total, cards or total, MOST), 0, -1):
        attention = here // dp
        if total % here or here % dp or tp % attention:
            continue
        for outer in (n for n in range(1, dp + 1) if dp % n == 0 and here % (n * ep) == 0):
            dense = here // (outer * ep)
            if tp % dense == 0 and tp in (attention, dense):
                return Parallel(here // outer, copies=outer, attention=attention, dense=dense, experts=dense * ep)
    return Parallel(max(tp, ep))

