"""A baseline: findings that a project knows already, so that only what is new counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.text import clean
from doctor.facts import Launch
from doctor.findings import SEVERITIES, Finding, Report, RuleResult
from doctor.findings.settings import Settings
from doctor.launch.options import model_word

SCHEMA = 1
LARGEST = 8 << 20
Print = tuple[str, ...]


@dataclass(frozen=True)
class Baseline:
    """How often each finding is known, by its print: launch, service, engine, model, rule, key, severity.

    A message may change with a release, and a line with an edit: neither is part of the print.
    """

    known: Counter[Print] = field(default_factory=Counter)


def baseline_to_json(reports: Sequence[Report]) -> JsonObject:
    """What `baseline_from_json` reads; the messages are for people."""
    found = [
        {**dict(zip(_KEYS, _print(report, f), strict=True)), "message": clean(redact_text(f.message))}
        for report in reports for f in report.findings
    ]  # fmt: skip
    return {"schema": SCHEMA, "findings": sorted(found, key=lambda one: [one[k] for k in _KEYS])}


def baseline_from_json(data: Any) -> Baseline:
    """The baseline that was written. Raises ValueError for anything else."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("findings"), list):
        raise ValueError("no `schema` 1 with `findings`")
    for one in data["findings"]:
        if not isinstance(one, dict) or not all(isinstance(one.get(k), str) for k in _KEYS):
            raise ValueError("a finding without " + ", ".join(_KEYS))
    return Baseline(Counter(tuple(one[k] for k in _KEYS) for one in data["findings"]))


def only_new(report: Report, baseline: Baseline | None, settings: Settings | None) -> Report:
    """The report without what is known; how much that was is part of its settings.

    A finding counts as known with the severity that it had, or a lighter one.
    """
    report = replace(report, settings=settings)
    if baseline is None:
        return report
    left = Counter(baseline.known)
    results = _without(report, report.results, left)
    known = sum(len(r.findings) for r in report.results) - sum(len(r.findings) for r in results)
    of_launch = {p: n for p, n in left.items() if n and p[0] == (settings.launch if settings else "")}
    settings = replace(settings or Settings(), known=known, gone=sum(of_launch.values()))
    services = tuple(
        replace(s, report=_of_service(s.report, s.name, baseline)) if s.report else s for s in report.services
    )
    way_out = None if known else report.way_out  # it fixes what is known, too
    return replace(report, results=_with_primary(results), services=services, settings=settings, way_out=way_out)


_KEYS = ("launch", "service", "engine", "model", "code", "key", "severity")


def _print(report: Report, finding: Finding, service: str = "") -> Print:
    service = service or finding.service or ""
    launch, named = report.facts.launch, report.settings.launch if report.settings else ""
    engine = launch.engine or "" if isinstance(launch, Launch) and not service else ""
    model = model_word(report.facts) or "" if not service else ""
    key = clean(redact_text(finding.key))
    return (named, service, engine, clean(redact_text(model)), finding.rule, key, finding.severity)


def _of_service(report: Report, name: str, baseline: Baseline) -> Report:
    return replace(report, results=_without(report, report.results, Counter(baseline.known), name))


def _without(
    report: Report, results: Iterable[RuleResult], left: Counter[Print], service: str = ""
) -> tuple[RuleResult, ...]:
    """The results without known findings, each of which is taken from `left`."""
    out = []
    for result in results:
        new = tuple(f for f in result.findings if not _taken(_print(report, f, service), left))
        if new or not result.findings:
            out.append(result if len(new) == len(result.findings) else replace(result, findings=new))
        elif result.reason:  # of other things the rule could not decide
            out.append(replace(result, findings=(), status="open"))
        else:
            out.append(replace(result, findings=(), status="notApplicable", reason="every finding is in the baseline"))
    return tuple(out)


def _taken(found: Print, left: Counter[Print]) -> bool:
    """Whether a finding is known, as grave as it is or graver."""
    for severity in SEVERITIES[SEVERITIES.index(found[-1]) :: -1]:
        known = (*found[:-1], severity)
        if left[known] > 0:
            left[known] -= 1
            return True
    return False


def _with_primary(results: tuple[RuleResult, ...]) -> tuple[RuleResult, ...]:
    """Where the primary finding was known, the first of the gravest takes its place."""
    found = [f for r in results for f in r.findings]
    if not found or any(f.primary for f in found):
        return results
    first = min(found, key=lambda f: (bool(f.follows_from), SEVERITIES.index(f.severity)))
    return tuple(
        replace(r, findings=tuple(replace(f, primary=True) if f is first else f for f in r.findings)) for r in results
    )
