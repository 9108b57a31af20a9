"""The earlier environments that are kept beside one: each made way for the next, and `undo` goes back through them."""

from __future__ import annotations

import os

from doctor.base.record import dataclass
from doctor.repair.switch import names
from doctor.repair.switch.journal import read_mark

USUAL = 3  # how many are kept


@dataclass(frozen=True, slots=True)
class Generation:
    """An earlier environment at `path`, which repair `tx` replaced; `first` where no repair had made it."""

    path: str
    tx: str
    first: bool = False


def generations(prefix: str) -> list[Generation]:
    """Those that `undo` goes back to, one after the other, the newest first."""
    out: list[Generation] = []
    mark = read_mark(prefix)
    while mark is not None and mark.tx not in {g.tx for g in out}:
        path = names.old_path(prefix, mark.tx)
        if not os.path.isdir(path):
            break
        before = read_mark(path)
        out.append(Generation(path, mark.tx, before is None))
        mark = before
    return out


def apart(prefix: str) -> list[str]:
    """Environments kept beside this one that `undo` does not lead to: undone ones that had been changed, and strays."""
    reached = {g.path for g in generations(prefix)}
    stray = [path for path, _ in names.siblings(prefix, "old") if path not in reached]
    return [*stray, *names.undone(prefix)]


def beyond(prefix: str, keep: int) -> list[Generation]:
    """The generations that go when only the newest `keep` stay."""
    return generations(prefix)[max(1, keep) :]
