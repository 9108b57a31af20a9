"""What a check was told beside its question: by which file, which rules it left out and why, what was known before."""

from __future__ import annotations

from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class Ignored:
    """A rule code or the beginning of several, and why nobody wants to hear of it."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Settings:
    """`file` is the configuration as the user would name it, empty where none was used, and `keys` what counted of it.

    `launch` is the configured launch that was checked. Of the findings, `known` stand in `baseline` and are left out;
    `gone` stand there and were not found again.
    """

    file: str = ""
    launch: str = ""
    keys: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    baseline: str = ""
    known: int = 0
    gone: int = 0
