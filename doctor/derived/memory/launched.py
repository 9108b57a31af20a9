"""Which launch this is, as far as its memory depends on it, and what is expected of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.known_model import launched_member
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Facts, Gpu, Launch, Model, Weights
from doctor.facts.codec import to_json
from doctor.findings.memory import Expected
from doctor.launch.asked import asked_of
from doctor.launch.memory_settings import settings
from doctor.launch.memory_values import whole
from doctor.launch.options import option, words_of
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row

# options that change nothing about memory, by meaning
APART = (
    "host", "port", "api_key", "served_name", "log_level", "metrics_off", "docs_off", "chat_template", "download_dir",
)  # fmt: skip
# variables that may change it, beside the engine's own, and how the names of those end that do not
VARIABLES = ("CUDA_", "NCCL_", "PYTORCH_")
OTHERS = ("_PORT", "_HOST", "_HOST_IP", "_KEY", "_LEVEL", "_DEBUG", "_DIR", "_PATH", "_ROOT", "_HOME")


def key_of(facts: Facts) -> str | None:
    """The same for two launches of the same words, engine, model and GPUs; None where one of them is not known.

    A GPU that was named with `--gpu` is not this machine's.
    """
    launch, gpu = facts.launch, facts.gpu
    if not isinstance(launch, Launch) or launch.machine or not isinstance(gpu, Gpu) or gpu.source != "nvml":
        return None
    asked, model = settings(facts), _model(facts)
    if not model or not asked.engine or asked.release is None or not gpu.usable:
        return None
    cards = [[d.name, d.memory_total, *[[m.name, m.memory_total] for m in d.mig]] for d in gpu.usable[: asked.gpus]]
    told = [to_json(asked), model, cards, sorted(_options(facts, launch)), sorted(_variables(launch, asked.engine))]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _model(facts: Facts) -> list[object]:
    """The name of a checkpoint on the hub; what tells a folder's from one that was there before. Empty for none."""
    model = facts.model
    if not isinstance(model, Model):
        listed = launched_member(facts)
        return [listed.id] if listed else []
    if model.source != "folder":
        return [model.named or model.path]
    weights = model.weights
    size = (weights.total or weights.declared) if isinstance(weights, Weights) else None
    return [model.path, size, to_json(model.quantization), model.config, model.preprocessor]


def _options(facts: Facts, launch: Launch) -> Iterator[list[str]]:
    """The options with their values, in any order; the words themselves where no table reads them."""
    found = asked_of(facts)
    if found is None:
        yield list(words_of(launch))
        return
    apart = left_out(engine_row(found.engine))
    for given in found.reading.given:
        if given.name not in apart:
            yield [given.name, *given.values]
    for problem in found.reading.problems:
        yield [problem.spelled, problem.value or ""]


def left_out(row: Engine) -> frozenset[str]:
    """The names of the options that change nothing about memory."""
    return frozenset(name for meaning in APART for name in row.names(meaning))


def _variables(launch: Launch, engine: str) -> Iterator[list[str]]:
    row = engine_row(engine)
    for name, value in launch.environ.items():
        if name.startswith((*VARIABLES, *row.environment, *row.native_environment)) and not name.endswith(OTHERS):
            yield [name, value]


def expected(facts: Facts) -> Expected | None:
    """What is predicted of this launch, not corrected by an earlier run; None where the model or the GPU is unknown."""
    here = memory_verdict(Case(facts))
    if not isinstance(here, MemoryVerdict) or here.predicted is None or not here.settings.engine:
        return None
    said, row = here.predicted, engine_row(here.settings.engine)
    return Expected(
        here.settings.engine, said.card, said.weights, said.cache, said.tokens, said.context, said.concurrent,
        whole(option(facts, *row.names("block_size"))) or row.memory.block, here.free, key_of(facts),
    )  # fmt: skip
