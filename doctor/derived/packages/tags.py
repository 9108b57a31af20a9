"""Wheel tags judged for a target: whether they fit its Python and platform, and which glibc they ask for."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.late import late_pattern
from doctor.derived.packages.requirements import environments
from doctor.facts import Target

LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_NEW = late_pattern(r"manylinux_(\d{1,2})_(\d{1,3})_(\w+)")
_OLD = late_pattern(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)")
_INTERPRETER = late_pattern(r"(py|cp)(\d)(\d{0,2})$")


def tag_fits(tag: str, target: Target) -> bool:
    """Whether a wheel tag such as `cp38-abi3-manylinux2014_x86_64` suits the target; unknown kinds are let pass."""
    parts = tag.split("-")
    if len(parts) != 3 or target.python_minor is None:
        return True
    python, abi, platform = parts
    fine = any(_interpreter_fits(i, abi, target.python_minor) for i in python.split("."))
    return fine and any(_platform_fits(p, target) for p in platform.split("."))


def _interpreter_fits(name: str, abi: str, here: tuple[int, int]) -> bool:
    match = _INTERPRETER.match(name)
    if match is None:
        return True  # another implementation: not judged
    major, minor = int(match[2]), int(match[3] or 0)
    if major != here[0]:
        return False
    later_too = match[1] == "py" or "abi3" in abi.split(".")
    return minor <= here[1] if later_too else not match[3] or minor == here[1]


def _platform_fits(name: str, target: Target) -> bool:
    where = environments(target)
    if name == "any" or not where:
        return True
    system, machine = where[0]["sys_platform"], where[0]["platform_machine"]
    if system == "linux":
        return "linux" in name and name.endswith(machine)
    return name.startswith({"darwin": "macosx", "win32": "win"}[system])


def needed_glibc(tags: Iterable[str]) -> tuple[int, int] | None:
    """The oldest glibc of the tags, so that of the one that asks for least; None if one asks for none."""
    wanted = []
    for tag in tags:
        platform = tag.rsplit("-", 1)[-1]
        if new := _NEW.search(platform):
            wanted.append((int(new[1]), int(new[2])))
        elif old := _OLD.search(platform):
            wanted.append(LEGACY[old[1]])
        else:
            return None
    return min(wanted, default=None)
