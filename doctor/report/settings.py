"""Which configuration a report comes from, which rules it left out and why, and what was known before."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.base.text import one_line
from doctor.findings import Report

NAME = 60  # characters of a launch's name


def launch_name(report: Report) -> str:
    """The configured launch that was checked, empty where it is another or none."""
    return one_line(report.settings.launch, NAME) if report.settings else ""


def known(report: Report) -> int:
    """How many findings are left out because the baseline has them."""
    return report.settings.known if report.settings else 0


def settings_rows(report: Report) -> list[tuple[str, str]]:
    """Labels and texts: the file and what it decided, the rules that were left out, the baseline."""
    said = report.settings
    if said is None:
        return []
    rows = []
    if said.file:
        launch = f", launch `{launch_name(report)}`" if said.launch else ""
        keys = f": {', '.join(said.keys)}" if said.keys else ""
        rows.append(("settings", f"{one_line(said.file, 200)}{launch}{keys}"))
    if said.selected:
        rows.append(("selected", f"only {', '.join(said.selected)}"))
    rows += [("ignored", f"{one.code}: {one_line(one.reason, 200)}") for one in said.ignored]
    if said.baseline:
        gone = f"; {said.gone} of it not found anymore" if said.gone else ""
        rows.append(("baseline", f"{one_line(said.baseline, 200)}: {said.known} known, not counted{gone}"))
    return rows


def settings_to_json(report: Report) -> JsonObject | None:
    """The key `settings` of the answer; None where nothing was configured."""
    said = report.settings
    if said is None:
        return None
    return {
        "file": said.file or None, "launch": said.launch or None, "keys": list(said.keys),
        "selected": list(said.selected), "ignored": [{"code": i.code, "reason": i.reason} for i in said.ignored],
        "baseline": {"file": said.baseline, "known": said.known, "gone": said.gone} if said.baseline else None,
    }  # fmt: skip
