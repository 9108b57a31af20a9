"""Reading a run folder back: whatever stands in its files, there is an answer and never an error.

A file may be cut short, damaged, hostile, or of another version. What is missing or of the wrong type keeps its
default; an event, a sample or a finding that lacks what it cannot be without is left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from doctor.facts import Facts
from doctor.facts.codec import facts_from_json, from_json
from doctor.findings import Finding
from doctor.findings.json import finding_from_json, scrubbed
from doctor.findings.memory import Expected
from doctor.findings.run import RunReport, Sample
from doctor.run.story.events import KINDS, Event
from doctor.run.story.meta import Meta
from doctor.run.story.runfolder import load, load_lines

T = TypeVar("T")
_WRONG = (ValueError, TypeError, KeyError, RecursionError, OverflowError)


def read_meta(folder: Path) -> Meta:
    """`meta.json`; that of no run (`kind` is empty) where there is none."""
    return _lenient(Meta, {"kind": "", **load(folder / "meta.json")}) or Meta(kind="")


def shown_of(data: Mapping[str, object]) -> Meta:
    """What a list shows of `meta.json`, every field as it should be. Raises ValueError, which names the field."""
    if data.get("schema", 1) != 1:
        raise ValueError(f"it was written by another release (schema {str(data['schema'])[:20]})")
    for kinds, names in _SHAPE:
        for name in names:
            if name in data and (not isinstance(data[name], kinds) or isinstance(data[name], bool)):
                raise ValueError(f"`{name}` has a wrong value")
    command = data.get("command", ())
    if not all(isinstance(word, str) for word in cast("list[str]", command)):
        raise ValueError("`command` has a wrong value")
    shown = {
        name: data[name] for name in ("started", "started_unix", "boot", "doctor_pid", "doctor_start") if name in data
    }
    return Meta(**cast("dict[str, Any]", shown), command=tuple(cast("list[str]", command)))


_SHAPE: tuple[tuple[tuple[type, ...], tuple[str, ...]], ...] = (
    ((str,), ("run", "doctor", "started", "boot", "platform", "workdir", "ready")),
    ((int, float, type(None)), ("started_unix",)),
    ((int, float), ("monotonic", "grace")),
    ((int,), ("doctor_pid", "doctor_start", "max_log")),
    ((list,), ("command", "warnings", "notes")),
    ((dict,), ("environment", "oom_before")),
    ((dict, type(None)), ("redaction",)),
)


def read_report(folder: Path) -> RunReport | None:
    """`report.json`, None where there is none."""
    saved = load(folder / "report.json")
    return report_from_json(saved) if saved else None


def report_from_json(data: Mapping[str, object]) -> RunReport:
    """A report as data, as far as it holds one."""
    found = _findings(data.get("findings"))
    report = _lenient(RunReport, {k: v for k, v in data.items() if k != "findings"}) or RunReport()
    return dataclasses.replace(report, findings=found, memory=report.memory if data.get("memory") else None)


def read_facts(folder: Path) -> Facts | None:
    """`facts.json`, or None where there are none that can be read."""
    saved = load(folder / "facts.json")
    try:
        return facts_from_json(saved) if saved else None
    except _WRONG:
        return None


def read_expected(folder: Path) -> Expected | None:
    """What the check before the start predicted of the memory, None where it did not."""
    saved = load(folder / "memory.json")
    return _lenient(Expected, saved) if saved else None


def read_events(folder: Path) -> Iterator[Event]:
    """The journal, event by event."""
    for row in load_lines(folder / "events.jsonl"):
        kind = KINDS.get(str(row.get("event")))
        event = None if kind is None else _lenient(kind, row)
        if event is not None:
            yield event


def read_samples(folder: Path) -> tuple[Sample, ...]:
    """Memory over time."""
    rows = (_lenient(Sample, row) for row in load_lines(folder / "samples.jsonl"))
    return tuple(row for row in rows if row is not None)


def _findings(data: object) -> tuple[Finding, ...]:
    out = []
    for one in data if isinstance(data, list) else []:
        try:
            out.append(finding_from_json(one))
        except (*_WRONG, AttributeError):
            continue
    return tuple(out)


def _lenient(kind: type[T], data: Mapping[str, object]) -> T | None:
    """A record of this kind, each field read by itself; None where one is missing that has no default."""
    values, shape = {}, cast(type, kind)
    for name, (hint, needed) in _fields(shape).items():
        try:
            values[name] = from_json(hint, scrubbed(data[name]), name)
        except _WRONG:
            if needed:
                return None
    return kind(**values)


@cache
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """The type of each field, and whether it has to be there."""
    hints, missing = get_type_hints(kind), dataclasses.MISSING
    fields = dataclasses.fields(kind)
    return {f.name: (hints[f.name], f.default is missing and f.default_factory is missing) for f in fields}
