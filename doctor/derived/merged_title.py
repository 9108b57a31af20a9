"""Several actions as one sentence, as a fix says them."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.text import conjoined
from doctor.findings import Action


def title(actions: Iterable[Action]) -> str:
    """Packages first, then what else is set, then the options of the command together."""
    every = list(actions)
    parts = [f"{a.direction or 'install'} {a.package}{a.specifier or ''}" for a in every if a.kind == "install"]
    parts += [f"uninstall {a.package}" for a in every if a.kind == "uninstall"]
    options = [a for a in every if a.kind == "set_argument"]
    parts += [f"{a.name} {a.value}".strip() if a.value is not None else f"no {a.name}"
              for a in every if a.name and a not in options]  # fmt: skip
    given = [f"`{f'{a.name} {a.value}'.strip()}`" for a in options if a.value is not None]
    gone = [f"`{a.name}`" for a in options if a.value is None]
    launch = [f"use {conjoined(given)}"] if given else []
    launch += [f"{'without' if given else 'leave out'} {conjoined(gone)}"] if gone else []
    return "; ".join([*parts, *([", ".join(launch)] if launch else [])])
