"""`fleet run` from its question to its answer."""

from __future__ import annotations

from doctor.findings.fleet import FleetRun
from doctor.fleet.check import ranked_launch
from doctor.fleet.kept_file import file_to_send
from doctor.fleet.places import Asking, How, places
from doctor.fleet.run import Line, Starting, run_fleet


def start_fleet(asking: Asking, how: How, show: Line) -> FleetRun:
    """Starts all ranks and returns when they have ended. Raises CarrierError."""
    words = ranked_launch(asking, whole=True)
    starting = Starting(file_to_send(), words, how.options, asking.pythons, how.grace, how.patience)
    return run_fleet(places(asking), starting, show)
