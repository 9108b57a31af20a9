"""A run as one line of data: what was launched, what was predicted of its memory, and what the server logged."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from doctor.base.json_object import JsonObject
from doctor.base.new_files import create_private, open_append
from doctor.derived.memory.launched import left_out
from doctor.facts import Facts, Gpu, Model
from doctor.facts.observed import Observed
from doctor.findings.memory import Expected
from doctor.launch.asked import asked_of
from doctor.launch.memory_settings import settings
from doctor.matrix.engines import engine_row
from doctor.run.log.logfile import logs_of
from doctor.run.story.creation import Unusable
from doctor.run.story.decode import read_expected, read_facts
from doctor.run.story.figures import observed, startup
from doctor.run.story.postmortem import build

GIB = 1 << 30


def add(folder: Path, to: Path) -> JsonObject:
    """Appends the run to a file of observations, its config.json next to it. Raises `Unusable`, OSError."""
    facts, said = read_facts(folder), read_expected(folder)
    if facts is None or said is None:
        raise Unusable(f"nothing was predicted for the run `{folder.name}`: it was not checked, or its GPU is unknown")
    seen = observed(logs_of(folder), said)
    if seen is None:
        raise Unusable(f"the log of the run `{folder.name}` has no figures on memory")
    row = _row(folder, facts, said, seen)
    to.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(facts.model, Model) and facts.model.config and not str(row["model"]).startswith("@"):
        _keep_config(to.parent / "configs" / str(row["model"]), facts.model)
    handle = open_append(to) if to.exists() else create_private(to, append=True)
    with os.fdopen(handle, "ab") as file:
        file.write(json.dumps(row).encode() + b"\n")
    return row


def _row(folder: Path, facts: Facts, said: Expected, seen: Observed) -> JsonObject:
    asked, card = settings(facts), facts.gpu.usable[0] if isinstance(facts.gpu, Gpu) and facts.gpu.usable else None
    return {
        "id": folder.name, "source": f"qvl-doctor run, the log of {said.engine} {asked.release}", "engine": said.engine,
        "version": asked.release, "gpu": card.name if card else "", "total_gib": round(said.card / GIB, 2),
        "capability": ".".join(map(str, card.capability)) if card else "", "gpus": asked.gpus, "model": _model(facts),
        "args": " ".join(_arguments(facts)), "tp": asked.tp, "certainty": "sure", "note": "",
        "true": {name: value for name, value in _truth(folder, seen).items() if value is not None},
        "predicted": {
            "weights_gib": _gib(said.weights), "kv_gib": [_gib(end) for end in said.cache],
            "tokens": list(said.tokens), "concurrency": [round(c, 2) for c in said.concurrent],
        },
    }  # fmt: skip


def _truth(folder: Path, seen: Observed) -> JsonObject:
    report = build(folder)
    ready = bool(report.ready) or any(startup(path)[1] for path in logs_of(folder))
    starts = True if ready else False if report.exit_code else None
    return {
        "weights_gib": _gib(seen.weights), "kv_gib": _gib(seen.cache), "tokens": seen.tokens,
        "concurrency": seen.concurrency, "starts": starts,
    }  # fmt: skip


def _gib(size: int | None) -> float | None:
    return None if size is None else round(size / GIB, 2)


def _model(facts: Facts) -> str:
    """A name on the hub with `@` before it, else the name of the folder."""
    model = facts.model
    if not isinstance(model, Model):
        return ""
    return Path(model.path).name if model.source == "folder" else f"@{model.named or model.path}"


def _arguments(facts: Facts) -> Iterator[str]:
    """The options without the model, each one word where it has a value: JSON without spaces."""
    found = asked_of(facts)
    row = engine_row(found.engine if found else None)
    apart = {*left_out(row), *row.names("model")}
    for given in found.reading.given if found else ():
        if given.spelled and given.name not in apart:
            yield given.spelled
            yield from (_word(value) for value in given.values)


def _word(value: str) -> str:
    with contextlib.suppress(ValueError):
        return json.dumps(json.loads(value), separators=(",", ":")) if value[:1] in "{[" else value
    return value


def _keep_config(folder: Path, model: Model) -> None:
    """Its config.json, unless there is one already. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError), os.fdopen(create_private(folder / "config.json"), "wb") as file:
        file.write(json.dumps(model.config, indent=1).encode() + b"\n")
