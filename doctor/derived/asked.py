"""The options of the launch by the table of the engine's release that would run, or why they cannot be judged."""

from __future__ import annotations

from doctor.facts import Facts, Launch
from doctor.findings import NotApplicable, Open
from doctor.launch.asked import SOURCE, Asked, asked, form_of
from doctor.matrix.engines import serving_engines

__all__ = ["SOURCE", "Asked", "read_asked"]


def read_asked(facts: Facts) -> Asked | Open | NotApplicable:
    """The command and its options, or why they cannot be judged."""
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine not in serving_engines():
        return NotApplicable("no command that starts an engine")
    form = form_of(launch)
    if form is None or form.own_parser:
        return NotApplicable("the command does not start a server by the engine's own command line")
    version = facts.version(launch.engine)
    if version is None:
        return Open(f"which release of {launch.engine} would run is not known")
    found = asked(launch, version)
    if found is None or not found.exact:
        return Open(f"the options of {launch.engine} {version} are not in the data{_why(facts, launch.engine)}")
    return found


def _why(facts: Facts, engine: str) -> str:
    """Why the files of the installed release did not tell them either."""
    problem = next((r.problem for r in facts.releases if r.distribution == engine and r.problem), None)
    return f", and its own files do not say: {problem}" if problem else ""
