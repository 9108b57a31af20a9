"""Where a finding stands among the user's own files: a requirements file, a Dockerfile, a compose file, a manifest."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts import Distributions, Launch, normalize
from doctor.findings import Finding, Report
from doctor.report.services import serving

_LINE = late_pattern(r"(?P<path>[^\s:,()][^:,()]{0,300}?):(?P<line>[1-9][0-9]{0,6})\b")
_FILE = late_pattern(r"--(?:requirements|compose|deployment) (?P<path>[^,]{1,300})")


@dataclass(frozen=True, slots=True)
class Place:
    """A file as the user named it, and its line, counted from 1, where that is known."""

    path: str
    line: int | None = None


def place_of(report: Report, finding: Finding) -> Place | None:
    """The line of a declaration that names the finding's distribution, else that of the launch in its file."""
    stated = _stated(report, finding)
    if report.facts.target.kind != "declared":
        return stated if finding.location is None or finding.location.kind == "argument" else None
    return _declared(report, finding) or stated or _file(report, finding)


def own_report(report: Report, finding: Finding) -> Report:
    """The answer of the service that a finding is about, where there are several."""
    mine = (s.report for s in report.services if s.name == finding.service and s.report is not None)
    return next(mine, report) if finding.service is not None else report


def named(report: Report, name: str) -> str:
    """A file's name as the user gave it, with its folder, where that is known."""
    paths = {m["path"].strip() for m in _FILE.finditer(report.facts.target.why)}
    found = [path for path in paths if path.replace("\\", "/").rpartition("/")[2] == name]
    return found[0] if len(found) == 1 else name


def _stated(report: Report, finding: Finding) -> Place | None:
    """The line of the option that the finding is about, else the one on which the command begins."""
    launch = own_report(report, finding).facts.launch
    if not isinstance(launch, Launch) or launch.written is None:
        return None
    place, option = launch.written, finding.location.name if finding.location is not None else ""
    for word, at in zip(launch.argv, place.words, strict=False):
        if at is not None and option and word.partition("=")[0] == option:
            return Place(at.path or place.path, at.line)
    return Place(place.path, place.line)


def _declared(report: Report, finding: Finding) -> Place | None:
    known, place = report.facts.distributions, finding.location
    if place is None or place.kind not in ("distribution", "file") or not isinstance(known, Distributions):
        return None
    there = next((d for d in known.installed if d.key == normalize(place.name)), None)
    for text in (place.path, there.metadata_path if there else None):
        if text and (found := _LINE.match(text)):
            return Place(named(report, found["path"]), int(found["line"]))
    return None


def _file(report: Report, finding: Finding) -> Place | None:
    judged = [s for s in report.services if s.name == finding.service] or [s for s in report.services if serving(s)]
    services = [s.path or s.file for s in judged if s.path or s.file]
    launch = report.facts.launch
    said = [launch.source or ""] if isinstance(launch, Launch) else []
    found = next((m for text in (*said, report.facts.target.why) if (m := _FILE.search(text))), None)
    return Place(services[0]) if services else Place(found["path"].strip()) if found else None
