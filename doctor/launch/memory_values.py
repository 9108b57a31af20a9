"""Values of options that decide about memory, from which no number follows: zero, below zero, `nan`, no number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.facts import Facts
from doctor.launch.options import number, option
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import option_names

MOST_GPUS, MOST_GIB = 4096, 1 << 20
PARALLEL = ("tensor_parallel", "pipeline_parallel", "data_parallel")
AMOUNTS = ("context", "requests", "batch_tokens", "cache_bytes", "cache_tokens", "cache_blocks", "block_size")
KEPT = ("cpu_offload", "swap")
USUAL = {"context": "context_that_fits"}  # words that are taken, where they have another name than `usual_...`
Read = Callable[[Facts, Engine, str], object]
_HUMAN = late_pattern(r"(\d{1,12}(?:\.\d{1,6})?)([kKmMgGtT]?)(i?[bB]?)")
DECIMAL = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
BINARY = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def unusable(facts: Facts, row: Engine) -> Iterator[tuple[str, str]]:
    """Each such option by its meaning, with its value as the command has it."""
    for meanings, read in READERS:
        for meaning in meanings:
            names = row.names(meaning) or option_names(meaning)
            value = option(facts, *names)
            if value is None or value in ("None", *row.words.get(USUAL.get(meaning, f"usual_{meaning}"), ())):
                continue
            if read(facts, row, meaning) is None:
                name = next(n for n in names if option(facts, n) is not None)
                yield meaning, one_line(f"{name} {value}", 60).strip()


def count(facts: Facts, row: Engine, meaning: str) -> int | None:
    """A number of GPUs; None where the command says none."""
    value = number(facts, *option_names(meaning))
    return int(value) if value is not None and 1 <= value < MOST_GPUS else None


def kept(facts: Facts, row: Engine, meaning: str) -> float | None:
    """GiB of main memory, which may be 0."""
    value = number(facts, *option_names(meaning))
    return value if value is not None and 0 <= value < MOST_GIB else None


def share(facts: Facts, row: Engine, meaning: str = "memory_share") -> float | None:
    """The engine's share: SGLang takes any number, vLLM up to the whole, and LMDeploy counts blocks from 1 on."""
    value = number(facts, *row.names(meaning))
    if value is None or not math.isfinite(value) or abs(value) > MOST_GIB:
        return None
    if row.memory.budget == "free_at_start":
        return value
    return value if 0 < value < 1 or (value == 1 and row.memory.budget != "after_weights") else None


def amount(facts: Facts, row: Engine, meaning: str) -> int | None:
    """Tokens, requests, blocks or bytes, more than none."""
    return whole(option(facts, *(row.names(meaning) or option_names(meaning))))


def whole(text: str | None) -> int | None:
    """A size as the engines read it: `32768`, `32k` (thousands), `32K` (of 1024), `1.5G`; None for anything else."""
    found = _HUMAN.fullmatch((text or "").strip())
    if found is None:
        return None
    unit = found[2]
    value = int(float(found[1]) * (BINARY if unit.isupper() else DECIMAL)[unit.lower()])
    return value or None


READERS: tuple[tuple[tuple[str, ...], Read], ...] = (
    (PARALLEL, count), (AMOUNTS, amount), (KEPT, kept), (("memory_share",), share),
)  # fmt: skip
