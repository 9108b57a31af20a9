"""The root cause as the log tells it, made specific by the facts that were kept before the start."""

from __future__ import annotations

from pathlib import Path

from doctor.base.secrets.redactor import Redactor
from doctor.facts import Facts
from doctor.findings import Action, Confidence, Evidence, Finding, Remediation
from doctor.findings.redacted import redacted
from doctor.findings.run import RunReport
from doctor.run.log.logfile import logs_of
from doctor.run.log.reading import Whole
from doctor.run.story.decode import read_facts, read_report

_RANK = ("high", "medium", "low")
_OUTSIDE = {
    "oom-kill": (
        "oom-killed", "The kernel killed a process of the server because this machine or container ran out of "
        "memory.", "add host memory or swap, raise the container's limit, or load a smaller or quantized model"),
    "signal": (
        "sigkill-status", "The server was killed by SIGKILL and could not log anything; the sender is unknown.",
        "look for the sender: `dmesg -T | tail -50`, the container's or the cluster's events, a job limit"),
    "killed-by-doctor": (
        "sigkill-status", "The server did not stop when asked to, so qvl-doctor killed it.",
        "give it more time to stop (--grace), or find out what it waits for"),
}  # fmt: skip


def find(folder: Path, redactor: Redactor) -> tuple[Finding, ...]:
    """The findings of `explained`, redacted; none where the log cannot be read."""
    try:
        return tuple(redacted(f, redactor.text) for f in explained(folder))
    except Exception:
        return ()  # whatever is wrong with the reader, the report and the server's status must come through


def explained(folder: Path, facts: Facts | None = None) -> tuple[Finding, ...]:
    """What the logs of a run say about its end, the likeliest cause first. Raises OSError, DataError.

    `facts` are those of the check before the start where none are given. The log reader is loaded here: most runs
    end without it.
    """
    from doctor.explain import explain_log

    facts = facts or read_facts(folder)
    out: list[Finding] = []
    logs = [path for path in logs_of(folder) if path.stat().st_size] or logs_of(folder)[:1]
    for path in logs:
        with Whole(path) as stream:
            out += explain_log(stream, facts=facts, finite=True)
    return tuple(sorted(out, key=lambda f: (f.severity != "error", _RANK.index(f.confidence))))


def ending(folder: Path) -> Finding | None:
    """What the end itself tells where the server could not say anything: ended from outside, with the evidence."""
    report = read_report(folder) or RunReport()
    kind, cause = report.cause.kind, report.cause
    if kind not in _OUTSIDE or (kind == "signal" and report.signal_name != "SIGKILL"):
        return None
    name, said, way = _OUTSIDE[kind]
    seen = tuple(Evidence("how it ended", e, source="report.json") for e in cause.evidence[:4])
    sure: Confidence = "high" if cause.confidence in ("certain", "confirmed") else "low"
    return Finding(
        rule="RUN601" if kind == "oom-kill" else "RUN603", name=name, severity="error", message=said, evidence=seen,
        remediations=(Remediation(way, (Action("manual", text=way),)),), confidence=sure, key="end", primary=True,
    )  # fmt: skip
