"""The nodes that are meant, with what begins a session on each: over a carrier's pipes, or as jobs of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from doctor.base.record import dataclass
from doctor.fleet.carriers import Place
from doctor.fleet.kept_file import being_built, file_to_send
from doctor.fleet.places import Asking, places
from doctor.fleet.ray_jobs import RayCluster
from doctor.fleet.session import Talk, sessions


@dataclass(frozen=True, slots=True)
class Reached:
    """The nodes in the order of their ranks. `opened` begins a session with doctor's words; it raises NodeError."""

    places: Sequence[Place]
    opened: Callable[[Place, Sequence[str]], Talk]


def reached(asking: Asking) -> Reached:
    """Raises CarrierError. Without a kept single file it is built meanwhile: the first session waits for it."""
    if asking.ray:
        cluster = RayCluster.at(asking.ray, file_to_send())
        return Reached(cluster.places(), cluster.talk)
    found = places(asking)
    return Reached(found, sessions(being_built(), asking.pythons, asking.limits.question))
