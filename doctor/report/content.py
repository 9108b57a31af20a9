"""What every form of a report says alike: the answer in one sentence, its head, and the evidence of a finding."""

from __future__ import annotations

from typing import Literal

from doctor.base.late import late_pattern
from doctor.base.text import one_line, plural
from doctor.facts import Distributions, Gpu, Launch
from doctor.findings import Finding, Report, Severity
from doctor.launch.asked import starts_server
from doctor.launch.options import model_word
from doctor.matrix.engines import names_of_engines
from doctor.report.language import listed, say, say_count
from doctor.report.settings import known, settings_rows

EVIDENCE = 5
LABEL = 10
_OPTION = late_pattern(r"^--(?:requirements|compose|deployment|image) ")
SUBJECT = 72  # characters of what was checked, in a title
Answer = Literal["error", "open", "warning", "pass"]
ANSWERS: dict[Answer, str] = {"error": "bold red", "open": "bold yellow", "warning": "bold green", "pass": "bold green"}
SIGNS: dict[Answer, str] = {"error": "✗", "open": "○", "warning": "✓", "pass": "✓"}


COUNTED: dict[Severity, tuple[str, str]] = {
    "error": ("{count} error", "{count} errors"), "warning": ("{count} warning", "{count} warnings"),
}  # fmt: skip
IN_ENVIRONMENT = (" The environment has {count} error.", " The environment has {count} errors.")
IN_BASELINE = (" The baseline has {count} known finding.", " The baseline has {count} known findings.")
SERVICES = ("{count} service of {file}", "{count} services of {file}")


def answer(report: Report) -> tuple[Answer, str]:
    """What came out, and the sentence that says so; it names what was checked."""
    from doctor.report.launch import not_found

    errors = report.count("error")
    if (lost := not_found(report)) is not None:
        found = say_count(errors, *IN_ENVIRONMENT) if errors else ""
        return ("error" if errors else "open"), f"{lost}{found}"
    counts = listed([say_count(n, *COUNTED[kind]) for kind in COUNTED if (n := report.count(kind))])
    old = say_count(n, *IN_BASELINE) if (n := known(report)) else ""
    if errors:
        return "error", say(f"{{subject}} {_fails(report)}: {{counts}}.", subject=subject(report), counts=counts) + old
    left = sum(r.status in ("open", "broken") for r in report.results)
    said = f"{{subject}}: no {'new ' if old else ''}errors found{', {counts}' if counts else ''}"
    said += ", but {left} of {total} rules could not decide." if left else "."
    if not (left or counts or old):
        return "pass", say("{subject}: no problems found.", subject=subject(report))
    told = say(said, subject=subject(report), counts=counts, left=left, total=len(report.results))
    return "open" if left else "warning", told + old


def _fails(report: Report) -> str:
    """What errors mean for what was checked; likely only, where none of them is certain."""
    launch = report.facts.launch
    sure = any(f.severity == "error" and f.confidence == "high" for f in report.findings)
    if not isinstance(launch, Launch):
        stated = isinstance(report.facts.distributions, Distributions) and report.facts.distributions.stated
        return "cannot work" if report.facts.target.kind == "declared" and not stated else "is broken"
    if not starts_server(launch):
        return "starts no server"
    return "will fail" if sure else "will very likely fail"


def subject(report: Report) -> str:
    """What was checked, short enough for a title: the command up to its model, else the environment."""
    launch, target = report.facts.launch, report.facts.target
    if len(report.services) > 1:
        return say_count(len(report.services), *SERVICES, file=one_line(target.why, SUBJECT))
    declared = one_line(_OPTION.sub("", target.why), SUBJECT) if target.kind == "declared" else ""
    if declared and isinstance(launch, Launch) and launch.container is not None and launch.source == target.why:
        served = ", ".join(filter(None, (launch.engine, model_word(report.facts))))
        return f"{declared} ({one_line(served, SUBJECT)})" if served else declared
    if isinstance(launch, Launch) and launch.argv:
        return f"`{_short(launch, model_word(report.facts))}`"
    return declared or one_line(target.prefix or target.why, SUBJECT)


def _short(launch: Launch, model: str | None) -> str:
    words = [launch.argv[0].replace("\\", "/").rpartition("/")[2] or launch.argv[0], *launch.argv[1:]]
    end = words.index(model) + 1 if model in words else len(words)
    return one_line(" ".join(words[:end]), SUBJECT)


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
        have, there = report.facts.distributions, _versions(report.facts.distributions)
        how = "installed" if have.complete else "with a known release"
        rows.append(("packages", f"{len(have.installed)} {how}" + (f": {', '.join(there)}" if there else "")))
    if report.services:
        from doctor.report.services import service_lines

        rows += [("service", line) for line in service_lines(report)]
    return rows + settings_rows(report)


def _launched(launch: Launch) -> str:
    """The engine's command, the words around it, and the machine where that is not this one."""
    other = launch.argv and launch.given and launch.given[:1] != launch.argv[:1]
    inside = f" (inside `{' '.join(launch.given[:2])}`)" if other else ""
    away = f", on {launch.machine}" if launch.machine else ""
    return f"{' '.join(launch.argv or launch.given)}{inside}{away}"


def _versions(have: Distributions) -> list[str]:
    """The releases of the engines and of what they run on, as far as they are there."""
    return [f"{n} {v}" for n in (*names_of_engines(), "torch") if (v := have.version(n))]


def about(report: Report) -> list[str]:
    """The environment, how it was found, its main packages and the GPU in a line or two; then the services."""
    target, facts = report.facts.target, report.facts
    declared = target.kind == "declared"
    place = target.why if declared else target.prefix or next(iter(target.paths), "?")
    parts = [f"{place}{'' if declared else f' ({target.why})'}", f"Python {target.python or 'of unknown version'}"]
    if isinstance(facts.distributions, Distributions):
        parts += _versions(facts.distributions) or [plural(len(facts.distributions.installed), "package")]
    if isinstance(facts.gpu, Gpu) and facts.gpu.devices:
        names = [device.name for device in facts.gpu.devices]
        counted = ((name, names.count(name)) for name in dict.fromkeys(names))
        parts.append(" and ".join(f"{count} x {name}" if count > 1 else name for name, count in counted))
    lines = [", ".join(parts)]
    if report.services:
        from doctor.report.services import service_lines

        lines += service_lines(report)
    return lines


def evidence(finding: Finding, most: int | None = EVIDENCE) -> list[tuple[str, str]]:
    """What was seen and needed, and where that stands; what several sources say alike is one line.

    `most` is how many pieces of it are said, None for all.
    """
    told: dict[tuple[str, str | None, str | None], list[str]] = {}
    for one in finding.evidence:
        sources = told.setdefault((one.fact, one.observed, one.expected), [])
        sources.extend([one.source] if one.source else [])
    out = []
    for (fact, observed, expected), sources in list(told.items())[:most]:
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
