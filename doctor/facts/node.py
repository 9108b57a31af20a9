"""What one machine of several says of itself in few bytes, to be compared with the others."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from doctor.base.record import dataclass

SECTIONS = ("packages", "natives", "engine", "model", "gpu", "driver", "host", "network", "environment")
Connection = Literal["ok", "refused", "timed out", "no route", "failed"]


@dataclass(frozen=True, slots=True)
class Digest:
    """`sections` maps each name of SECTIONS to 12 hex digits; equal machines have equal ones.

    What differs between equal machines is beside it: `host` is its own name, `address` the one that Gloo gives to the
    others (`why` says where it comes from), `addresses` those that others may reach, `mtu` of the interface of
    `address`, `clock` in seconds since 1970 when the facts were taken.
    """

    sections: dict[str, str] = field(default_factory=dict)
    host: str | None = None
    address: str | None = None
    why: str = ""
    addresses: tuple[str, ...] = ()
    mtu: int | None = None
    clock: float | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What equal machines have in common."""
        return tuple(self.sections.get(name, "") for name in SECTIONS)


@dataclass(frozen=True, slots=True)
class Tried:
    """One machine's attempt to reach another: `to` is the other's name, `address` as `10.0.0.2:29501`."""

    to: str
    address: str
    how: Connection
    milliseconds: float | None = None
