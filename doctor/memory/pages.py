"""vLLM's KV cache: blocks of one size in bytes, dealt out to groups of layers, as each release counts them.

Read in v1/core/kv_cache_utils.py, v1/kv_cache_interface.py and platforms/interface.py (model_executor/models/config.py
up to 0.18) of vllm 0.8.5 to 0.33.0. The habits by release are traits of the engine's row.
"""

from __future__ import annotations

from math import gcd

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.attention import Attention
from doctor.memory.cache import NUMBERS, kept_layers, of_state, stage

BLOCK = 16  # tokens, for most attention backends
LONGEST = 1 << 31


@dataclass(frozen=True, slots=True)
class Group:
    """`many` groups of layers of one kind; a block of one holds `block` tokens.

    `reach` is the most tokens that a request keeps (0: all), `states` the blocks that it takes whatever its length.
    `full` is how much of the groups is layers: the last one may be filled up.
    """

    many: int
    block: int
    reach: int = 0
    states: int = 0
    full: float = 1.0

    def needs(self, tokens: int) -> int:
        """Blocks of one request of this length."""
        if self.states:
            return self.many * self.states
        if self.reach:
            return self.many * (-(-min(tokens, self.reach) // self.block) + 1)
        return self.many * -(-tokens // self.block)


@dataclass(frozen=True, slots=True)
class Pages:
    """The cache of one GPU: blocks of `size` bytes.

    `by_request`: the log's tokens are requests times their length. Where the engine checks whether one request finds
    room, what fills up a group counts if it is `filled`, states if they are `stated`, and `kept` blocks are its own.
    """

    size: float
    groups: tuple[Group, ...]
    by_request: bool = True
    filled: bool = True
    stated: bool = True
    kept: int = 0

    def needs(self, tokens: int) -> int:
        """Blocks of one request of this length."""
        return sum(group.needs(tokens) for group in self.groups)

    def blocks(self, space: float) -> int:
        """How many blocks so many bytes hold."""
        return int(max(space, 0) // self.size)

    def given(self, space: float) -> int:
        """Of the bytes that weights leave, those of the cache: all."""
        return int(max(space, 0))

    def holds(self, tokens: int) -> float:
        """Bytes of one request of this length, as the engine asks for them at its start."""
        asked = (g.needs(tokens) * (1.0 if self.filled else g.full) for g in self.groups if self.stated or not g.states)
        return (sum(asked) + self.kept) * self.size

    def tokens_in(self, space: float) -> int:
        """Tokens of the longest single request that so many bytes hold."""
        whole = [g for g in self.groups if not g.states and not g.reach]
        if whole == list(self.groups):
            return max(int(space // self.size) - self.kept, 0) // sum(g.many for g in whole) * whole[0].block
        if self.holds(1) > space:
            return 0
        high = int(space // self.size + 2) * max(g.block for g in self.groups) * 2 if whole else LONGEST
        if self.holds(high) <= space:
            return LONGEST
        low = 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.holds(middle) <= space else (low, middle)
        return low

    def requests(self, space: float, context: int) -> float:
        """How many requests of that length so many bytes hold: the log's `Maximum concurrency`."""
        return self.blocks(space) / max(self.needs(context), 1)

    def logged(self, space: float, context: int) -> int:
        """Tokens as the log has them, `GPU KV cache size`."""
        if self.by_request:
            return int(self.requests(space, context) * context)
        return self.blocks(space) // sum(g.many for g in self.groups) * min(g.block for g in self.groups)

    @property
    def per_token(self) -> float:
        """Bytes that one token more takes in the layers that keep everything, or in all where each has a window."""
        whole = [g for g in self.groups if not g.states and not g.reach]
        return sum(g.many * self.size / g.block for g in whole or self.groups if not g.states)


def pages(
    shape: Attention, asked: Settings, each: tuple[float, float], batch: int, *, extra: tuple[int, float] = (0, 0)
) -> Pages:  # fmt: skip
    """The blocks of a GPU that computes `batch` tokens at once.

    `each`: bytes of a token in an attention layer that keeps all, and in one with a window. `extra` are the layers of
    a drafter and the bytes of a token in one of them.
    """
    row, release = engine_row(asked.engine), asked.release
    full, sliding = kept_layers(shape, asked.pp)
    linear = stage(shape.linear, asked.pp) if shape.state else 0
    windows = asked.windows and shape.window and row.has("groups_layers", release)
    beside, wide = extra
    token = full * each[0] + sliding * each[1] + beside * wide
    if not windows:
        full, sliding = full + sliding, 0
    by_request, kept = row.has("logs_by_request", release), int(row.has("keeps_a_block", release))
    block = asked.block or (BLOCK if not shape.latent else 64)
    if not sliding and not linear:
        return Pages(token * block, (Group(1, block),), by_request, kept=kept)
    kinds = [n for n in (full + beside, sliding, linear) if n]
    size = _group_size(kinds, _close(asked))
    largest = max(each[0], wide if beside else 0)
    page, block = _page(shape, asked, largest, block) if linear else (max(largest, each[1]) * block, block)
    steps = asked.pp + 1 if asked.pp == 1 and row.has("counts_steps_in_flight", release) else asked.pp
    groups = (
        _group(full + beside, size, _tokens(page, largest, block)),
        _group(sliding, size, _tokens(page, each[1], block), reach=shape.window - 1 + steps * max(batch, 1)),
        _group(linear, size, block, states=_states(asked)),
    )
    found = tuple(g for g in groups if g.many)
    filled, stated = row.has("checks_groups", release), not row.has("checks_no_states", release, unknown=False)
    return Pages(page * size, found, by_request, filled, stated, kept)


def _tokens(page: float, each: float, block: int) -> int:
    """Tokens of a block whose page is filled up: more where a whole number of smaller pages makes one."""
    return block * int(page // (each * block)) if page % (each * block) == 0 else block


def _group(layers: int, size: int, block: int, *, reach: int = 0, states: int = 0) -> Group:
    many = -(-layers // size)
    return Group(many, block, reach, states, layers / (many * size) if many else 1.0)


def _group_size(kinds: list[int], close: float) -> int:
    """Layers of a group: as many as the rarest kind has, or the most frequent where the two are close."""
    return max(kinds) if max(kinds) < min(kinds) * close else min(kinds)


def _close(asked: Settings) -> float:
    row = engine_row(asked.engine)
    if not row.has("fills_close_groups", asked.release):
        return 0.0
    return 1.5 if row.has("fills_wider_groups", asked.release) else 1.25


def _page(shape: Attention, asked: Settings, each: float, block: int) -> tuple[float, int]:
    """Bytes of a page and its tokens: attention's grow until one holds the state of a linear layer."""
    step = block if asked.block is None else gcd(block, BLOCK) or BLOCK
    tokens = max(step * -int(-state_bytes(shape, asked) // (step * each)), block)
    return tokens * each, tokens


def state_bytes(shape: Attention, asked: Settings) -> float:
    """Of one linear layer on one GPU: its convolution with a place for each drafted token, and its matrix."""
    plain = NUMBERS.get(asked.dtype or "", 2.0)
    matrix = NUMBERS.get(asked.state or shape.state_dtype, plain)
    return of_state(shape, asked.attending, (plain, matrix), asked.drafted)


def _states(asked: Settings) -> int:
    """Blocks of a request in a group of linear layers: states kept for reuse and those of drafted tokens count."""
    row, release = engine_row(asked.engine), asked.release
    if not row.has("aligns_states", release):
        return 1
    reused = asked.prefixes if asked.prefixes is not None else row.has("shares_hybrid_prefixes", release)
    return 1 + reused + asked.drafted
