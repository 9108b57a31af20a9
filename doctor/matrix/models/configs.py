"""Defaults of transformers' configuration classes: typed access to `matrices/configs/transformers.json`.

A config.json leaves out what its class has by default; the data was read out of the published wheels.
"""

from __future__ import annotations

import json
from dataclasses import field
from functools import cache
from typing import Any

from doctor.base.record import dataclass
from doctor.matrix.files.data import DataError, data_dir


@dataclass(frozen=True, slots=True)
class SubConfig:
    """What stands behind a key such as `vision_config`.

    `type` is the model type of its class, None where the config itself must name it; `free` tells that the config may
    name another one. `init` are the values that the outer class gives where the config has no such key at all.
    """

    type: str | None
    free: bool = False
    init: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigClass:
    """One configuration class: key -> value where config.json is silent, and its inner configurations."""

    model_type: str
    defaults: dict[str, Any]
    subs: dict[str, SubConfig]
    source: str


@cache
def config_class(model_type: str) -> ConfigClass | None:
    """The class of this model type in the newest release that has it, or None. Raises DataError for damaged data."""
    if not model_type or '"' in model_type or "\n" in model_type:
        return None
    text = _text()
    start = text.find(f'\n"{model_type}":')
    if start < 0:
        return None
    end = text.find("\n", start + 1)
    line = text[start + 1 : end].rstrip(",")
    try:
        row = json.loads("{" + line + "}")[model_type]
        subs = {
            k: SubConfig(v["type"], "init" in v or v["type"] is None, v.get("init") or {})
            for k, v in row["subs"].items()
        }
        return ConfigClass(model_type, row["defaults"], subs, _sources()[row["from"]])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"configs/transformers.json: the line of {model_type!r} cannot be read: {error}") from error


@cache
def _text() -> str:
    try:
        return (data_dir() / "configs" / "transformers.json").read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"configs/transformers.json cannot be read: {error.strerror}") from error


@cache
def _sources() -> tuple[str, ...]:
    return tuple(json.loads(_text().split("\n", 1)[0].partition('"sources":')[2].partition(',"types"')[0]))
