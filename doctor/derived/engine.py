"""Which engine is judged, in which release and with which backends: it follows from what is installed or declared."""

from __future__ import annotations

from typing import Any

from doctor.base.record import dataclass
from doctor.facts import Distributions, Facts
from doctor.launch.options import engine as launched
from doctor.launch.options import option
from doctor.matrix import rows
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row, serving_engines
from doctor.matrix.files.row import Row

SOURCE = "read from the published wheels"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An engine in the release that is here."""

    name: str
    version: str

    @property
    def shown(self) -> str:
        """Name and release as a message has them."""
        return f"{self.name} {self.version}"

    @property
    def data(self) -> Engine:
        """What is known of the engine: names of options by meaning, habits by release."""
        return engine_row(self.name)

    def has(self, habit: str) -> bool:
        """Whether this release of the engine has the habit."""
        return self.data.has(habit, self.version)

    def row(self, *kinds: str) -> Row:
        """What was read out of this release, of these kinds; empty for a release that the data does not cover."""
        return rows.row(self.name, self.version, *kinds) or {}

    def table(self, kind: str) -> dict[str, Any]:
        """One kind of the row: key -> value; empty where the release has none."""
        return self.row(kind).get(kind, {})


def installed_engines(facts: Facts) -> tuple[Chosen, ...]:
    """The engine that the launch starts, else those that are here; none where it starts what is not one of them.

    `transformers serve` next to an installed LMDeploy has nothing to do with LMDeploy.
    """
    if not isinstance(facts.distributions, Distributions):
        return ()
    wanted = launched(facts)
    known = serving_engines()
    if wanted is not None and wanted not in known:
        return ()
    found = ((name, facts.distributions.get(name)) for name in ((wanted,) if wanted in known else known))
    return tuple(Chosen(name, one.version) for name, one in found if one is not None)


def backends(chosen: Chosen, facts: Facts, kind: str) -> dict[str, dict[str, object]]:
    """What the release accepts (`architectures`, `quantization`), by backend: all those that the launch leaves open.

    LMDeploy takes TurboMind where it can and goes over to PyTorch by itself, unless `--backend pytorch` is given.
    """
    names = chosen.data.halves
    row = chosen.row(*(f"{kind}.{b}" for b in names))
    found = {b: v for b in names if (v := row.get(f"{kind}.{b}", {}))}
    asked = option(facts, *chosen.data.names("backend"))
    if asked in chosen.data.backends[1:]:  # the first is a wish, which the engine drops where it lacks the model
        return {b: v for b, v in found.items() if b == asked}
    return found
