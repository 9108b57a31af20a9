"""The services of a deployment in a report: a line for each, and the key `services` of the JSON answer."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.base.text import one_line
from doctor.facts import Launch
from doctor.findings import Report, ServiceAnswer
from doctor.launch.options import model_word
from doctor.matrix.other_servers import other_server

OTHER = "not a model server"


def service_lines(report: Report) -> list[str]:
    """A line for each service, where there are several."""
    if len(report.services) < 2:
        return []
    return [f"{one_line(s.name, 60)} ({one_line(s.kind, 40)}): {_said(s)}" for s in report.services]


def services_to_json(report: Report) -> list[JsonObject]:
    """Every service: where it stands, what it starts, and what became of it. `results` are its own findings' codes."""
    return [_to_json(s) for s in report.services]


def serving(one: ServiceAnswer) -> Launch | None:
    """The launch of a service that starts an engine; None for any other."""
    launch = one.report.facts.launch if one.report is not None else None
    return launch if isinstance(launch, Launch) and launch.engine is not None else None


def _said(one: ServiceAnswer) -> str:
    launch, report = serving(one), one.report
    if launch is None or report is None:
        return one_line(one.why, 200) or _other(one)
    model = model_word(report.facts)
    counts = [f"{n} {kind}{'s' * (n != 1)}" for kind in ("error", "warning") if (n := report.count(kind))]
    named = f"{launch.engine} {one_line(model, 80)}" if model else str(launch.engine)
    return f"{named}: {', '.join(counts) or 'nothing found'}"


def _other(one: ServiceAnswer) -> str:
    """What a service is that starts no engine: another model server by its name."""
    launch = one.report.facts.launch if one.report is not None else None
    found = other_server(launch.program, launch.module) if isinstance(launch, Launch) else None
    return f"{found.name}, which the rules do not cover" if found else OTHER


def _to_json(one: ServiceAnswer) -> JsonObject:
    launch, report = serving(one), one.report
    lost = report.facts.launch.why if report is not None and isinstance(report.facts.launch, Launch) else None
    return {
        "name": one.name, "kind": one.kind, "file": one.file, "image": one.image, "found": launch is not None,
        "why": launch.why if launch else one.why or lost or OTHER, "engine": launch.engine if launch else None,
        "model": model_word(report.facts) if launch and report else None,
        "command": list(launch.argv) if launch else [],
        "codes": list(dict.fromkeys(f.rule for f in report.findings)) if launch and report else [],
        "summary": {k: report.count(k) for k in ("error", "warning", "note")} if launch and report else None,
    }  # fmt: skip
