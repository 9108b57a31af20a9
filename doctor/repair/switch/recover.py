"""After an interruption: finishes what was committed, removes what was not. The live path itself is never half-way."""

from __future__ import annotations

import os
from contextlib import suppress

from doctor.base.record import dataclass
from doctor.repair.errors import Refused, worded
from doctor.repair.refusals import refuse_system
from doctor.repair.switch import names
from doctor.repair.switch.clone import remove_tree
from doctor.repair.switch.exchange import sync_folder
from doctor.repair.switch.generations import beyond
from doctor.repair.switch.journal import MARK, read_journal, read_mark
from doctor.repair.switch.lock import locked
from doctor.repair.switch.manifest import differences, entry_of, read_manifest, walk

TREE = "tree"
WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found: the transactions that were finished and discarded; `previous` is the old environment, if kept.

    `kept` are undone environments that somebody had changed since their repair.
    """

    finished: tuple[str, ...] = ()
    discarded: tuple[str, ...] = ()
    previous: str | None = None
    kept: tuple[str, ...] = ()


def recover(prefix: str) -> Recovered:
    """Tidies up beside `prefix`. Raises Refused while another repair works on it."""
    refuse_system()
    if not os.path.isdir(prefix):
        raise Refused(f"`{prefix}` is not an environment: the folder does not exist")
    with locked(prefix, WAIT):
        try:
            return tidy(prefix)
        except OSError as error:
            raise worded(error, "the environment is whole; run `fix --recover` again") from None


def tidy(prefix: str) -> Recovered:
    """As `recover`, for who holds the lock. The mark inside the live tree decides which side of a switch it is."""
    mark = read_mark(prefix)
    live = mark.tx if mark else None
    finished: list[str] = []
    discarded: list[str] = []
    undone: list[str | None] = []
    for work, tx in names.siblings(prefix, "work"):
        tree = os.path.join(work, TREE)
        if tx == live and os.path.isdir(tree):
            keep_old(prefix, tree, tx)
            finished.append(tx)
        elif tx != live:
            undone += _displaced(prefix, work, tx)
            discarded.append(tx)
        with suppress(OSError):
            discard(prefix, work, tx)
    for old, tx in names.siblings(prefix, "old"):
        if _made_by(old) == tx:  # the name of an old tree on a tree of that transaction: an undo was interrupted
            undone.append(put_away_undone(prefix, old, tx))
            finished.append(tx)
    for trash in leftovers(prefix):
        _removed(trash)
    sync_folder(os.path.dirname(prefix))
    kept = names.old_path(prefix, live) if live is not None else ""
    changed = tuple(path for path in undone if path)
    return Recovered(tuple(finished), tuple(discarded), kept if os.path.isdir(kept) else None, changed)


def _displaced(prefix: str, work: str, tx: str) -> list[str]:
    """The environment that a switch took away before somebody put another one in its place: it is kept."""
    tree = os.path.join(work, TREE)
    if read_journal(work) not in ("SWAPPING", "COMMITTED") or not os.path.isdir(tree) or _made_by(tree) == tx:
        return []
    kept = _free(names.undone_path(prefix, tx))
    os.rename(tree, kept)
    return [kept]


def leftovers(prefix: str) -> list[str]:
    """Rubbish beside the environment that could not be removed: of no use, and in nobody's way."""
    return [path for path, _ in names.siblings(prefix, "trash")]


def keep_old(prefix: str, tree: str, tx: str) -> str:
    """After the switch: the old tree gets its lasting name."""
    old = names.old_path(prefix, tx)
    if os.path.lexists(old):  # the same change made again, after the environment was put back by other means
        if same_content(old, tree):
            discard(prefix, old, tx)
        else:
            os.rename(old, _free(names.undone_path(prefix, tx)))
    os.rename(tree, old)
    sync_folder(os.path.dirname(prefix))
    return old


def drop_olds(prefix: str, keep: int) -> tuple[str, ...]:
    """Removes the generations beyond the newest `keep`; gives their paths."""
    gone = beyond(prefix, keep)
    for one in gone:
        discard(prefix, one.path, one.tx)
    return tuple(one.path for one in gone)


def discard(prefix: str, path: str, tx: str) -> None:
    """Removes a tree under a name that says so: interrupted, the rest is known to be rubbish.

    What cannot be removed stays under that name, and stops nothing.
    """
    trash = names.trash_path(prefix, tx)
    os.rename(path, trash)
    _removed(trash)


def _removed(trash: str) -> None:
    with suppress(OSError):
        remove_tree(trash)


def put_away_undone(prefix: str, path: str, tx: str) -> str | None:
    """An undone tree is removed; one that was changed since it was committed is kept, and its path given."""
    if changed_since(path) == []:
        discard(prefix, path, tx)
        return None
    kept = _free(names.undone_path(prefix, tx))
    os.rename(path, kept)
    with suppress(OSError):
        sync_folder(os.path.dirname(prefix))
    return kept


def changed_since(tree: str, other: str | None = None) -> list[str] | None:
    """The paths of a repair's tree that were changed since it was committed; None where nothing tells.

    With `other`, the tree that it replaced, as that was then, is compared instead.
    """
    mark = read_mark(tree)
    manifest = read_manifest(tree, mark.digest) if mark else None
    if manifest is None:
        return None
    since = os.stat(os.path.join(tree, MARK)).st_mtime_ns
    return differences(other or tree, manifest.before if other else manifest.after, since)


def same_content(one: str, other: str) -> bool:
    """Whether two trees are the same, every byte compared but those of one inode; byte code does not count."""
    entries = dict(walk(other))
    found = walk(one)
    if {path for path, _ in found} != set(entries):
        return False
    for path, at in found:
        there = entries[path]
        if (at.st_dev, at.st_ino) == (there.st_dev, there.st_ino):
            continue
        if entry_of(f"{one}/{path}", at) != entry_of(f"{other}/{path}", there):
            return False
    return True


def _free(path: str) -> str:
    """The path, or one with a number behind it where something has that name."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = f"{path}-{number}"
    return free


def _made_by(tree: str) -> str | None:
    mark = read_mark(tree)
    return mark.tx if mark else None
