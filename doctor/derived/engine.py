"""Which engine is judged, in which release and with which backends: it follows from what is installed or declared."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from doctor.base.record import dataclass
from doctor.facts import Distributions, Facts
from doctor.launch.options import engine as launched
from doctor.launch.options import option
from doctor.matrix import rows
from doctor.matrix.row import Row

ENGINES = ("lmdeploy", "vllm", "sglang")
SOURCE = "read out of the published wheels"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An engine in the release that is here."""

    name: str
    version: str

    @property
    def shown(self) -> str:
        """Name and release as a message has them."""
        return f"{self.name} {self.version}"

    def row(self, *kinds: str) -> Row:
        """What was read out of this release, of these kinds; empty for a release that the data does not cover."""
        return _row(self.name, self.version, *kinds) or {}

    def table(self, kind: str) -> dict[str, Any]:
        """One kind of the row: key -> value; empty where the release has none."""
        return self.row(kind).get(kind, {})


@lru_cache(maxsize=64)
def _row(name: str, version: str, *kinds: str) -> Row | None:
    """A row of the data that several rules ask for; none of them changes it."""
    return rows.row(name, version, *kinds)


def installed_engines(facts: Facts) -> tuple[Chosen, ...]:
    """The engine that the launch starts, else those that are here."""
    if not isinstance(facts.distributions, Distributions):
        return ()
    wanted = launched(facts)
    found = ((name, facts.distributions.get(name)) for name in ((wanted,) if wanted in ENGINES else ENGINES))
    return tuple(Chosen(name, one.version) for name, one in found if one is not None)


def backends(chosen: Chosen, facts: Facts, kind: str) -> dict[str, dict[str, object]]:
    """What the release accepts (`architectures`, `quantization`), by backend: all those that the launch leaves open.

    LMDeploy takes TurboMind where it can and goes over to PyTorch by itself, unless `--backend pytorch` is given.
    """
    names = ("turbomind", "pytorch", "default")
    row = chosen.row(*(f"{kind}.{b}" for b in names))
    found = {b: v for b in names if (v := row.get(f"{kind}.{b}", {}))}
    if chosen.name == "lmdeploy" and option(facts, "--backend") == "pytorch":
        return {b: v for b, v in found.items() if b == "pytorch"}
    return found
