"""What the launch command asks for that decides about memory, as `doctor.launch.settings.Settings`."""

from __future__ import annotations

import json
import re
from functools import partial

from doctor.facts import Distributions, Facts, Gpu, Launch, Model
from doctor.launch.drafting import drafting
from doctor.launch.memory_values import amount, count, kept, share, unusable, whole
from doctor.launch.options import engine, option, options_of
from doctor.launch.parallel import parallel
from doctor.launch.processor import most_pixels, processor_arguments
from doctor.launch.settings import Settings
from doctor.matrix import rows
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row, option_names, serving_engines

GIB = 1 << 30


def settings(facts: Facts) -> Settings:
    """The settings of the launch; of the engine that is here, or of none, where there is no launch."""
    name = engine_of(facts)
    row = engine_row(name)
    release = facts.version(name)
    drafted, backend = drafting(partial(option, facts), row), backend_of(facts, release) if row.backends else "default"
    dealt = parallel(partial(count, facts, row), partial(_any, facts), row, (release, backend, _cards(facts)))
    return Settings(
        engine=name or "", release=release, backend=backend, tp=dealt.tp, pp=dealt.pp, copies=dealt.copies,
        attention=dealt.attention, dense=dealt.dense, experts=dealt.experts, head=dealt.head,
        experts_apart=option(facts, *row.names("experts_apart")) is not None,
        share=share(facts, row), context=amount(facts, row, "context"), kv=_kv(facts, row),
        dtype=_any(facts, "dtype"), quantization=_any(facts, "quantization"),
        batch=amount(facts, row, "batch_tokens"), requests=amount(facts, row, "requests"),
        usual_requests=row.memory.requests_of(release, _card(facts)),
        images=_limit(facts, "image"), videos=_limit(facts, "video"), sounds=_limit(facts, "audio"),
        pixels=most_pixels(processor_arguments(facts)), untried=_any(facts, "encoder_untried") is not None,
        sees=_any(facts, "vision_on") is not None, ordinary=_ordinary(facts, row, release),
        vision_split=not row.asks("vision_whole", option(facts, *row.names("vision_whole"))),
        vision=_any(facts, "vision_off") is None, eager=_any(facts, "eager") is not None,
        elastic=option(facts, *row.names("context")) in row.words.get("context_that_fits", ()),
        cache=whole(_any(facts, "cache_bytes")), blocks=_blocks(facts, row),
        offload=int((kept(facts, row, "cpu_offload") or 0) * GIB), swap=int((kept(facts, row, "swap") or 0) * GIB),
        windows=_windows(facts, row, release), uneven=_uneven(facts, row),
        block=amount(facts, row, "block_size"), prefixes=_switch(facts, row, "prefixes_shared"),
        state=option(facts, *row.names("state_dtype")),
        adapters=_adapters(facts, row, release), rank=_rank(facts, row),
        adapters_split=option(facts, *row.names("adapters_divided")) is not None,
        drafted=drafted.tokens, drafter=drafted.kind, draft_model=drafted.model,
        unusable=(*unusable(facts, row), *((("drafted_tokens", drafted.wrong),) if drafted.wrong else ())),
    )  # fmt: skip


def _any(facts: Facts, meaning: str) -> str | None:
    """The value of an option whatever engine calls it so: the command may be one that nobody recognises."""
    return option(facts, *option_names(meaning))


def engine_of(facts: Facts) -> str | None:
    """The engine of the launch, else the only one that is installed."""
    wanted, known = engine(facts), serving_engines()
    if wanted is not None or isinstance(facts.launch, Launch):
        return wanted if wanted in known else None
    there = [e for e in known if isinstance(facts.distributions, Distributions) and facts.distributions.version(e)]
    return there[0] if len(there) == 1 else None


def backend_of(facts: Facts, release: str | None) -> str:
    """The backend of an engine that has several: as asked, else the first where that release has the architecture."""
    row = engine_row(engine_of(facts))
    asked = option(facts, *row.names("backend"))
    if asked in row.backends:
        return asked or ""
    first, *rest = row.backends
    listed = rows.row(row.name, release, f"architectures.{first}") if release else None
    names = facts.model.architectures if isinstance(facts.model, Model) else ()
    known = (listed or {}).get(f"architectures.{first}", {})
    return first if not names or not known or any(n in known for n in names) else rest[0] if rest else first


def _kv(facts: Facts, row: Engine) -> str:
    names = row.names("kv_cache_dtype") or option_names("kv_cache_dtype")
    told = option(facts, *names) or row.memory.cache_default
    return row.memory.cache_names.get(told.lower(), told.lower()) if row.memory.cache_names else told


def _blocks(facts: Facts, row: Engine) -> int | None:
    """The cache's size where the command gives it in tokens or blocks."""
    if names := row.names("cache_tokens"):
        return whole(option(facts, *names))
    given = whole(_any(facts, "cache_blocks"))
    block = whole(_any(facts, "block_size")) or row.memory.block
    return given * block if given and block else None


def _windows(facts: Facts, row: Engine, release: str | None) -> bool:
    """Whether what slid out of a window is freed: of every model, or of those that the engine lists."""
    if not row.has("frees_windows", release) or option(facts, *row.names("windows_kept")) is not None:
        return False
    if row.memory.windowed_models and row.has("frees_windows_by_model", release):
        names = facts.model.architectures if isinstance(facts.model, Model) else ()
        return any(name in row.memory.windowed_models for name in names)
    return True


def _adapters(facts: Facts, row: Engine, release: str | None) -> int:
    """For how many LoRA adapters there is room at once: of those that are named where the engine keeps each."""
    named = options_of(facts.launch, release, *row.names("adapters")) if isinstance(facts.launch, Launch) else ()
    if row.memory.adapters is None:
        return len(named)
    on = option(facts, *row.names("adapters_on")) is not None or (bool(named) and row.has("adapters_turn_on"))
    return (count(facts, row, "adapter_slots") or row.memory.adapters) if on else 0


def _rank(facts: Facts, row: Engine) -> int | None:
    """The largest rank of an adapter, the engine's own where the command names none."""
    return count(facts, row, "adapter_rank") or row.memory.adapter_rank


def _uneven(facts: Facts, row: Engine) -> bool:
    """Whether a variable of the launch lets GPUs differ: one that turns the check off, or one that is its switch."""
    said = facts.launch.environ if isinstance(facts.launch, Launch) else {}
    off, on = (said.get(row.variables.get(meaning, ""), "").lower() for meaning in ("uneven_cards", "even_cards"))
    return off in ("1", "true") or on in ("0", "false", "no", "off", "n", "f")


def _switch(facts: Facts, row: Engine, meaning: str) -> bool | None:
    """Whether a switch is set, or turned off by its `--no-` form; None where neither stands there."""
    if option(facts, *row.names(meaning)) is not None:
        return True
    off = [f"--no-{name.removeprefix('--')}" for name in row.names(meaning)]
    return False if option(facts, *off) is not None else None


def _cards(facts: Facts) -> int:
    """How many GPUs the launch sees, slices of one counted; 0 where that is not known."""
    there = facts.gpu.usable if isinstance(facts.gpu, Gpu) else ()
    return sum(max(len(d.mig), 1) if d.mig_enabled else 1 for d in there)


def _card(facts: Facts) -> str:
    """The name of the first GPU."""
    return facts.gpu.usable[0].name if isinstance(facts.gpu, Gpu) and facts.gpu.usable else ""


def _ordinary(facts: Facts, row: Engine, release: str | None) -> bool:
    """Whether the first card is one for which the engine takes its smaller defaults by its name."""
    return row.memory.is_ordinary(release, _card(facts))


def _limit(facts: Facts, kind: str) -> int | None:
    """Pictures or videos of one request: JSON in the newer releases, `image=3` in the older ones."""
    told = _any(facts, "images_per_prompt")
    if not told:
        return None
    try:
        data = json.loads(told[:4096])
    except ValueError:
        found = re.search(rf"\b{kind}[=:](\d{{1,6}})", told[:4096])
        return int(found[1]) if found else None
    count = data.get(kind) if isinstance(data, dict) else None
    count = count.get("count") if isinstance(count, dict) else count
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1 << 20 else None
