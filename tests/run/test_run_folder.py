"""A run folder is read as it is: of an older version, cut short, damaged or hostile, there is a report and no error."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.findings.json import finding_to_json
from doctor.report.run.json import record_to_json, run_report_to_json
from doctor.report.run.text import run_text
from doctor.run.story import bundle, cause, listing, lookup, postmortem
from doctor.run.story.decode import read_events, read_meta, read_report, report_from_json
from doctor.run.story.events import NAMES
from doctor.run.story.runfolder import dump

META: dict[str, Any] = {
    "kind": "qvl-doctor run", "schema": 1, "run": "r", "started": "2024-06-01T12:00:00Z", "started_unix": 1717243200.5,
    "boot": "1-2-3", "doctor_pid": 4242, "command": ["lmdeploy", "serve", "api_server", "m"], "warnings": ["w"], "notes": ["n"],
    "oom_before": {"cgroup memory.events oom_kill": None, "/proc/vmstat oom_kill": 3},
    "redaction": {"salt": "30313233343536373839616263646566", "prints": [{"length": 26, "start": 1, "digest": "00" * 16}]},
}  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"event": "process", "t": 0.003, "pid": 4243, "ppid": 4242, "start": 500, "command": ["python3"], "title": "python3", "program": "/p", "session": 4243},
    {"event": "start", "pid": 4243, "start": 500, "t": 0.0},
    {"event": "process", "t": 0.4, "pid": 4250, "ppid": 4243, "start": 510, "command": ["gcc"], "title": "gcc", "program": "/gcc", "session": 4243},
    {"event": "exit", "t": 0.5, "pid": 4250, "start": 510, "status": 256, "peak": 1000, "after_request": False},
    {"event": "process", "t": 1.0, "pid": 4260, "ppid": 4243, "start": 520, "command": ["python3", "w"], "title": "TP0", "program": "/p", "session": 4243},
    {"event": "process", "t": 1.1, "pid": 4261, "ppid": 4243, "start": 521, "command": ["python3", "w"], "title": "TP1", "program": "/p", "session": 4243},
    {"event": "warning", "text": "the disk is full", "t": 3.0},
    {"event": "ready", "t": 30.5, "text": "ready", "address": "http://h:1", "model": "m", "after_seconds": 30.2},
    {"event": "not_ready", "t": 30.6, "text": "not ready", "address": "http://h:1"},
    {"event": "failed", "t": 30.7, "text": "no GPU"},
    {"event": "signal", "name": "SIGUSR1", "sender": 77, "t": 31.0, "terminal": False},
    {"event": "killed", "why": "late", "t": 32.0},
    {"event": "exit", "t": 40.25, "pid": 4260, "start": 520, "status": 9, "peak": 2000, "after_request": False},
    {"event": "exit", "t": 41.0, "pid": 4243, "start": 500, "status": None, "peak": 3000, "after_request": False},
    {"event": "cleanup", "pids": [4261], "t": 41.4},
    {"event": "survivors", "pids": [4261], "t": 51.5},
    {"event": "note", "text": "kernel log not readable"},
    {"event": "xid", "xid": 79, "device": "PCI:1", "pid": None, "line": "NVRM: Xid"},
    {"event": "kernel", "line": "Out of memory: Killed process 4260"},
    {"event": "core", "pid": 4260, "pattern": "|/x", "hint": "coredumpctl info 4260"},
    {"event": "core", "pid": 4243, "pattern": "core.%p", "file": "/core.4243"},
    {"event": "end", "t": 51.6, "oom_moved": {"/proc/vmstat oom_kill": [3, 4]}, "oom_pids": [4260]},
]  # fmt: skip
SAMPLES: list[dict[str, Any]] = [
    {"t": 0.0, "rss": 10, "host_available": None},
    {"t": 1.0, "rss": 30, "host_available": 5, "gpu_used": {"0": 7}},
]


def folder(place: Path, meta: Any = META, events: Any = EVENTS, samples: Any = SAMPLES) -> Path:
    """A run folder with these files, and a log that ends with a failure."""
    place.mkdir(exist_ok=True)
    (place / "meta.json").write_text(json.dumps(meta))
    (place / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events) + '{"event": "exit", "t": 5')
    (place / "samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
    (place / "output.log").write_text("(TP0 pid=4260) loading\nTraceback (most recent call last):\nRuntimeError: no\n")
    return place


def test_the_written_forms_are_what_they_always_were(tmp_path: Path) -> None:
    place = folder(tmp_path / "r")
    report = run_report_to_json(postmortem.rebuild(place))
    assert list(report) == [
        "schema", "run", "command", "outcome", "exit_code", "command_exit_code", "signal", "signal_name", "core_dumped", "duration_seconds",
        "sentence", "cause", "requested", "first_failure", "processes", "survivors", "log", "warnings", "notes", "xid",
        "kernel", "core", "ready", "memory", "figures", "traces", "last_lines", "tail", "findings",
    ]  # fmt: skip
    assert report["outcome"] == "unknown" and report["duration_seconds"] == 51.6
    assert report["requested"] == [{"name": "SIGUSR1", "sender": 77, "t": 31.0}]
    assert (report["first_failure"]["pid"], report["first_failure"]["signal_name"]) == (4260, "SIGKILL")
    assert report["processes"][0] == {
        "pid": 4243, "ppid": 4242, "title": "python3", "cmd": ["python3"], "seen_after": 0.003, "exited_after": 41.0,
        "peak_memory": 3000, "exit_code": None, "signal": None, "signal_name": None, "core_dumped": None, "alive": False,
    }  # fmt: skip
    assert list(report["processes"][3]) == ["pid", "ppid", "title", "cmd", "seen_after", "alive"]
    assert report["survivors"] == [{"pid": 4261, "cmd": ["python3", "w"], "title": "TP1"}]
    for kind in ("xid", "kernel", "core", "ready"):
        assert report[kind] == [{k: v for k, v in e.items() if k != "event"} for e in EVENTS if e["event"] == kind]
    assert report["memory"] == {"rss_peak": 30, "rss_last": 30, "host_available_lowest": 5, "gpu_peak": {"0": 7}, "over_time": SAMPLES}
    assert report["cause"]["confidence"] == "confirmed" and report["last_lines"] == {"4260": ["(TP0 pid=4260) loading"]}


def test_what_is_read_is_written_again_byte_by_byte(tmp_path: Path) -> None:
    place = folder(tmp_path / "r")
    assert [{"event": NAMES[type(e)], **record_to_json(e)} for e in read_events(place)] == EVENTS
    postmortem.rebuild(place)
    saved = (place / "report.json").read_text()
    report = read_report(place)
    assert report is not None and dump(run_report_to_json(report)) == saved
    assert [finding_to_json(f) for f in report.findings] == json.loads(saved)["findings"] != []
    assert run_text(report) == (place / "report.txt").read_text()


def test_an_older_journal_has_less(tmp_path: Path) -> None:
    events = [{"event": "start", "pid": 5}, {"event": "process", "pid": 5, "t": 0.1}, {"event": "exit", "pid": 5, "t": 1.0, "status": 768}]
    report = run_report_to_json(postmortem.rebuild(folder(tmp_path / "r", {"kind": "qvl-doctor run"}, events, [])))
    assert (report["exit_code"], report["memory"], report["command"]) == (3, {}, [])
    assert list(report["processes"][0])[:4] == ["pid", "cmd", "seen_after", "exited_after"]


JUNK = st.sampled_from([None, True, -1, 10**30, 1e308, "x", "\ud800\x1b[2J", "../../..", [], [[]], {}, {"pid": {}}, [None, 1], {"a": [1]}])


def _all_work(place: Path) -> None:
    report = postmortem.rebuild(place)
    text = run_text(report) + dump(run_report_to_json(report))
    assert "\x1b" not in text
    text.encode("utf-8")
    listing.describe(place)
    cause.ending(place)
    lookup.is_run(place)
    (place / "out.tgz").unlink(missing_ok=True)
    bundle.export(place, place / "out.tgz")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_hostile_folder_never_raises(tmp_path: Path, data: st.DataObject) -> None:
    meta, events, samples = copy.deepcopy((META, EVENTS, SAMPLES))
    for _ in range(data.draw(st.integers(1, 6))):
        where = data.draw(st.sampled_from([meta, *events, *samples]))
        where[data.draw(st.sampled_from(sorted(where)))] = data.draw(JUNK)
    _all_work(folder(tmp_path / "r", meta, events, samples))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_hostile_report_never_raises(tmp_path: Path, data: st.DataObject) -> None:
    report = run_report_to_json(postmortem.build(folder(tmp_path / "r")))
    for _ in range(data.draw(st.integers(1, 6))):
        report[data.draw(st.sampled_from(sorted(report)))] = data.draw(JUNK)
    found = report_from_json(report)
    (run_text(found) + dump(run_report_to_json(found))).encode("utf-8")
    (tmp_path / "r" / "report.json").write_text(json.dumps(report))
    cause.ending(tmp_path / "r")
    listing.describe(tmp_path / "r")


@pytest.mark.parametrize("text", ["", "[", "[]", "null", "3", '{"kind": NaN}', '{"started_unix": 1e999}', "[" * 100_000, '{"a":' * 5000])
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    place = folder(tmp_path / "r")
    for name in ("meta.json", "events.jsonl", "samples.jsonl", "report.json", "facts.json", "findings.json"):
        (place / name).write_text(text)
    assert read_meta(place).kind == "" and list(read_events(place)) == []
    _all_work(place)


def test_a_pipe_in_place_of_a_file_holds_nobody(tmp_path: Path) -> None:
    place = folder(tmp_path / "r")
    (place / "meta.json").unlink()
    os.mkfifo(place / "meta.json")
    assert not lookup.is_run(place)
