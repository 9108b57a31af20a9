"""`fleet run` from its question to its answer."""

from __future__ import annotations

from doctor.findings.fleet import FleetRun
from doctor.fleet.check import ranked_launch
from doctor.fleet.kept_file import being_built
from doctor.fleet.places import Asking, How, places
from doctor.fleet.run import QUESTION, Line, Starting, run_fleet
from doctor.fleet.session import sessions


def start_fleet(asking: Asking, how: How, show: Line) -> FleetRun:
    """Starts all ranks and returns when they have ended. Raises CarrierError."""
    words = ranked_launch(asking, whole=True)
    found = places(asking)
    opened = sessions(being_built(), asking.pythons, QUESTION)
    return run_fleet(found, Starting(opened, words, how.options, how.grace, how.patience), show)
