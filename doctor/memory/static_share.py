"""SGLang's own `--mem-fraction-static`: the share of a card for weights and cache where the command names none.

Read in srt/server_args.py (arg_groups/memory_hook.py since 0.5.20) of sglang 0.4.3 to 0.5.23;
`benchmarks/memory_engines.py` runs those functions beside these. What differs by release stands in the engine's row.
"""

from __future__ import annotations

from doctor.launch.settings import Settings
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row
from doctor.matrix.hardware import version
from doctor.memory.footprint import Footprint

GIB = 1 << 30
K = 1024  # MiB in a GiB
BY_RANKS = ((16, 0.79), (8, 0.81), (4, 0.85), (2, 0.87))
# MiB of the card below which it holds, GiB set aside, and GiB more for each GPU; up to 0.5.2
SET_ASIDE = ((35 * K, 2.8, 0.1), (90 * K, 9.5, 0.5), (160 * K, 12, 0.5))
FULL_STEPS = ((4, 33, 4), (48, 257, 16), (288, 513, 32), (576, 1025, 64), (1280, 4097, 256), (4608, 1 << 20, 512))
Release = tuple[int, ...]


def static_share(asked: Settings, card: int, model: Footprint | None) -> float:
    """The share for cards of `card` bytes: by the smallest GPU that `nvidia-smi` lists, where it is known."""
    release: Release = version(asked.release) if asked.release else (9,)
    mib = (asked.smallest or card) / (1 << 20)
    seen = _sees(asked, model)
    if release < (0, 4, 8):
        return _by_ranks(asked, release, mib) * (_eyes(asked, release, model) if seen and model is not None else 1.0)
    if release < (0, 5, 3):
        share = _by_card(asked, mib)
    else:
        share = max(round((mib - reserve(asked, mib, model)) / mib, 3), 0.05)
    return share * (_eyes(asked, release, model) if seen and model is not None else 1.0)


def _by_ranks(asked: Settings, release: Release, mib: float) -> float:
    ranks = asked.tp * (asked.pp if release >= (0, 4, 6) and asked.release != "0.4.6" else 1)
    share = next((share for least, share in BY_RANKS if ranks >= least), 0.88)
    if asked.release == "0.4.6":
        return share if mib <= 80 * K else (mib - 13 * K) / mib
    if release < (0, 4, 6):
        return share
    share = share if mib <= 80 * K else 0.88
    guesses = bool(asked.drafter) and release >= (0, 4, 7)
    if release >= (0, 4, 7) and mib > 180_000:
        return 0.79
    if mib > 96 * K:
        return min(share + 48 * K * (1 - share) / mib, (mib - (20 if guesses else 18) * K) / mib)
    return share * (0.95 if guesses else 1.0)


def _by_card(asked: Settings, mib: float) -> float:
    aside, each = next(((fixed, more) for below, fixed, more in SET_ASIDE if mib < below), (32.0, 0.0))
    reserved = (aside + each * asked.tp * asked.pp) * K
    if asked.drafter:
        reserved += (6 if asked.drafter == "draft_model" else 2) * K
    if asked.attending < asked.tp and engine_row(asked.engine).has("sets_copies_aside", asked.release):
        reserved += 4 * K
    return round((mib - reserved) / mib, 3)


def reserve(asked: Settings, mib: float, model: Footprint | None) -> float:
    """MiB set aside for one step, its graphs, several GPUs and a drafter; since 0.5.3."""
    row, release = engine_row(asked.engine), asked.release
    tokens = max(asked.batch or prefill(mib, asked), 2048)
    reserved = 512 + tokens * 1.5 + asked.tp * asked.pp / 8 * K
    large = graphs(mib, asked)
    if not (asked.eager and row.has("eager_sets_less_aside", release)):
        reserved += large * 2
    if (copies := asked.tp // asked.attending) > 1:
        reserved += large * copies * (4.5 if large > 300 else 3)
    if row.has("graphs_prompts", release) and not _without_prompt_graphs(asked, model):
        latent = model is not None and model.shape is not None and bool(model.shape.latent)
        reserved += 1.5 * K if latent else _steps(tokens) * 8
    if mib > 60 * K:
        reserved = max(reserved, 10 * K)
    if asked.drafter and row.has("sets_drafts_aside", release):
        other = 4 if row.has("sets_more_aside_for_drafts", release) else 2
        reserved += {"draft_model": 6, "ngram": 0}.get(asked.drafter, other) * K
    return reserved


def _without_prompt_graphs(asked: Settings, model: Footprint | None) -> bool:
    """Several stages, a drafter and, by default, pictures rule out graphs of prompts."""
    return asked.pp > 1 or bool(asked.drafter) or _sees(asked, model)


def _sees(asked: Settings, model: Footprint | None) -> bool:
    """Whether the engine takes the model for one with pictures."""
    return model is not None and bool(model.vision) and asked.vision and asked.sees


def _steps(tokens: int) -> int:
    """How many sizes of prompt are captured as graphs."""
    return sum(len(range(first, min(last, tokens + 1), step)) for first, last, step in FULL_STEPS)


def _eyes(asked: Settings, release: Release, model: Footprint) -> float:
    """Less for pictures: a constant, then by the tower's layers and width, 0.8 to 1.05 against 24 layers of 1024.

    With transformers before 5, towers that call their layers `depth` count as 24 of them.
    """
    if not engine_row(asked.engine).has("weighs_towers", asked.release):
        return 0.95 if release < (0, 4, 5) else 0.90
    layers, depth, width = model.eyes
    layers = layers or (24 if release < (0, 5, 11) else depth) or 24
    score = layers * (width or 1024) ** 2 / (24 * 1024**2)
    return 0.95 * max(0.8, min(1.05, 1.0 - 0.1 * (score - 1.0)))


def prefill(mib: float, asked: Settings) -> int:
    """Tokens of a prefill step by the size of the card."""
    row = engine_row(asked.engine)
    small = 4096 if mib >= 20 * K and row.has("prefills_more", asked.release) else 2048
    return small if mib < 35 * K else 4096 if mib < 60 * K else 8192 if mib < 160 * K else 16384


def graphs(mib: float, asked: Settings) -> int:
    """The largest batch of a CUDA graph by the size of the card."""
    row: Engine = engine_row(asked.engine)
    new = row.has("prefills_more", asked.release)
    few = 48 if new else 24 if row.has("graphs_more", asked.release) else 16
    table = ((20, 8, 8), (35, few, 160 if new else 80), (60, 32, 160), (160, 256, 512))
    gib, many = mib / K, asked.tp >= 4
    found = next((large if many else small for below, small, large in table if gib < below), 512)
    capped = asked.requests is not None and row.has("requests_cap_graphs", asked.release)
    return min(found, asked.requests or found) if capped else found
