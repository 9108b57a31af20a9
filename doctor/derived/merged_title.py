"""Several actions as one sentence, as a fix says them."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.text import conjoined
from doctor.findings import Action
from doctor.findings.wording import in_words


def title(actions: Iterable[Action]) -> str:
    """Packages first, then what else is set, then the options of the command together."""
    every = list(actions)
    options = [a for a in every if a.kind == "set_argument"]
    if len(options) < 2:
        return "; ".join(map(in_words, every))
    parts = [in_words(a) for a in every if a not in options]
    given = [f"`{f'{a.name} {a.value}'.strip()}`" for a in options if a.value is not None]
    gone = [f"`{a.name}`" for a in options if a.value is None]
    launch = [f"use {conjoined(given)}"] if given else []
    launch += [f"{'without' if given else 'remove'} {conjoined(gone)}"] if gone else []
    return "; ".join([*parts, *([", ".join(launch)] if launch else [])])
