"""The launch command in a report: as it was given, and as it would have to be."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN
from doctor.facts import Distributions, Launch
from doctor.findings import Report
from doctor.launch.edit import corrected, pasted


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected command as a shell line; `note` says where it belongs, or what has to be filled in."""

    words: tuple[str, ...]
    line: str
    note: str = ""


def correction(report: Report) -> Correction | None:
    """The command with the safe ways out of its errors; None where there is no command, or nothing to correct."""
    launch, here = report.facts.launch, report.facts.distributions
    if not isinstance(launch, Launch) or launch.engine is None:
        return None
    version = here.version(launch.engine) if isinstance(here, Distributions) else None
    words = corrected(launch, report.findings, version)
    if not words:
        return None
    notes = [f"from {launch.source}"] if launch.source and words[:1] != launch.given[:1] else []
    notes += ["put the secrets back in place of the asterisks"] if any(HIDDEN in w for w in words) else []
    return Correction(words, pasted(words), "; ".join(notes))


def launch_to_json(report: Report) -> JsonObject | None:
    """The key `launch` of the answer: the words given, the engine's own command, and the corrected line."""
    launch = report.facts.launch
    if not isinstance(launch, Launch):
        return None
    found = correction(report)
    return {
        "argv": list(launch.given or launch.argv), "command": list(launch.argv), "engine": launch.engine,
        "source": launch.source, "unread": list(launch.unread),
        "corrected": found.line if found else None, "corrected_argv": list(found.words) if found else None,
    }  # fmt: skip
