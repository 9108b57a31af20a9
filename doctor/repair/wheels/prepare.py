"""Everything that a change needs, fetched and checked before anything is touched: from then on no network is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace

from doctor.base.record import dataclass
from doctor.repair.errors import RepairError
from doctor.repair.installed import damaged, read_installed
from doctor.repair.place import Place
from doctor.repair.refusals import refuse_space
from doctor.repair.switch.clone import remove_tree
from doctor.repair.wheels.folder import checked, find_wheels
from doctor.repair.wheels.pins import Pinned, read_pins
from doctor.repair.wheels.resolver import environment
from doctor.repair.wheels.uv import checked_uv

Say = Callable[[str], None]
ONLY_WHEELS = ("--no-deps", "--only-binary", ":all:")


@dataclass(frozen=True, slots=True)
class Source:
    """Where wheels come from: a folder, the index or both. `offline`: only the folder and uv's cache."""

    links: str | None = None
    offline: bool = False

    @property
    def options(self) -> list[str]:
        """As uv takes them."""
        return [*(["--find-links", self.links] if self.links else []), *(["--offline"] if self.offline else [])]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Pins with hashes, all of them at hand; `options` make uv find them without the network.

    `folders` are those that their wheels fill, relative to site-packages or to the environment.
    """

    pins: tuple[Pinned, ...]
    options: tuple[str, ...] = ()
    folders: frozenset[str] = frozenset()

    def write(self, path: str) -> None:
        """The pins as a requirements file."""
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{p.line}\n" for p in self.pins)


def prepare(
    place: Place, pins: tuple[Pinned, ...], source: Source, work: str, say: Say, keep: tuple[int, ...]
) -> Prepared:
    """Raises RepairError where a wheel is missing, damaged or does not fit, or the disk has no room for it."""
    found = find_wheels(source.links, pins, place.python) if source.links else {}
    known: list[Pinned] = []
    size, folders = 0, frozenset[str]()
    for pin in pins:
        if files := found.get(pin.name):
            sure, wheels = checked(pin, files)
            known.append(sure)
            size += max(w.size for w in wheels)
            folders = folders.union(*(w.folders for w in wheels))
    refuse_space(work, size)
    if len(known) == len(pins):
        options = ("--no-index", "--find-links", source.links or "")
        return Prepared(tuple(known), options, folders)
    say("fetching " + ", ".join(f"{p.name} {p.version}" for p in pins if p.name not in found))
    return _fetched(place, pins, {p.name: p for p in known}, source, work, keep)


def _fetched(
    place: Place, pins: tuple[Pinned, ...], known: dict[str, Pinned], source: Source, work: str, keep: tuple[int, ...]
) -> Prepared:  # fmt: skip
    """Asks the index for hashes, then has uv download and unpack into its cache, and compares with every RECORD."""
    asked, locked = os.path.join(work, "pins.txt"), os.path.join(work, "locked.txt")
    Prepared(tuple(replace(p, hashes=()) for p in pins)).write(asked)
    variables = environment(os.environ)
    common = ["--python-version", place.python, *ONLY_WHEELS, *source.options]
    checked_uv(
        ["pip", "compile", "--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--python", sys.executable,
         *common, "-o", locked, asked],
        "querying the package index", cwd=work, keep=keep, environ=variables,
    )  # fmt: skip
    answered = {p.name: p for p in read_pins(locked)}
    sure = tuple(known.get(p.name) or _agreed(p, answered.get(p.name)) for p in pins)
    Prepared(sure).write(locked)
    staged = os.path.join(work, "staged")
    checked_uv(
        ["pip", "install", "--target", staged, "--python", place.base, "--require-hashes", "--no-compile-bytecode",
         *ONLY_WHEELS, *source.options, "-r", locked],
        "downloading", cwd=work, keep=keep, progress=True, environ=variables,
    )  # fmt: skip
    _compare(staged)
    folders = frozenset(os.path.relpath(folder, staged) for folder, _, _ in os.walk(staged))
    remove_tree(staged)
    return Prepared(sure, tuple(o for o in source.options if o != "--offline"), folders)


def _agreed(pin: Pinned, answer: Pinned | None) -> Pinned:
    """The pin with the index's hashes; those that the user gave must be among them."""
    if answer is None or not answer.hashes:
        raise RepairError(f"the package index gives no hash for `{pin.name}` {pin.version}, so it cannot be checked")
    if pin.hashes and not set(pin.hashes) & set(answer.hashes):
        raise RepairError(f"no wheel of `{pin.name}` {pin.version} on the index matches a requested hash")
    return pin if pin.hashes else answer


def _compare(staged: str) -> None:
    for found in read_installed(staged).values():
        for one in found:
            if why := damaged(staged, one):
                raise RepairError(f"the wheel of `{one.name}` {one.version} is damaged: {why}")
