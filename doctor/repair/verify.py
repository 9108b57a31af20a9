"""Whether a changed tree is what was asked for: judged by its files, nothing of it is run."""

from __future__ import annotations

import os
from collections.abc import Callable

from packaging.version import InvalidVersion, Version

from doctor.repair.errors import RepairError
from doctor.repair.installed import Installed, damaged, read_installed
from doctor.repair.wheels.pins import Pinned

# prefix of an environment -> its problems: a key that is the same for the same problem -> the sentence
Judge = Callable[[str], dict[str, str]]


def verify_pins(site: str, pins: tuple[Pinned, ...], removed: tuple[str, ...] = ()) -> None:
    """Every pin is there once, at its version, every file as its RECORD says; what is removed is gone.

    Raises RepairError.
    """
    installed = read_installed(site)
    for pin in pins:
        found = installed.get(pin.name, [])
        if len(found) != 1 or not _same(found[0].version, pin.version):
            there = ", ".join(f.version for f in found) or "nothing"
            raise RepairError(f"after the change `{pin.name}` is {there} instead of {pin.version}; nothing was changed")
        if why := damaged(site, found[0]):
            raise RepairError(f"the wheel of `{pin.name}` {pin.version} is damaged: {why}; nothing was changed")
    if still := [name for name in removed if name in installed]:
        raise RepairError(f"`{still[0]}` could not be removed; nothing was changed")


def verify_no_leftovers(site: str, before: frozenset[str]) -> None:
    """No `~name` folder, which an installer leaves when it is interrupted, that was not there before."""
    left = sorted(n for n in os.listdir(site) if n.startswith("~") and n not in before)
    if left:
        raise RepairError(f"the installation left `{left[0]}` behind; nothing was changed")


def verify_judged(judge: Judge, before: dict[str, str], tree: str) -> tuple[str, ...]:
    """The problems that the environment has afterwards. Raises RepairError where one of them is new."""
    after = judge(tree)
    new = [text for key, text in after.items() if key not in before]
    if new:
        more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
        raise RepairError(f"the change would cause a new problem: {new[0]}{more}; nothing was changed")
    return tuple(after.values())


def satisfied(site: str, installed: dict[str, list[Installed]], pin: Pinned) -> bool:
    """Whether a pin's version is there and, byte for byte, whole."""
    found = installed.get(pin.name, [])
    if len(found) != 1 or not _same(found[0].version, pin.version) or not os.path.isfile(found[0].record):
        return False
    return damaged(site, found[0]) is None


def _same(a: str, b: str) -> bool:
    try:
        return Version(a) == Version(b)
    except InvalidVersion:
        return a == b
