"""What a run folder holds, as plain JSON values: the one encoder for the report, the journal and the samples."""

from __future__ import annotations

import dataclasses
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.findings.json import finding_to_json
from doctor.findings.run import LEFT_OUT, SCHEMA, Life, RunReport

_BIRTH = ("ppid", "title", "cmd", "seen_after")
_END = ("exited_after", "peak_memory", "exit_code", "signal", "signal_name", "core_dumped")


def record_to_json(value: Any) -> Any:
    """A tree of dataclasses, tuples and dicts with every key, except those that are left out while they are None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {f.name: record_to_json(v) for f, v in pairs if not (v is None and f.metadata.get(LEFT_OUT))}
    if isinstance(value, (list, tuple)):
        return [record_to_json(v) for v in value]
    if isinstance(value, dict):
        return {str(k): record_to_json(v) for k, v in value.items()}
    return value


def run_report_to_json(report: RunReport) -> JsonObject:
    """`report.json`: every key is always there."""
    special = {
        "processes": [_life(one) for one in report.processes],
        "memory": record_to_json(report.memory) or {},
        "findings": [finding_to_json(one) for one in report.findings],
    }
    names = [f.name for f in dataclasses.fields(report)]
    values = {name: special[name] if name in special else record_to_json(getattr(report, name)) for name in names}
    return {"schema": SCHEMA, **values}


def _life(one: Life) -> JsonObject:
    """One process, without what the report needs only to find the first failure."""
    out: JsonObject = {"pid": one.pid}
    out |= {name: record_to_json(getattr(one, name)) for name in _BIRTH if getattr(one, name) is not None}
    if one.exited_after is not None:
        out |= {name: getattr(one, name) for name in _END}
    return out | {"alive": one.exited_after is None}
