"""After an interruption: finishes what was committed, removes what was not. The live path itself is never half-way."""

from __future__ import annotations

import os
from contextlib import suppress

from doctor.base.record import dataclass
from doctor.repair.errors import Refused, worded
from doctor.repair.refusals import refuse_system
from doctor.repair.switch import names
from doctor.repair.switch.clone import remove_tree
from doctor.repair.switch.digest import tree_digest
from doctor.repair.switch.exchange import sync_folder
from doctor.repair.switch.journal import read_mark
from doctor.repair.switch.lock import locked

TREE = "tree"
WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found: the transactions that were finished and discarded; `previous` is the old environment, if kept."""

    finished: tuple[str, ...] = ()
    discarded: tuple[str, ...] = ()
    previous: str | None = None


def recover(prefix: str) -> Recovered:
    """Tidies up beside `prefix`. Raises Refused while another repair works on it."""
    refuse_system()
    if not os.path.isdir(prefix):
        raise Refused(f"`{prefix}` is not an environment: the folder does not exist")
    with locked(prefix, WAIT):
        try:
            return tidy(prefix)
        except OSError as error:
            raise worded(error) from None


def tidy(prefix: str) -> Recovered:
    """As `recover`, for who holds the lock. The mark inside the live tree decides which side of a switch it is."""
    mark = read_mark(prefix)
    live = mark.tx if mark else None
    finished, discarded = [], []
    for work, tx in names.siblings(prefix, "work"):
        tree = os.path.join(work, TREE)
        if tx == live and os.path.isdir(tree):
            keep_old(prefix, tree, tx)
            finished.append(tx)
        elif tx != live:
            discarded.append(tx)
        discard(prefix, work, tx)
    for old, tx in names.siblings(prefix, "old"):
        if _made_by(old) == tx:  # the name of an old tree on a tree of that transaction: an undo was interrupted
            put_away_undone(prefix, old, tx)
            finished.append(tx)
    if live is not None and os.path.isdir(names.old_path(prefix, live)):
        drop_olds(prefix, live)
    for trash, _ in names.siblings(prefix, "trash"):
        remove_tree(trash)
    sync_folder(os.path.dirname(prefix))
    kept = names.old_path(prefix, live) if live is not None else ""
    return Recovered(tuple(finished), tuple(discarded), kept if os.path.isdir(kept) else None)


def keep_old(prefix: str, tree: str, tx: str) -> str:
    """After the switch: the old tree gets its lasting name."""
    old = names.old_path(prefix, tx)
    if os.path.lexists(old):  # the same change made again, after the environment was put back by other means
        discard(prefix, old, tx)
    os.rename(tree, old)
    sync_folder(os.path.dirname(prefix))
    return old


def drop_olds(prefix: str, keep: str) -> None:
    """One old tree is kept: that of the last transaction."""
    for path, tx in names.siblings(prefix, "old"):
        if tx != keep:
            discard(prefix, path, tx)


def discard(prefix: str, path: str, tx: str) -> None:
    """Removes a tree under a name that says so: interrupted, the rest is known to be rubbish."""
    trash = names.trash_path(prefix, tx)
    if os.path.lexists(trash):
        remove_tree(trash)
    os.rename(path, trash)
    remove_tree(trash)


def put_away_undone(prefix: str, path: str, tx: str) -> str | None:
    """An undone tree is removed; one that was changed since it was committed is kept, and its path given.

    `prefix` is by now the old tree again, which the digest was made against.
    """
    mark = read_mark(path)
    if mark is not None and tree_digest(path, prefix) == mark.digest:
        discard(prefix, path, tx)
        return None
    kept = names.undone_path(prefix, tx)
    number = 1
    while os.path.lexists(kept):
        number += 1
        kept = f"{names.undone_path(prefix, tx)}-{number}"
    os.rename(path, kept)
    with suppress(OSError):
        sync_folder(os.path.dirname(prefix))
    return kept


def _made_by(tree: str) -> str | None:
    mark = read_mark(tree)
    return mark.tx if mark else None
