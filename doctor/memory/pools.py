"""SGLang's KV cache: pools of tokens that share what weights leave, one for each kind of layers.

Read in srt/model_executor/model_runner.py, model_runner_kv_cache_mixin.py and pool_configurator.py of sglang 0.4.3 to
0.5.23: profile_max_num_token(), handle_max_mamba_cache(), HybridSWAPoolConfigurator.
"""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.attention import Attention
from doctor.memory.cache import NUMBERS, kept_layers, of_state, stage

WINDOWED = 0.8  # --swa-full-tokens-ratio: tokens in layers with a window, to those in layers that keep all
STATES = 0.9  # --mamba-full-memory-ratio: bytes of states to those of the pools of tokens
FIRST_STATES = 512  # requests whose states 0.5.3 sets aside


@dataclass(frozen=True, slots=True)
class Pools:
    """Of one GPU: `cell` bytes for each token in all pools together; `aside` bytes and all but `share` are states'."""

    cell: float
    share: float = 1.0
    aside: float = 0.0

    @property
    def per_token(self) -> float:
        """Bytes of one token."""
        return self.cell

    def given(self, space: float) -> int:
        """Of the bytes that weights leave, those of the pools of tokens."""
        return int(max(space - self.aside, 0) * self.share)

    def holds(self, tokens: int) -> float:
        """Bytes of one request of this length."""
        return tokens * self.cell

    def tokens_in(self, space: float) -> int:
        """Tokens that so many bytes of the pools hold."""
        return int(space / self.cell) if self.cell else 0

    def logged(self, space: float, context: int) -> int:
        """Tokens as the log has them, `max_total_num_tokens`."""
        return self.tokens_in(space)

    def requests(self, space: float, context: int) -> float:
        """How many requests of that length so many bytes hold."""
        return self.tokens_in(space) / context if context else 0.0


def pools(
    shape: Attention, asked: Settings, each: tuple[float, float], *, extra: tuple[int, float] = (0, 0)
) -> Pools:  # fmt: skip
    """The pools of one GPU; `each`: bytes of a token in a layer that keeps all, and in one with a window.

    `extra` are a drafter's layers and bytes as well.
    """
    row, release = engine_row(asked.engine), asked.release
    full, sliding = kept_layers(shape, asked.pp)
    freed = asked.windows and bool(shape.window) and full > 0
    cell = full * each[0] + (WINDOWED if freed else 1.0) * sliding * each[1]
    if row.has("counts_drafter", release):
        cell += extra[0] * extra[1]
    if not shape.linear or not shape.state:
        return Pools(cell)
    if row.has("splits_states", release):
        return Pools(cell, share=1 / (1 + STATES))
    return Pools(cell, aside=(asked.requests or FIRST_STATES) * stage(shape.linear, asked.pp) * _state(shape, asked))


def _state(shape: Attention, asked: Settings) -> float:
    """Bytes of one linear layer's state on one GPU: its matrix is float32 unless the command says otherwise."""
    return of_state(shape, asked.attending, (2.0, NUMBERS.get(asked.state or "", 4.0)))
