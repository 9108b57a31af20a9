"""`fix --apply`: a new environment beside the old one, which is only read.

What stays is carried over file by file; what changes comes from wheels, by uv. It is judged by all rules and imported
for real before it is offered; where that fails, or anything interrupts, nothing is left.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from doctor.base.record import dataclass
from doctor.repair.carry import Carried, NotCarried, carry
from doctor.repair.errors import Locked, Refused, RepairError, worded
from doctor.repair.install import Installation, install, interpreter_of
from doctor.repair.place import Place, read_place
from doctor.repair.real_import.proof import Tried, try_until_failure
from doctor.repair.signals import orderly, uninterrupted
from doctor.repair.switch.apart import Copier, Shared
from doctor.repair.switch.clone import remove_tree
from doctor.repair.switch.inplace import Changes, WantedPins
from doctor.repair.switch.lock import locked
from doctor.repair.verify import Judge, verify_judged, verify_pins
from doctor.repair.wheels.pins import Pinned
from doctor.repair.wheels.prepare import Say, Source, prepare
from doctor.repair.wheels.uv import checked_uv

# prefix of the new environment -> the modules to import in it
Modules = Callable[[str], tuple[str, ...]]
Claim = tuple[str, int]  # the new environment's folder, which is ours, and the lock on it
UNFINISHED = ".qvl-unfinished"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Origin:
    """The environment that the new one is made after: `base` an interpreter or a version `X.Y`, `beside` its folder.

    `prefix` is None for bare search paths; `installed` is what counts there, in search path order.
    """

    beside: str
    prefix: str | None
    base: str
    installed: tuple[Carried, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """How a new environment proves itself: no problem that was not there `before`, and the `modules` import."""

    judge: Judge
    before: dict[str, str]
    modules: Modules


@dataclass(frozen=True, slots=True)
class Applied:
    """The new environment: what differs from the old one, what was installed anew though it stays, and what was left

    out because it could not be carried nor installed. `tried` is the real import; `remains` problems as before;
    `shared` the files that both environments have by hard links.
    """

    prefix: str
    changes: Changes
    tried: Tried
    renewed: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()
    shared: Shared = Shared()


def apply_new(origin: Origin, goal: WantedPins, source: Source, proof: Proof, say: Say) -> Applied:
    """Makes it. Raises RepairError, with nothing left behind, where it cannot be made or does not prove itself."""
    if sys.platform == "win32":
        raise Refused("`fix --apply` is not supported on Windows; `fix --plan` prints the commands")
    with orderly(), _claimed(origin.beside) as claim:
        try:
            return _made(origin, goal, source, proof, say, claim)
        except OSError as error:
            raise worded(error) from None


def _made(origin: Origin, goal: WantedPins, source: Source, proof: Proof, say: Say, claim: Claim) -> Applied:
    prefix, lock = claim
    place = _empty(prefix, origin.base, lock)
    say("copying unchanged packages")
    pinned = {p.name for p in goal.pins}
    stays = [c for c in origin.installed if c.name not in pinned and c.name not in goal.removed]
    copier = Copier()
    anew = tuple(Pinned(c.name, c.version) for c in stays if not _carried(c, origin.prefix, place, copier))
    pins = (*goal.pins, *anew)
    work = os.path.join(prefix, UNFINISHED)
    prepared = prepare(place, pins, source, work, say, (lock,))
    if pins:
        say("installing " + ", ".join(f"{p.name} {p.version}" for p in prepared.pins))
        install(prefix, place, Installation(prepared), work, (lock,))
    say("verifying")
    verify_pins(os.path.join(prefix, place.site), prepared.pins)
    remains = verify_judged(proof.judge, proof.before, prefix)
    names = proof.modules(prefix)
    say("importing " + (", ".join(names) or "nothing: no engine is installed, and nothing changed"))
    tried = try_until_failure(interpreter_of(place), names, work)
    if tried.error is not None and not tried.only_gpu:
        raise RepairError(f"in the new environment, `import {tried.failed}` fails: {tried.error}; it was removed")
    old = {c.name: c.version for c in origin.installed}
    changes: Changes = {p.name: (old.get(p.name), p.version) for p in goal.pins if old.get(p.name) != p.version}
    changes.update({name: (old[name], None) for name in goal.removed if name in old})
    editable = tuple(c.name for c in stays if c.editable)
    return Applied(prefix, changes, tried, tuple(p.name for p in anew), editable, remains, copier.shared)


def _carried(one: Carried, old_prefix: str | None, place: Place, copier: Copier) -> bool:
    try:
        carry(one, old_prefix, place, copier)
    except NotCarried as error:
        if one.editable:
            raise Refused(f"{error}: an editable install cannot be reinstalled without building it") from None
        return False
    return True


def _empty(prefix: str, base: str, lock: int) -> Place:
    """A virtual environment with nothing in it."""
    checked_uv(
        ["venv", "--quiet", "--no-project", "--no-config", "--allow-existing", "--python", base, prefix],
        "creating the environment", cwd=os.path.dirname(prefix), keep=(lock,),
    )  # fmt: skip
    place = read_place(prefix)
    return replace(place, base=interpreter_base(place, base))


def interpreter_base(place: Place, given: str) -> str:
    """The interpreter that uv is started with: the one given, else the one that the new environment names."""
    return given if os.path.isfile(given) else place.base


@contextmanager
def _claimed(beside: str) -> Iterator[Claim]:
    """A folder `<environment>-fixed` that is ours: never one that is there, unless an interrupted run left it.

    It is removed again where the block raises.
    """
    for number in range(1, _MOST):
        prefix = f"{beside}-fixed" if number == 1 else f"{beside}-fixed-{number}"
        if os.path.lexists(prefix) and not os.path.isdir(os.path.join(prefix, UNFINISHED)):
            continue
        try:
            with locked(prefix) as lock:
                if not _emptied(prefix):
                    continue
                with _finished(prefix):
                    yield prefix, lock
                return
        except Locked:
            continue
    raise Refused(f"there are {_MOST} environments next to `{beside}`; remove some")


def _emptied(prefix: str) -> bool:
    """Makes the folder anew; False where the remains of an interrupted run cannot go, or somebody was quicker."""
    mark = os.path.join(prefix, UNFINISHED)
    try:
        if os.path.isdir(mark):
            remove_tree(prefix)
        os.makedirs(mark)
    except FileExistsError:
        return False
    except OSError:
        if os.path.isdir(mark):
            return False
        raise
    return True


def clear_unfinished(beside: str) -> tuple[str, ...]:
    """Removes new environments that a killed run left half made beside `beside`; those being made now stay."""
    removed = []
    start = f"{os.path.basename(beside)}-fixed"
    folder = os.path.dirname(beside)
    for name in sorted(os.listdir(folder)):
        prefix = os.path.join(folder, name)
        if not name.startswith(start) or not os.path.isdir(os.path.join(prefix, UNFINISHED)):
            continue
        with suppress(Refused, OSError), locked(prefix):
            remove_tree(prefix)
            removed.append(prefix)
    return tuple(removed)


@contextmanager
def _finished(prefix: str) -> Iterator[None]:
    mark = os.path.join(prefix, UNFINISHED)
    try:
        yield
    except BaseException:
        with uninterrupted(), suppress(OSError):
            remove_tree(prefix)
        raise
    with uninterrupted():
        remove_tree(mark)
