"""`fix --apply --in-place`: the environment is switched at its own path, in one step, from the old to the verified new.

Clone, change the clone, verify it, exchange the two names. Whatever happens at whatever moment, the path holds exactly
the old environment or exactly the new one; what is left beside it is removed by `recover` or the next repair. Nothing
of the environment is run. Not protected: processes that start from it meanwhile in the very moment of the exchange,
and later writes *into* the large binaries (not replacing them) that `apart` lets the two share; `undo` sees those.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress

from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.repair.errors import Refused, RepairError, worded
from doctor.repair.install import Installation, install
from doctor.repair.installed import Installed, claims_of, read_installed, refuse_unsafe_record
from doctor.repair.place import Place, read_place
from doctor.repair.refusals import NEW_ENVIRONMENT, refuse_layout, refuse_prefix, refuse_processes, refuse_system
from doctor.repair.signals import checkpoint, orderly, uninterrupted
from doctor.repair.switch import names
from doctor.repair.switch.apart import Shared
from doctor.repair.switch.clone import Snapshot, clone_tree, entries_of, snapshot
from doctor.repair.switch.digest import hash_file
from doctor.repair.switch.exchange import can_exchange, exchange, sync_file_system, sync_folder
from doctor.repair.switch.generations import USUAL, generations
from doctor.repair.switch.journal import MARK, Journal, Mark, write_journal, write_mark
from doctor.repair.switch.lock import locked
from doctor.repair.switch.manifest import Manifest, write_manifest
from doctor.repair.switch.recover import TREE, discard, drop_olds, keep_old, tidy
from doctor.repair.verify import Judge, satisfied, verify_judged, verify_no_leftovers, verify_pins
from doctor.repair.wheels.pins import Pinned
from doctor.repair.wheels.prepare import Prepared, Say, Source, prepare

Changes = dict[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class WantedPins:
    """What is to be there afterwards: exact pins, and what is to be gone. The rest stays."""

    pins: tuple[Pinned, ...]
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Switched:
    """What was done: name -> (version before, version now or None); `previous` is the old environment, for `--undo`.

    `remains` are problems that were there before and still are; `shared` the files that both environments have by hard
    links; `kept` how many earlier environments there are now, `dropped` those that were removed for it.
    """

    prefix: str
    changes: Changes
    tx: str | None = None
    previous: str | None = None
    remains: tuple[str, ...] = ()
    shared: Shared = Shared()
    kept: int = 0
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class How:
    """How a repair is judged and told, and how many earlier environments are kept after it."""

    judge: Judge
    say: Say
    keep: int = USUAL


@dataclass(frozen=True, slots=True)
class _Job:
    """What one transaction works with."""

    place: Place
    goal: WantedPins
    changes: Changes
    work: str
    lock: int
    tx: str
    how: How

    @property
    def tree(self) -> str:
        return os.path.join(self.work, TREE)


def switch(prefix: str, goal: WantedPins, source: Source, how: How) -> Switched:
    """Brings the environment at `prefix` to the goal. Raises RepairError, with everything as it was.

    KeyboardInterrupt and Terminated pass through, with everything as it was.
    """
    refuse_system()
    refuse_prefix(prefix)
    place = read_place(prefix)
    refuse_layout(place)
    refuse_processes(prefix)
    with locked(prefix) as lock, orderly():
        try:
            tidy(prefix)
            return _transact(place, goal, source, how, lock)
        except OSError as error:
            raise worded(error) from None


def _transact(place: Place, goal: WantedPins, source: Source, how: How, lock: int) -> Switched:
    site = os.path.join(place.prefix, place.site)
    installed = read_installed(site)
    wanted = tuple(p for p in goal.pins if not satisfied(site, installed, p))
    left = WantedPins(wanted, tuple(n for n in goal.removed if n in installed))
    changes: Changes = {p.name: (_versions(installed.get(p.name, [])), p.version) for p in wanted}
    changes.update({n: (_versions(installed[n]), None) for n in left.removed})
    if not changes:
        return Switched(place.prefix, {})
    tx, work = _begin(site, place.prefix, left)
    try:
        if reason := can_exchange(work):
            raise Refused(f"this file system cannot exchange two folders ({reason}); {NEW_ENVIRONMENT}")
        _refuse_unsafe(place.prefix, site, list(changes))
        job = _Job(place, left, changes, work, lock, tx, how)
        prepared = prepare(place, wanted, source, work, how.say, (lock,))
        return _changed(job, prepared)
    finally:
        with uninterrupted(), suppress(OSError):
            tidy(place.prefix)


def _begin(site: str, prefix: str, goal: WantedPins) -> tuple[str, str]:
    """The transaction's number and its new folder; another number where the remains of an earlier one cannot go."""
    for attempt in range(100):
        tx = _number(site, prefix, goal, attempt)
        work = names.work_path(prefix, tx)
        with suppress(FileExistsError):
            os.mkdir(work, 0o700)
            return tx, work
    raise Refused(f"the folder of `{prefix}` is full of leftovers that cannot be removed: `{work}`")


def _changed(job: _Job, prepared: Prepared) -> Switched:
    """Clone, install, verify, switch."""
    place, tree, say = job.place, job.tree, job.how.say
    write_journal(job.work, Journal(job.tx, "PREPARED", place.prefix))
    before = job.how.judge(place.prefix)
    say("cloning the environment")
    clone = clone_tree(place.prefix, tree, claims_of(place.prefix, place.site))
    site = os.path.join(tree, place.site)
    listed = frozenset(os.listdir(site))
    _refuse_unsafe(tree, site, list(job.changes))
    _refuse_links(job, clone.seen.links, prepared.folders)
    say("installing " + ", ".join(f"{p.name} {p.version}" for p in prepared.pins))
    again = tuple(p.name for p in prepared.pins if _equal(*job.changes[p.name]))
    install(tree, place, Installation(prepared, again, job.goal.removed), job.work, (job.lock,))
    say("verifying")
    verify_pins(site, prepared.pins, job.goal.removed)
    verify_no_leftovers(site, listed)
    remains = verify_judged(job.how.judge, before, tree)
    digest = write_manifest(tree, Manifest(clone.files, entries_of(tree, clone)))
    write_mark(tree, Mark(job.tx, {p.name: p.version for p in prepared.pins}, digest))
    dropped = _switch(job, clone.seen)
    old, kept = names.old_path(place.prefix, job.tx), len(generations(place.prefix))
    return Switched(place.prefix, job.changes, job.tx, old, remains, clone.shared, kept, dropped)


def _switch(job: _Job, seen: Snapshot) -> tuple[str, ...]:
    """The one moment: until the exchange nothing has changed, after it everything has. Gives what was dropped then."""
    prefix, tree = job.place.prefix, job.tree
    sync_file_system(tree)
    refuse_processes(prefix)
    if different := seen.differs(snapshot(prefix)):
        raise RepairError(f"`{different or prefix}` was changed by another process; qvl-doctor changed nothing")
    with uninterrupted():
        checkpoint()
        write_journal(job.work, Journal(job.tx, "SWAPPING", prefix))
        exchange(prefix, tree)
        with suppress(OSError):  # a full or failing disk no longer matters: the mark in the live tree decides
            sync_folder(os.path.dirname(prefix))
            sync_folder(job.work)
            write_journal(job.work, Journal(job.tx, "COMMITTED", prefix))
        with suppress(OSError):  # what cannot be put away now is put away by `recover` or the next repair
            keep_old(prefix, tree, job.tx)
            discard(prefix, job.work, job.tx)
            return drop_olds(prefix, job.how.keep)
    return ()


def _refuse_unsafe(prefix: str, site: str, names: list[str]) -> None:
    """Distributions whose removal would reach out of the tree."""
    installed = read_installed(site)
    for name in names:
        for found in installed.get(name, []):
            refuse_unsafe_record(prefix, site, found)


def _refuse_links(job: _Job, links: list[str], folders: frozenset[str]) -> None:
    """Folders that the wheels fill must lie in the clone itself: through a link, the change would land elsewhere."""
    inside = os.path.realpath(job.tree) + os.sep
    lib = job.place.site.removeprefix("lib" + os.sep)
    written = {os.path.join(root, lib, f) for f in folders for root in ("lib", "lib64")} | folders
    for link in links:
        leaves = not (os.path.realpath(os.path.join(job.tree, link)) + os.sep).startswith(inside)
        if leaves and any(f == link or f.startswith(link + os.sep) for f in written):
            raise Refused(f"`{os.path.join(job.place.prefix, link)}` is a symbolic link to outside the environment")


def _number(site: str, prefix: str, goal: WantedPins, attempt: int = 0) -> str:
    """The transaction's number: from the state that it starts at and what it does, so that a repeated one is equal."""
    out = hashlib.sha256(b"\0" * attempt)
    for entry in sorted(os.listdir(site)):
        out.update(os.fsencode(entry) + b"\0")
        record = os.path.join(site, entry, "RECORD")
        if entry.endswith(".dist-info") and os.path.isfile(record):
            out.update(hash_file(record))
    mark = os.path.join(prefix, MARK)
    out.update(hash_file(mark) if os.path.isfile(mark) else b"")
    for line in (*(p.line for p in goal.pins), *goal.removed):
        out.update(line.encode() + b"\0")
    return out.hexdigest()[:12]


def _versions(found: list[Installed]) -> str | None:
    return ", ".join(f.version for f in found) or None


def _equal(before: str | None, now: str | None) -> bool:
    try:
        return before is not None and now is not None and Version(before) == Version(now)
    except InvalidVersion:
        return False
