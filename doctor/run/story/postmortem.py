"""How a run ended, from its folder alone: it is the same while doctor watches and when nobody is left.

`build` makes the report, `save` writes it, `rebuild` makes it again from what is on disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from doctor.base.secrets.redactor import Redactor
from doctor.findings.run import Asked, CoreDump, KernelLine, Memory, Ready, RunReport, Sample, Xid
from doctor.report.run.json import run_report_to_json
from doctor.report.run.text import run_text
from doctor.run.log.logfile import logs_of
from doctor.run.story import cause, excerpt, figures, runfolder
from doctor.run.story.attribution import cause_of
from doctor.run.story.decode import read_events, read_expected, read_meta, read_samples
from doctor.run.story.events import Event, Noted, SignalCame, Warned, every
from doctor.run.story.lives import first_failure, lives, survivors
from doctor.run.story.meta import Meta, boot
from doctor.run.story.outcome import Ended, outcome
from doctor.run.watch import oom

MOST_PROCESSES = 100


def redactor_for(folder: Path, values: tuple[str, ...] = (), private: bool = False) -> Redactor:
    """A redactor that knows this run's secrets by their fingerprints, and `values` by themselves."""
    return Redactor(values, read_meta(folder).redaction, private=private)


def build(folder: Path, events: Sequence[Event] | None = None, redactor: Redactor | None = None) -> RunReport:
    """The report of a run folder. `events` are those in memory, where a full disk kept them from the journal."""
    meta = read_meta(folder)
    events = list(read_events(folder)) if events is None else events
    redactor = redactor or redactor_for(folder)
    texts = excerpt.tail_text(folder, redactor)
    whole = "\n".join(texts.values())
    report = _of_journal(folder, meta, events)
    if report.outcome in ("unobserved", "running"):
        report = dataclasses.replace(report, duration_seconds=_seen_until(folder, meta, report.duration_seconds))
    return dataclasses.replace(
        report, log=excerpt.state_of_logs(folder), memory=_memory(read_samples(folder)), traces=excerpt.traces(whole),
        last_lines=excerpt.by_process(whole, {p.pid for p in lives(events)}), tail=excerpt.last_lines(whole),
        findings=cause.find(folder, redactor) if _failed(report) else (),
        figures=figures.figures(folder, read_expected(folder)),
    )  # fmt: skip


def _seen_until(folder: Path, meta: Meta, at_least: float) -> float:
    """Seconds from the start to the last sign of life: a sample, or a write to the log."""
    last = max([at_least, *(sample.t for sample in read_samples(folder))])
    for path in logs_of(folder):
        with contextlib.suppress(OSError):
            last = max(last, path.stat().st_mtime - (meta.started_unix or path.stat().st_mtime))
    return round(last, 3)


def _of_journal(folder: Path, meta: Meta, events: Sequence[Event]) -> RunReport:
    """What the journal alone tells."""
    processes = lives(events)
    ended, main = outcome(events, processes), next((p for p in processes if p.main), None)
    end = ended.ending
    return RunReport(
        run=folder.name, command=meta.command, outcome=ended.outcome, exit_code=end.exit_code, signal=end.signal,
        command_exit_code=main.exit_code if main else None,
        signal_name=end.signal_name, core_dumped=end.core_dumped, duration_seconds=ended.duration,
        sentence=ended.sentence, cause=cause_of(ended, meta, events, processes),
        requested=tuple(Asked(e.name, e.sender, e.t) for e in every(events, SignalCame)),
        first_failure=None if _went_well(ended) else first_failure(processes),
        processes=tuple(processes[:MOST_PROCESSES]), survivors=survivors(events, processes),
        warnings=(*meta.warnings, *(e.text for e in every(events, Warned))),
        notes=(*meta.notes, *(e.text for e in every(events, Noted))),
        xid=every(events, Xid), kernel=every(events, KernelLine), core=every(events, CoreDump),
        ready=every(events, Ready),
    )  # fmt: skip


def _went_well(ended: Ended) -> bool:
    return ended.outcome == "exited" and ended.ending.exit_code == 0


def _failed(report: RunReport) -> bool:
    ended = report.outcome not in ("running", "not_started")
    return ended and report.exit_code != 0 and report.cause.kind != "stopped"


def _memory(rows: Sequence[Sample]) -> Memory | None:
    """Peaks and last values of the samples, and at most 60 points over the run."""
    if not rows:
        return None
    free = [r.host_available for r in rows if r.host_available is not None]
    gpus = sorted({g for r in rows for g in r.gpu_used or {}})
    return Memory(
        rss_peak=max(r.rss for r in rows), rss_last=rows[-1].rss, host_available_lowest=min(free) if free else None,
        gpu_peak={g: max((r.gpu_used or {}).get(g, 0) for r in rows) for g in gpus},
        over_time=tuple(rows[:: max(1, len(rows) // 60)][-60:]),
    )  # fmt: skip


def save(folder: Path, report: RunReport) -> None:
    """Writes `report.json` and `report.txt` into the run folder. Raises OSError."""
    runfolder.write_at_last(folder, "report.json", runfolder.dump(run_report_to_json(report)))
    runfolder.write_at_last(folder, "report.txt", run_text(report))


def rebuild(folder: Path) -> RunReport:
    """The report again from what is on disk, written beside the log where nothing runs any more."""
    report = build(folder)
    if report.outcome == "unobserved":
        report = dataclasses.replace(report, notes=(*report.notes, *_late_evidence(read_meta(folder))))
    if report.outcome != "running":
        with contextlib.suppress(OSError):
            save(folder, report)
    return report


def _late_evidence(meta: Meta) -> list[str]:
    """Out-of-memory counters that grew since the start; other programs had time to move them too."""
    if meta.boot != boot():
        return ["the machine has restarted since, so its counters and kernel log do not cover this run"]
    moved = oom.moved(meta.oom_before, oom.snapshot()).items()
    return [f"{name} went from {a} to {b} since the start: an OOM kill is possible" for name, (a, b) in moved]
