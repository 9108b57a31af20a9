"""Why a server crashed, from whatever is named: a log, a stream, a folder of logs, or a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.explain.beginning import Beginning
from doctor.findings import Finding, Report

if TYPE_CHECKING:
    from doctor.explain.reading import Stream
    from doctor.facts import Facts


class ExplainError(ValueError):
    """What is named is no log and no run; one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """`findings`, the likeliest cause first, and the report on the environment that the text states, if it states one.

    Of a text without a failure, what contradicts itself in it comes first.
    """

    findings: tuple[Finding, ...]
    stated: Report | None = None

    @property
    def failed(self) -> bool:
        """Whether the log holds a failure."""
        return any(f.severity == "error" for f in self.findings)


def explained(source: str | Path | Stream, facts: Facts | None = None, log_dir: str | None = None) -> Explanation:
    """The explanation. Raises ExplainError, and OSError for what cannot be read."""
    from doctor.explain.prose import is_prose, without_prose

    beginning = Beginning()
    findings = _findings(source, log_dir, facts, beginning)
    stated, wrong = _stated(source, findings, beginning) if facts is None else (None, ())
    if stated is not None or is_prose(beginning.text):
        findings = without_prose(findings, beginning.text)
    failed = any(f.severity == "error" for f in findings)
    return Explanation((*findings, *wrong) if failed else (*wrong, *findings), stated)


def _findings(
    source: str | Path | Stream, log_dir: str | None, facts: Facts | None, beginning: Beginning
) -> tuple[Finding, ...]:
    from doctor.base.opening import is_handed_on
    from doctor.explain import explain_log
    from doctor.run.log.reading import Whole

    if not isinstance(source, (str, Path)):
        return explain_log(beginning.of(source), facts=facts)
    path = Path(source)
    if is_handed_on(str(source)):
        with path.open("rb", buffering=0) as pipe:
            return explain_log(beginning.of(pipe), facts=facts)
    if path.is_file():
        with Whole(path) as log:
            return explain_log(beginning.of(log), facts=facts, finite=True)
    found = _of_folder(str(source), facts)
    return _of_run(str(source), log_dir, facts) if found is None else found


def _stated(
    source: str | Path | Stream, findings: tuple[Finding, ...], beginning: Beginning
) -> tuple[Report | None, tuple[Finding, ...]]:
    """What the rules say of the environment that a text states, and where it contradicts itself.

    A server that did well needs no advice.
    """
    from doctor.explain.life.outcome import DONE_WELL

    if not beginning.data or (findings and findings[0].rule in DONE_WELL):
        return None, ()
    from doctor.findings.redacted import redacted
    from doctor.pipeline.reported import judged

    name = Path(source).name if isinstance(source, (str, Path)) else "the text"
    report, wrong = judged(beginning.text, name)
    if report is not None:
        results = (replace(r, findings=tuple(map(redacted, r.findings))) for r in report.results)
        report = replace(report, results=tuple(results))
    return report, tuple(map(redacted, wrong))


def _of_folder(subject: str, facts: Facts | None) -> tuple[Finding, ...] | None:
    """What the logs in a folder say that is no run of ours; None for a run, or where there is no such folder."""
    from doctor.base.files import BARRED, Files
    from doctor.explain import explain_log
    from doctor.run.story import lookup

    path = Path(subject)
    if not path.exists() or lookup.is_run(path):
        return None
    if Files().barred(subject):
        raise ExplainError(f"{subject!r} {BARRED}")
    if path.is_dir() and not any(path.glob("*.log")):
        raise ExplainError(f"no log found in {str(path)!r}")
    return explain_log(path, facts=facts)


def _of_run(name: str, log_dir: str | None, facts: Facts | None) -> tuple[Finding, ...]:
    """What the logs say; where they hold no sure cause, how the run ended comes first."""
    from doctor.findings.redacted import redacted
    from doctor.run.story import cause, creation, lookup, postmortem

    try:
        folder = lookup.find(name, log_dir)
        hide = postmortem.redactor_for(folder).text  # this run's secrets are known, however they are printed
        found, end = tuple(redacted(f, hide) for f in cause.explained(folder, facts)), cause.ending(folder)
        if end is None or any(f.confidence == "high" for f in found):
            return found
        return (end, *(replace(f, primary=False) for f in found if f.severity == "error"))
    except creation.Unusable as error:
        raise ExplainError(f"{name!r} is not a code, a log or a known run ({error})") from None
