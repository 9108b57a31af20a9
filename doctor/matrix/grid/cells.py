"""The parts of a grid: what happens with one engine release and one library release, why, and how that is known.

*declared*: requirements, the engine's own check at start, what the model's card asks. *derived*: names and model types
that the wheels have or lack. *attested*: somebody has seen it.
"""

from __future__ import annotations

from typing import Literal

from doctor.base.record import dataclass
from doctor.matrix.models.families import Family
from doctor.matrix.releases import ReleaseSet

Basis = Literal["declared", "derived", "attested"]
Verdict = Literal["works", "warned", "fails", "refused", "unknown"]
Effect = Literal["warned", "fails", "refused", "unknown"]
# What decides first is what would be seen first: an import that fails (0), then what installers, transformers, the
# model's authors and the engine's own check say.
HALF = "one backend"
RANK = {"no model": -1, "requirement": 1, "model type": 2, "model card": 3, "check": 4, HALF: 5}


class GridError(ValueError):
    """The grid asked for cannot be made; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of a grid: the releases of a project that a specifier admits."""

    project: str
    specifier: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why releases outside `fits` do not work: `name` in a word, `subject` in full, `source` a file or document.

    `row` means that the engine's release is the cause, whatever the library's; `backend` that only this half of the
    engine is concerned.
    """

    basis: Basis
    effect: Effect
    name: str
    subject: str
    source: str
    fits: ReleaseSet
    row: bool = False
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Releases of the library with which somebody saw it work; `engine` says with which of the engine's, if any."""

    engine: str
    versions: tuple[str, ...]
    what: str
    source: str
    verified: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One engine release with one library release; `name` is the first thing that stands in the way."""

    verdict: Verdict
    name: str = ""
    reasons: tuple[Reason, ...] = ()
    seen: tuple[Seen, ...] = ()

    @property
    def basis(self) -> tuple[Basis, ...]:
        """How it is known. What works is both admitted and linked; what does not, by the reasons that decide."""
        if self.verdict in ("works", "warned"):
            return ("declared", "derived", "attested") if self.seen else ("declared", "derived")
        return tuple(dict.fromkeys(r.basis for r in self.reasons if r.effect == self.verdict))


@dataclass(frozen=True, slots=True)
class Line:
    """One engine release: which of its backends know the model, and its cell for each library release."""

    version: str
    backends: tuple[str, ...]
    note: str
    cells: tuple[Cell, ...]
    works: ReleaseSet


@dataclass(frozen=True, slots=True)
class Grid:
    """Engine releases by library releases. `here` are the installed versions of both, as far as they are known."""

    engine: str
    library: str
    family: Family | None
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    here: tuple[str | None, str | None] = (None, None)
    why_here: str = ""
