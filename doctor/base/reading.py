"""Numbers of the moment, such as free memory, that tell what an answer made of them.

An answer that only compared a number stays true as long as every comparison would come out the same; one that showed
it, or calculated with it, is true for this very value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zlib import crc32

Bounds = tuple["int | None", "int | None"]  # the smallest and the largest value for which the answer is the same


class Reading(int):
    """An integer that narrows the bounds of `log[name]` with each use."""

    _log: dict[str, Bounds]
    _name: str

    @classmethod
    def noted(cls, value: int, log: dict[str, Bounds], name: str) -> Reading:
        """`value`, whose uses are noted in `log` under `name`; nothing stands there as long as nobody uses it."""
        made = cls(value)
        made._log, made._name = log, name
        return made

    def _narrow(self, low: int | None, high: int | None) -> None:
        lows, highs = zip(self._log.get(self._name, (None, None)), (low, high), strict=True)
        lowest, highest = [n for n in lows if n is not None], [n for n in highs if n is not None]
        self._log[self._name] = max(lowest, default=None), min(highest, default=None)

    def _exactly(self) -> int:
        value = int.__add__(self, 0)
        self._narrow(value, value)
        return value

    def __bool__(self) -> bool:
        value = int.__add__(self, 0)
        self._narrow(1, None) if value > 0 else self._narrow(value, value)
        return value != 0

    def _below(self, other: Any, strictly: bool) -> Any:
        """`self < other` or `self <= other`."""
        if isinstance(other, Reading) or not isinstance(other, int | float) or not math.isfinite(other):
            return (int.__lt__ if strictly else int.__le__)(self._exactly(), other)
        first = math.ceil(other) if strictly else math.floor(other) + 1  # the first value that is not below
        below = int.__lt__(self, first)
        self._narrow(None, first - 1) if below else self._narrow(first, None)
        return below

    def __lt__(self, other: Any) -> Any:
        return self._below(other, True)

    def __le__(self, other: Any) -> Any:
        return self._below(other, False)

    def __gt__(self, other: Any) -> Any:
        found = self._below(other, False)
        return found if found is NotImplemented else not found

    def __ge__(self, other: Any) -> Any:
        found = self._below(other, True)
        return found if found is NotImplemented else not found


def _exact(name: str) -> Callable[..., Any]:
    plain = getattr(int, name)

    def method(self: Reading, *others: Any) -> Any:
        return plain(self._exactly(), *others)

    method.__name__ = name
    return method


_SHOWN = (
    "eq",
    "ne",
    "hash",
    "int",
    "float",
    "index",
    "repr",
    "str",
    "format",
    "round",
    "trunc",
    "floor",
    "ceil",
)
_COUNTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "lshift", "rshift", "and", "or", "xor")
_ALONE = ("ceil", "neg", "pos", "abs", "invert")
for _name in (*_SHOWN, *_COUNTED, *_ALONE, *(f"r{name}" for name in _COUNTED)):
    setattr(Reading, f"__{_name}__", _exact(f"__{_name}__"))


class Addresses(tuple[str, ...]):
    """Addresses such as `127.0.0.1:8000` that note in `log` of which ports somebody asked; all, where read in full."""

    _log: dict[str, Bounds]

    @classmethod
    def noted(cls, addresses: tuple[str, ...], log: dict[str, Bounds]) -> Addresses:
        """`addresses`, whose uses are noted in `log`."""
        made = cls(addresses)
        made._log = log
        return made

    def on(self, port: int) -> tuple[str, ...]:
        """Those with this port."""
        found = on_port(tuple(super().__iter__()), port)
        self._log[f"port {port}"] = (mark(found), mark(found))
        return found

    def __iter__(self) -> Iterator[str]:
        every = tuple(super().__iter__())
        self._log["ports"] = (mark(every), mark(every))
        return iter(every)


def on_port(addresses: tuple[str, ...], port: int) -> tuple[str, ...]:
    """The addresses with this port."""
    return tuple(a for a in addresses if a.endswith(f":{port}"))


def mark(addresses: tuple[str, ...]) -> int:
    """A number that tells these addresses from others; 0 for none."""
    return crc32("\n".join(addresses).encode()) + 1 if addresses else 0


def marks(addresses: tuple[str, ...]) -> dict[str, int]:
    """The numbers of all addresses and of those on each port, as `Addresses` notes them."""
    ports = {int(a.rpartition(":")[2]) for a in addresses}
    return {"ports": mark(addresses), **{f"port {port}": mark(on_port(addresses, port)) for port in ports}}


def holds(log: Mapping[str, Bounds], now: Mapping[str, int]) -> bool:
    """Whether the readings `now` lie within the bounds of an answer; one that is not there counts as 0."""

    def within(value: int, low: int | None, high: int | None) -> bool:
        return (low is None or low <= value) and (high is None or value <= high)

    return all(within(now.get(name, 0), *bounds) for name, bounds in log.items())
