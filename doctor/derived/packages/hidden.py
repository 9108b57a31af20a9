"""What may not be read hides what is installed: a distribution there is unknown, not missing."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.facts import Distributions, Facts, Problem, Target, normalize
from doctor.findings import Action, Remediation

_INFO = late_pattern(r"[/\\](?P<name>[A-Za-z0-9_.]+?)(?:-[^/\\]*)?\.(?:dist|egg)-info(?:[/\\]|$)")


def hidden_by(facts: Facts, name: str) -> Problem | None:
    """The file or folder that may not be read and behind which a distribution may be; None where there is none."""
    have = facts.distributions
    return hidden_in(have, facts.target, name) if isinstance(have, Distributions) else None


def hidden_in(distributions: Distributions, target: Target, name: str) -> Problem | None:
    """As `hidden_by`, of what was read so far."""
    found = (*distributions.problems, *target.problems)
    return next((p for p in found if p.barred and _may_hold(p, name)), None)


def is_of_one(problem: Problem) -> bool:
    """Whether only the metadata of one distribution may not be read: its code may be there all the same."""
    return _INFO.search(problem.path) is not None


def readable(path: str) -> Remediation:
    """The way out where this user may not read what is at `path`."""
    text = f"let this user read `{path}`, or check as the user that runs the server"
    return Remediation(text, (Action("manual", text=text),), "manual")


def _may_hold(problem: Problem, name: str) -> bool:
    info = _INFO.search(problem.path)
    whole = "unknown what is installed" in problem.message or "no package folder" in problem.message
    return normalize(info["name"]) == normalize(name) if info else whole
