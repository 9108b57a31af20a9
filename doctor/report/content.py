"""What every form of a report says alike: the answer in one sentence, its head, and the evidence of a finding."""

from __future__ import annotations

from typing import Literal

from doctor.base.text import plural
from doctor.facts import Distributions, Launch
from doctor.findings import Finding, Report
from doctor.launch.asked import starts_server
from doctor.matrix.engines import names_of_engines

EVIDENCE = 5
LABEL = 10
Answer = Literal["error", "open", "warning", "pass"]
SIGNS: dict[Answer, str] = {"error": "✗", "open": "○", "warning": "✓", "pass": "✓"}


def answer(report: Report) -> tuple[Answer, str]:
    """What came out, and the sentence that says so."""
    from doctor.report.launch import not_found

    errors, warnings = report.count("error"), report.count("warning")
    launch = isinstance(report.facts.launch, Launch)
    if (lost := not_found(report)) is not None:
        found = f" The environment has {plural(errors, 'error')}." if errors else ""
        return ("error" if errors else "open"), f"{lost}{found}"
    if errors:
        stated = isinstance(report.facts.distributions, Distributions) and report.facts.distributions.stated
        pins = report.facts.target.kind == "declared" and not stated
        idle = "These pins cannot work." if pins else "This environment is broken."
        serves = starts_server(report.facts.launch)
        text = ("This command will fail." if serves else "This command starts no server.") if launch else idle
        return "error", f"{text} {plural(errors, 'error')}."
    if any(r.status in ("open", "broken") for r in report.results):
        said = f"{plural(warnings, 'warning')}, " if warnings else ""
        return "open", f"No error found; {said}not everything could be checked."
    if warnings:
        return "warning", f"No error found; {plural(warnings, 'warning')} to look at."
    return "pass", "No problems found."


def head(report: Report) -> list[tuple[str, str]]:
    """Which environment, which command, which packages: labels and texts."""
    target = report.facts.target
    place = target.prefix or (target.paths[0] if target.paths else "?")
    said = f"declared: {target.why}, Python" if target.kind == "declared" else f"{place}, Python"
    origin = "" if target.kind == "declared" else f" ({target.why})"
    rows = [("target", f"{said} {target.python or 'of unknown version'}{origin}")]
    if isinstance(report.facts.launch, Launch):
        launch = report.facts.launch
        rows.append(("launch", _launched(launch)))
    if isinstance(report.facts.distributions, Distributions):
        known = report.facts.distributions
        there = [f"{n} {v}" for n in (*names_of_engines(), "torch") if (v := known.version(n))]
        how = "installed" if known.complete else "with a known release"
        rows.append(("packages", f"{len(known.installed)} {how}" + (f": {', '.join(there)}" if there else "")))
    if report.services:
        from doctor.report.services import service_lines

        rows += [("service", line) for line in service_lines(report)]
    return rows


def _launched(launch: Launch) -> str:
    """The engine's command, the words around it, and the machine where that is not this one."""
    other = launch.argv and launch.given and launch.given[:1] != launch.argv[:1]
    inside = f" (inside `{' '.join(launch.given[:2])}`)" if other else ""
    away = f", on {launch.machine}" if launch.machine else ""
    return f"{' '.join(launch.argv or launch.given)}{inside}{away}"


def evidence(finding: Finding) -> list[tuple[str, str]]:
    """What was seen and needed, and where that stands; what several sources say alike is one line."""
    told: dict[tuple[str, str | None, str | None], list[str]] = {}
    for one in finding.evidence:
        sources = told.setdefault((one.fact, one.observed, one.expected), [])
        sources.extend([one.source] if one.source else [])
    out = []
    for (fact, observed, expected), sources in list(told.items())[:EVIDENCE]:
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        source = f" [{sources[0]}{more}]" if sources else ""
        if expected is None and len(fact) < LABEL:
            out.append((fact, f"{observed or ''}{source}"))
            continue
        out.append(("seen", f"{fact}: {observed}" if observed else fact))
        out.append(("needed", f"{expected}{source}") if expected else ("from", source.strip(" []")))
    return [(label, text) for label, text in out if text]


def counted(report: Report) -> str:
    """How many rules came to which result."""
    counts: dict[str, int] = {}
    for result in report.results:
        counts[result.status] = counts.get(result.status, 0) + 1
    words = {"pass": "passed", "fail": "found something", "open": "open", "notApplicable": "not applicable",
             "broken": "crashed (a bug in qvl-doctor)"}  # fmt: skip
    came = ", ".join(f"{counts[k]} {w}" for k, w in words.items() if k in counts)
    return f"{plural(len(report.results), 'rule')}: {came}"


def undecided(report: Report) -> list[tuple[str, str]]:
    """The rules that could not decide, or that crashed, with the reason."""
    found = (r for r in report.results if r.status in ("open", "broken"))
    return [(r.code, f"{r.status}: {r.reason}") for r in found]
