"""From which GPU on a release runs a quantized mixture of experts: typed access to `matrices/expert_floors.yaml`."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table
from doctor.matrix.models.quantization import Floor
from doctor.matrix.refusals import holds_for


@dataclass(frozen=True, slots=True)
class ExpertFloor:
    """The oldest GPU on which releases of an engine run a mixture of experts that is quantized so."""

    engine: str
    method: str
    versions: str
    capability: str
    source: str


@dataclass(frozen=True, slots=True)
class ExpertFloors:
    """The whole file."""

    verified: str
    experts: tuple[ExpertFloor, ...]


def expert_floor(engine: str, version: str, method: str) -> Floor | None:
    """The floor, where it is another one than that of the method. Raises DataError for damaged data."""
    rows = table(ExpertFloors, data_dir() / "expert_floors.yaml").experts
    same = (r for r in rows if (r.engine, r.method) == (engine, method))
    found = next((r for r in same if holds_for(r.versions, version)), None)
    if found is None:
        return None
    major, minor = (int(part) for part in found.capability.split("."))
    return Floor((major, minor), f"`{method}` in a mixture of experts")
