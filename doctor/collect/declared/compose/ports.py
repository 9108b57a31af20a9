"""The ports of a service, each range written out: `8000-8002:9000-9002` is three of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.collect.declared.compose.tags import scalar

MOST = 100
_RANGE = late_pattern(r"(\d{1,5})(?:-(\d{1,5}))?$")


class PortError(ValueError):
    """A port that Compose does not accept; one phrase."""


def ports_of(raw: Any) -> tuple[str, ...]:
    """Each as `[ADDRESS:][PUBLISHED:]TARGET[/PROTOCOL]`. Raises PortError for the first that Compose refuses."""
    out: list[str] = []
    for entry in raw[:MOST] if isinstance(raw, list) else ():
        out += _long(entry) if isinstance(entry, Mapping) else _short(scalar(entry))
    return tuple(dict.fromkeys(out[:MOST]))


def port_fields(value: Any) -> tuple[str, str, str, str]:
    """Address, published port, port in the container and protocol of an entry in either form."""
    if isinstance(value, Mapping):
        host, published = scalar(value.get("host_ip") or ""), scalar(value.get("published") or "")
        return host, published, scalar(value.get("target") or ""), scalar(value.get("protocol") or "tcp")
    text, _, protocol = scalar(value).partition("/")
    rest, _, target = text.rpartition(":")
    host, _, published = rest.rpartition(":")
    return host, published, target, protocol or "tcp"


def _long(entry: Mapping[str, Any]) -> list[str]:
    host, published, target, protocol = port_fields(entry)
    outer = f"{host and host + ':'}{published and published + ':'}"
    return [one_line(f"{outer}{target}{'' if protocol == 'tcp' else f'/{protocol}'}", 100)]


def _short(text: str) -> list[str]:
    host, published, target, _ = port_fields(text)
    inner, outer = _numbers(target, text), _numbers(published, text) if published else []
    if outer and len(inner) > 1 and len(outer) != len(inner):
        raise PortError(f"`ports: {one_line(text, 60)}` has ranges of different lengths")
    ends = "".join(text.partition("/")[1:])
    if not outer or len(inner) == 1:  # one port behind a range: Docker takes a free one of the range
        return [f"{host and host + ':'}{published and published + ':'}{one}{ends}" for one in inner]
    return [f"{host and host + ':'}{a}:{b}{ends}" for a, b in zip(outer, inner, strict=True)]


def _numbers(text: str, whole: str) -> list[int]:
    found = _RANGE.match(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (-1, -1)
    if not 0 <= first <= last <= 65535:
        raise PortError(f"`ports: {one_line(whole, 60)}` is not a port or a range of ports")
    return list(range(first, min(last, first + MOST - 1) + 1))
