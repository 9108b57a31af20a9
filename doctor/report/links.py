"""The answer of `qvl-doctor link` for a person: what fails, grouped by the cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.text import one_line
from doctor.facts import Cause, Modules

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 8


def print_links(modules: Modules, console: Console) -> None:
    """One block for each cause, with the modules that it stops, and a line of counts."""
    from rich.text import Text

    groups: dict[tuple[object, ...], list[str]] = {}
    causes: dict[tuple[object, ...], Cause] = {}
    for name, status in sorted(modules.verdicts.items()):
        if status.status == "fail" and status.cause is not None:
            cause = status.cause
            key: tuple[object, ...] = (cause.kind, cause.module, cause.name, cause.file, cause.line)
            groups.setdefault(key, []).append(name)
            causes[key] = cause
    for found, names in groups.items():
        cause = causes[found]
        line = "" if cause.line is None else f":{cause.line}"
        place = f"  {cause.file}{line}" if cause.file else ""
        console.print(Text(f"{cause.kind}: {one_line(cause.text, 300)}", style="bold red"))
        if place:
            console.print(Text(one_line(place, 200), style="dim"))
        for name in names[:SHOWN]:
            console.print(Text(f"  {one_line(name, 120)}"))
        if len(names) > SHOWN:
            console.print(Text(f"  and {len(names) - SHOWN} more", style="dim"))
        console.print()
    counts = {s: sum(v.status == s for v in modules.verdicts.values()) for s in ("ok", "fail", "unknown")}
    words = f"{counts['ok']} can be imported, {counts['fail']} cannot, {counts['unknown']} unknown"
    console.print(Text(f"{len(modules.verdicts)} modules: {words}."))
