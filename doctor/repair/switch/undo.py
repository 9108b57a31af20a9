"""Takes the last in-place repair back: the old tree, kept beside, is exchanged with the environment."""

from __future__ import annotations

import os
from contextlib import suppress

from doctor.base.record import dataclass
from doctor.repair.errors import Refused, worded
from doctor.repair.refusals import refuse_prefix, refuse_processes, refuse_system
from doctor.repair.signals import uninterrupted
from doctor.repair.switch import names
from doctor.repair.switch.exchange import exchange, sync_folder
from doctor.repair.switch.generations import generations
from doctor.repair.switch.journal import read_mark
from doctor.repair.switch.lock import locked
from doctor.repair.switch.recover import WAIT, changed_since, put_away_undone, tidy


@dataclass(frozen=True, slots=True)
class Undone:
    """The transaction that was taken back; `kept` is the undone tree where it had been changed since, in `edited`.

    `differs` are the paths in which the environment is not what it was before that repair; None for both where nothing
    tells. `left` is how many repairs can still be taken back.
    """

    tx: str
    kept: str | None = None
    edited: tuple[str, ...] | None = ()
    differs: tuple[str, ...] | None = ()
    left: int = 0


def undo(prefix: str) -> Undone:
    """Raises Refused where there is nothing to undo or the environment is in use."""
    refuse_system()
    refuse_prefix(prefix)
    with locked(prefix, WAIT):
        try:
            return _undo(prefix)
        except OSError as error:
            raise worded(error) from None


def _undo(prefix: str) -> Undone:
    tidy(prefix)
    mark = read_mark(prefix)
    old = names.old_path(prefix, mark.tx) if mark else ""
    if mark is None or not os.path.isdir(old):
        raise Refused(f"nothing to undo: no earlier state of `{prefix}` is kept")
    refuse_processes(prefix)
    refuse_processes(old)
    edited, differs = changed_since(prefix), changed_since(prefix, old)
    kept: str | None = old
    with uninterrupted():
        exchange(prefix, old)
        with suppress(OSError):  # it is done: what cannot be put away now is put away by the next repair
            sync_folder(os.path.dirname(prefix))
            kept = put_away_undone(prefix, old, mark.tx)
        return Undone(mark.tx, kept, _paths(edited), _paths(differs), len(generations(prefix)))


def _paths(found: list[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)
