"""Variables filled into the values of a compose file, before files are merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.collect.declared.compose.tags import Tagged
from doctor.launch.variables import Lacking, substituted


class Filling:
    """Fills variables into every text below a value; keys stay. Shared parts are filled once and stay shared."""

    def __init__(self, values: Mapping[str, str], lacking: Lacking) -> None:
        self.values, self.lacking = values, lacking
        self.done: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return substituted(value, self.values, self.lacking) if "$" in value else value
        if not isinstance(value, (dict, list, Tagged)):
            return value
        known = self.done.get(id(value))
        if known is not None:
            return known
        out = self._filled(value)
        self.done[id(value)] = out
        return out

    def _filled(self, value: Any) -> Any:
        if isinstance(value, Tagged):
            return Tagged(value.tag, self(value.value))
        if isinstance(value, dict):
            return {str(k): self(v) for k, v in value.items()}
        return [self(v) for v in value]
