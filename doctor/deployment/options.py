"""Settings of an engine that stand in a file, as the words that its own command line has for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from doctor.deployment.values import text

MOST = 300


def as_options(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """`{max_model_len: 8192, enforce_eager: true}` as `--max-model-len 8192 --enforce-eager`."""
    return tuple(w for name, value in list(settings.items())[:MOST] for w in _option(str(name), value))


def _option(name: str, value: Any) -> Iterator[str]:
    flag = f"--{name.lstrip('-').replace('_', '-')}"
    if value is None or value is False:
        return
    yield flag
    if value is True:
        return
    if isinstance(value, list) and all(not isinstance(v, (list, dict)) for v in value):
        yield from (text(v) for v in value[:MOST])
    else:
        yield json.dumps(value)[: 1 << 16] if isinstance(value, (list, dict)) else text(value)
