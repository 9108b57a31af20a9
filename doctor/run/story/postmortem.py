"""How a run ended, told from its folder alone: it is the same while doctor watches and when nobody is left.

`build` makes the report as data, `save` keeps it; `telling` says it in a screen of plain words.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from doctor.base.secrets.fingerprints import Fingerprints, Print
from doctor.base.secrets.redactor import Redactor
from doctor.run.story import cause, endings, excerpt, runfolder, summary
from doctor.run.watch import oom
from doctor.run.watch.tree import read_stat

SCHEMA = 1
MOST_PROCESSES = 100
_ASKING = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP")


def redactor_for(folder: Path, values: tuple[str, ...] = (), private: bool = False) -> Redactor:
    """A redactor that knows this run's secrets by their fingerprints, and `values` by themselves."""
    return Redactor(values, _prints(runfolder.load(folder / "meta.json").get("redaction")), private=private)


def _prints(kept: Any) -> Fingerprints | None:
    try:
        return Fingerprints(kept["salt"], tuple(Print(p["length"], p["start"], p["digest"]) for p in kept["prints"]))
    except (LookupError, TypeError):
        return None


def build(folder: Path, events: list[dict[str, Any]] | None = None, redactor: Redactor | None = None) -> dict[str, Any]:
    """The report of a run folder. `events` are those in memory, where a full disk kept them from the journal."""
    meta = runfolder.load(folder / "meta.json")
    events = runfolder.load_lines(folder / "events.jsonl") if events is None else events
    redactor = redactor or redactor_for(folder)
    texts = excerpt.tail_text(folder, redactor)
    whole = "\n".join(texts.values())
    processes = _processes(events)
    main = next((p for p in processes if p.get("main")), None)
    report: dict[str, Any] = {"schema": SCHEMA, "run": folder.name, "command": meta.get("command", [])}
    report |= _outcome(events, main)
    report["cause"] = _cause(report, meta, events, processes)
    report["requested"] = [_only(e, "name", "sender", "t") for e in events if e["event"] == "signal"]
    report["first_failure"] = _first_failure(processes, main, report)
    report["processes"] = [_public(p) for p in processes][:MOST_PROCESSES]
    report["survivors"] = _survivors(events, processes)
    report["log"] = excerpt.facts_of_logs(folder)
    report["warnings"] = [*meta.get("warnings", []), *(e["text"] for e in events if e["event"] == "warning")]
    report["notes"] = [*meta.get("notes", []), *(e["text"] for e in events if e["event"] == "note")]
    for kind in ("xid", "kernel", "core", "ready"):
        report[kind] = [_only(e, *(k for k in e if k != "event")) for e in events if e["event"] == kind]
    report["memory"] = _memory(folder)
    report["traces"] = excerpt.traces(whole)
    report["last_lines"] = excerpt.by_process(whole, {p["pid"] for p in processes})
    report["tail"] = excerpt.last_lines(whole)
    report["findings"] = redactor.value(cause.find(folder)) if _failed(report) else []
    return report


def save(folder: Path, report: dict[str, Any]) -> None:
    """Writes `report.json` and `report.txt` into the run folder. Raises OSError."""
    runfolder.write(folder, "report.json", runfolder.dump(report))
    runfolder.write(folder, "report.txt", summary.text(report))


def _failed(report: dict[str, Any]) -> bool:
    return (
        report["outcome"] not in ("running", "not_started")
        and report["exit_code"] != 0
        and report["cause"]["kind"] != "stopped"
    )


def _only(event: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {k: event[k] for k in keys if k in event}


def _processes(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a process, in the order of birth; a renamed one keeps its last name."""
    out: dict[tuple[int, int], dict[str, Any]] = {}
    main = next((e.get("pid") for e in events if e["event"] == "start"), None)
    for e in events:
        if e["event"] not in ("process", "exit"):
            continue
        entry = out.setdefault((e["pid"], e.get("start", 0)), {"pid": e["pid"], "main": e["pid"] == main})
        if e["event"] == "process":
            entry |= _only(e, "ppid", "title", "program", "session") | {"cmd": e.get("command", [])}
            entry.setdefault("seen_after", e["t"])
        else:
            entry |= {"exited_after": e["t"], "peak_memory": e.get("peak"), **endings.ending(e.get("status"))}
            entry["after_request"] = e.get("after_request", False)
    return list(out.values())


def _public(process: dict[str, Any]) -> dict[str, Any]:
    hidden = ("main", "after_request", "program", "session")
    return {k: v for k, v in process.items() if k not in hidden} | {"alive": "exited_after" not in process}


def _outcome(events: list[dict[str, Any]], main: dict[str, Any] | None) -> dict[str, Any]:
    last = next((e for e in reversed(events) if e["event"] == "end"), None)
    refused = next((e for e in events if e["event"] == "not_started"), None)
    if refused:
        return {"outcome": "not_started", "exit_code": refused["status"], "signal": None,
                "signal_name": refused.get("signal_name"), "core_dumped": False, "duration_seconds": 0.0,
                "sentence": f"the server was not started: {refused['why']}"}  # fmt: skip
    if main and "exited_after" in main:
        end = _only(main, "exit_code", "signal", "signal_name", "core_dumped")
        kind = "signalled" if end.get("signal") else "unknown" if end.get("exit_code") is None else "exited"
        return {"outcome": kind, **end, "duration_seconds": last["t"] if last else main["exited_after"],
                "sentence": f"the server {endings.sentence(end)}"}  # fmt: skip
    return _unobserved(events)


def _unobserved(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Nobody saw the end: doctor itself was killed, or the server still runs."""
    started = next((e for e in events if e["event"] == "start"), None)
    empty = {**endings.ending(None), "duration_seconds": max((e.get("t", 0.0) for e in events), default=0.0)}
    if (
        started
        and (stat := read_stat(started["pid"]))
        and stat.start == started.get("start")
        and stat.state not in "ZX"
    ):
        return {"outcome": "running", **empty, "sentence": f"the server still runs (process {started['pid']})"}
    why = "qvl-doctor itself ended before the server did, so nobody saw how it ended"
    return {"outcome": "unobserved", **empty, "sentence": why}


def _cause(report: dict[str, Any], meta: dict[str, Any], events: list[dict[str, Any]],
           processes: list[dict[str, Any]]) -> dict[str, Any]:  # fmt: skip
    """Kind, confidence and evidence; nothing is claimed without a counter, a log line or our own deed behind it."""
    ours = next((e for e in events if e["event"] == "killed"), None)
    if report["outcome"] in ("not_started", "running", "unobserved"):
        return {"kind": report["outcome"].replace("_", "-"), "confidence": "certain", "evidence": [report["sentence"]]}
    if ours and report["signal_name"] == "SIGKILL":
        return {"kind": "killed-by-doctor", "confidence": "certain", "evidence": [ours["why"]]}
    killed = {p["pid"] for p in processes if p.get("signal_name") == "SIGKILL" and not p.get("after_request")}
    hidden = {p["pid"] for p in processes if "exited_after" in p and p.get("exit_code") is None}
    end = next((e for e in events if e["event"] == "end"), {})
    confidence, evidence = oom.grade(
        {k: (v[0], v[1]) for k, v in end.get("oom_moved", {}).items()}, set(end.get("oom_pids", [])), killed | hidden
    )
    if confidence != "unknown":
        return {
            "kind": "oom-kill",
            "confidence": confidence,
            "evidence": [f"OOM kill {confidence}: {x}" for x in evidence],
        }
    if report["signal_name"] == "SIGKILL":
        return {"kind": "signal", "confidence": "unknown", "evidence": ["SIGKILL, sender unknown", *_blind(meta, end)]}
    if next((p for p in processes if p.get("main")), {}).get("after_request"):
        return {"kind": "stopped", "confidence": "certain", "evidence": _requests(events)}
    kind = "signal" if report["signal_name"] else "success" if report["exit_code"] == 0 else "exit-status"
    return {"kind": kind, "confidence": "certain", "evidence": [report["sentence"]]}


def _requests(events: list[dict[str, Any]]) -> list[str]:
    asked = [e for e in events if e["event"] == "signal" and e["name"] in _ASKING]
    return [f"{e['name']} came {endings.span(e['t'])} after the start from {_sender(e)}" for e in asked]


def _sender(event: dict[str, Any]) -> str:
    return "the terminal" if event.get("terminal") else f"process {event.get('sender') or '?'}"


def _blind(meta: dict[str, Any], end: dict[str, Any]) -> list[str]:
    """The counters that could not be read: they say nothing, which is not the same as `no`."""
    before = meta.get("oom_before", {})
    return [f"{name} is not readable here" for name, value in before.items() if value is None and end]


def _first_failure(
    processes: list[dict[str, Any]], main: dict[str, Any] | None, report: dict[str, Any]
) -> dict[str, Any] | None:
    """The process that went wrong first.

    A helper of another program (`gcc`, `sh`) that merely said no is passed over, as long as a process of the server's
    own program qualifies, or one that a signal ended.
    """
    if report["exit_code"] == 0 and report["outcome"] == "exited":
        return None
    bad = [p for p in processes if "exited_after" in p and p.get("exit_code") != 0 and not p.get("after_request")]
    bad.sort(key=lambda p: p["exited_after"])
    own = [p for p in bad if p.get("signal") or p.get("main") or (main and p.get("program") == main.get("program"))]
    first = next(iter(own or bad), None)
    if first is None:
        return None
    keys = ("pid", "cmd", "title", "signal_name", "exit_code", "core_dumped", "exited_after")
    return _only(first, *keys) | {"sentence": endings.sentence(first)}


def _survivors(events: list[dict[str, Any]], processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    listed: list[int] = next((e["pids"] for e in reversed(events) if e["event"] == "survivors"), [])
    return [_only(p, "pid", "cmd", "title") for p in processes if p["pid"] in listed and "exited_after" not in p]


def _memory(folder: Path) -> dict[str, Any]:
    """Peaks and last values of the samples, and at most 60 points over the run."""
    rows = runfolder.load_lines(folder / "samples.jsonl")
    if not rows:
        return {}
    step = max(1, len(rows) // 60)
    out: dict[str, Any] = {"rss_peak": max(r.get("rss", 0) for r in rows), "rss_last": rows[-1].get("rss")}
    free = [r["host_available"] for r in rows if r.get("host_available") is not None]
    out["host_available_lowest"] = min(free) if free else None
    gpus = sorted({g for r in rows for g in r.get("gpu_used", {})})
    out["gpu_peak"] = {g: max(r.get("gpu_used", {}).get(g, 0) for r in rows) for g in gpus}
    return out | {"over_time": rows[::step][-60:]}


def rebuild(folder: Path) -> dict[str, Any]:
    """The report again from what is on disk, written beside the log where nothing runs any more."""
    report = build(folder)
    if report["outcome"] == "unobserved":
        _late_evidence(folder, report)
    if report["outcome"] != "running":
        with contextlib.suppress(OSError):
            save(folder, report)
    return report


def _late_evidence(folder: Path, report: dict[str, Any]) -> None:
    """Out-of-memory counters that grew since the start; other programs had time to move them too."""
    meta = runfolder.load(folder / "meta.json")
    if meta.get("boot") != boot():
        report["notes"].append(
            "the machine was restarted since, so its counters and kernel log say nothing about this run"
        )
        return
    for name, (a, b) in oom.moved(meta.get("oom_before", {}), oom.snapshot()).items():
        report["notes"].append(f"{name} went from {a} to {b} since the start: an OOM kill is possible")


def boot() -> str:
    """What names this boot of the machine."""
    from doctor.run.watch.sysroot import read

    return (read("/proc/sys/kernel/random/boot_id", 64) or "").strip()


def utc(moment: float) -> str:
    """A wall-clock time as a label."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
