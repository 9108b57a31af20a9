"""Keys of a compose service that Compose does not know, and values of another kind than it takes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from doctor.base.text import one_line
from doctor.base.values import mapping
from doctor.matrix.compose_keys import compose_keys


def wrong_keys(service: Mapping[str, Any]) -> Iterator[str]:
    """Keys that Compose does not know, and values of another kind than it takes."""
    for place, known in compose_keys().items():
        path = () if place == "service" else tuple(place.split("."))
        for key, value in list(mapping(service, *path).items())[:200]:
            shown = ".".join((*path, one_line(str(key), 60)))
            if str(key).startswith("x-"):
                continue
            if key not in known:
                near = difflib.get_close_matches(str(key)[:60], known, 1, 0.75)
                meant = f"; did you mean `{'.'.join((*path, near[0]))}`?" if near else ""
                yield f"`{shown}` is not a key that Compose knows{meant}"
            elif value is not None and kind_of(value) not in known[key]:
                wanted = " or ".join(f"a {k}" for k in known[key] if k != "nothing")
                yield f"`{shown}` is a {kind_of(value)}, not {wanted}"


def kind_of(value: Any) -> str:
    """What a value of YAML is, as the table calls it."""
    if isinstance(value, bool):
        return "switch"
    if isinstance(value, (int, float)):
        return "number"
    return "list" if isinstance(value, list) else "mapping" if isinstance(value, Mapping) else "text"
