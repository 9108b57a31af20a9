"""How free a plan is: what may change, what has to stay, and what a resolver has turned down."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass


class KeepError(ValueError):
    """What is to be kept is not there; one sentence for the user."""


@dataclass(frozen=True)
class Freedom:
    """`keep` are distributions that stay as they are; `engines` tells whether an engine's release may change, `removal`
    whether distributions may be taken away. `prefer` is minimal, newest or attested.

    `required` are distributions that have to be there in a release that a specifier admits; `excluded` are releases
    that a resolver has turned down.
    """

    keep: tuple[str, ...] = ()
    prefer: str = "minimal"
    engines: bool = False
    removal: bool = False
    required: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, frozenset[str]] = field(default_factory=dict)
    backend: str | None = None
