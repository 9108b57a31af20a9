"""The root cause as the log tells it, where the log reader is at hand."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

from doctor.supervise.logfile import logs_of


def find(folder: Path) -> list[dict[str, Any]]:
    """The findings of `doctor.explain.explain_log` on the run's logs, the likeliest first; none without it.

    It is looked up by name: the supervisor works without it, and the two stand beside each other in the layers.
    """
    try:
        explain = importlib.import_module("doctor.explain").explain_log
    except (ImportError, AttributeError):
        return []
    out: list[dict[str, Any]] = []
    for path in logs_of(folder):
        if path.stat().st_size == 0:
            continue
        try:
            found = explain(path)
        except Exception:
            continue  # whatever is wrong with the reader, the report and the server's status must come through
        out += [_plain(f) for f in getattr(found, "findings", found) or ()]
    rank = ("high", "medium", "low")
    return sorted(out, key=lambda f: rank.index(f["confidence"]) if f.get("confidence") in rank else len(rank))


def _plain(finding: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(finding) and not isinstance(finding, type):
        return dataclasses.asdict(finding)
    return dict(finding) if isinstance(finding, dict) else {"message": str(finding)}
