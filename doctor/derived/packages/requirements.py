"""Requirements and markers judged for the target instead of for the Python that doctor runs in."""

from __future__ import annotations

from functools import lru_cache

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.base.late import late_pattern
from doctor.facts import Target

_WILD_ORDER = late_pattern(r"(>=|<=|>|<|~=)(\s*v?[0-9][0-9A-Za-z.!]*?)\.\*")  # `>=2.0.*` of old metadata means `>=2.0`
_LONGEST = 4096
ANY_PYTHON = tuple(f"3.{minor}.{patch}" for minor in range(8, 16) for patch in (0, 99))


@lru_cache(maxsize=20_000)
def parse(line: str) -> Requirement | None:
    """A Requires-Dist line; what old tools wrote against the rules is understood where it is plain. None otherwise."""
    if len(line) > _LONGEST:
        return None
    try:
        return Requirement(line)
    except RecursionError:
        return None
    except InvalidRequirement:
        head, semicolon, marker = line.partition(";")
        try:
            return Requirement(_WILD_ORDER.sub(r"\1\2", head) + semicolon + marker)
        except InvalidRequirement:
            return None


def python_bounds(target: Target) -> tuple[str, ...]:
    """The full version of the target's Python; the lowest and the highest possible one where only `X.Y` is known."""
    python = target.python or ""
    return (
        () if target.python_minor is None else (python,) if python.count(".") > 1 else (f"{python}.0", f"{python}.99")
    )


def environments(target: Target) -> tuple[dict[str, str], ...]:
    """The marker environments that the target may have; none where its Python or platform is not known.

    A declared target that does not tell its Python may have any: markers that hold for all of them are decided.
    """
    platform = (target.platform or "").replace("_", "-")
    system = next((s for s in ("linux", "macosx", "win") if s in platform), None)
    if system is None:
        return ()
    names = {"linux": ("linux", "Linux"), "macosx": ("darwin", "Darwin"), "win": ("win32", "Windows")}[system]
    fixed = {
        "implementation_name": "cpython",
        "os_name": "nt" if system == "win" else "posix",
        "platform_machine": _machine(target.platform or "", system),
        "platform_release": "",
        "platform_system": names[1],
        "platform_version": "",
        "platform_python_implementation": "CPython",
        "sys_platform": names[0],
    }
    return tuple(
        {**fixed, "python_full_version": full, "implementation_version": full, "python_version": _minor(full)}
        for full in python_bounds(target) or (ANY_PYTHON if target.kind == "declared" and not target.python else ())
    )


def _minor(full: str) -> str:
    return ".".join(full.split(".")[:2])


def _machine(platform: str, system: str) -> str:
    if system == "win":
        return {"win-amd64": "AMD64", "win-arm64": "ARM64"}.get(platform.replace("_", "-"), "x86")
    known = ("x86_64", "aarch64", "arm64", "ppc64le", "s390x", "riscv64", "i686", "armv7l")
    return next((m for m in known if platform.endswith(m)), platform.rpartition("-")[2])


def applies(marker: Marker | None, where: tuple[dict[str, str], ...], extra: str = "") -> bool | None:
    """Whether a marker holds for the target; None where that cannot be told."""
    if marker is None:
        return True
    answers = set()
    for environment in where:
        try:
            answers.add(marker.evaluate({**environment, "extra": extra}))
        except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
            return None
    return answers.pop() if len(answers) == 1 else None


def fits(specifier: SpecifierSet, version: str) -> bool | None:
    """Whether a version is allowed, pre-releases included as pip takes them; None for a version that is none."""
    try:
        Version(version)
    except InvalidVersion:
        return None
    return specifier.contains(version, prereleases=True)


def direction(specifier: SpecifierSet, version: str) -> str:
    """Which way leads from `version` into the range: `upgrade` or `downgrade`."""
    return "downgrade" if any(_below(one, Version(version)) for one in specifier) else "upgrade"


def _below(one: Specifier, version: Version) -> bool:
    """Whether a clause asks for something lower than `version`."""
    if one.operator not in ("<", "<=", "==", "~="):
        return False
    try:
        return Version(one.version.removesuffix(".*")) <= version and not one.contains(version, prereleases=True)
    except InvalidVersion:
        return False
