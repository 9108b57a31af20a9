"""Requirements and markers judged for the target instead of for the Python that doctor runs in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.facts import Distribution, Distributions, Target, normalize

ENGINES = frozenset({"lmdeploy", "vllm", "sglang"})
_WILD_ORDER = re.compile(r"(>=|<=|>|<|~=)(\s*v?[0-9][0-9A-Za-z.!]*?)\.\*")  # `>=2.0.*` of old metadata means `>=2.0`
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


@dataclass(frozen=True)
class Need:
    """A requirement that counts here: who has it, its line parsed, and the extra it comes through, if any."""

    owner: Distribution
    requirement: Requirement
    extra: str = ""
    asked_by: str = ""

    @property
    def name(self) -> str:
        """The required distribution's normalized name."""
        return normalize(self.requirement.name)


@dataclass
class Needs:
    """All requirements that count for the target; `unclear` are those whose markers cannot be judged."""

    found: list[Need]
    unclear: list[str]


_last: tuple[Distributions, Target, Needs] | None = None


def needs_of(distributions: Distributions, target: Target) -> Needs:
    """The requirements of every installed distribution, and those of the extras that others ask for.

    Several rules ask in turn; the last answer is kept, and given again for the very same objects.
    """
    global _last
    if _last is None or _last[0] is not distributions or _last[1] is not target:
        _last = (distributions, target, _collect(distributions, target))
    return _last[2]


def _collect(distributions: Distributions, target: Target) -> Needs:
    where = environments(target)
    out = Needs([], [])
    queue = [(one, "", "") for one in distributions.installed]
    seen = {(one.key, "") for one in distributions.installed}
    while queue:
        owner, extra, asked_by = queue.pop(0)
        for need in _of_one(owner, extra, asked_by, where, out.unclear):
            out.found.append(need)
            other = distributions.get(need.name) if need.requirement.extras else None
            for name in sorted(need.requirement.extras) if other else ():
                if other and (other.key, normalize(name)) not in seen:
                    seen.add((other.key, normalize(name)))
                    queue.append((other, normalize(name), owner.name))
    return out


def _of_one(
    owner: Distribution, extra: str, asked_by: str, where: tuple[dict[str, str], ...], unclear: list[str]
) -> Iterator[Need]:
    for line in owner.requires:
        marker = line.partition(";")[2]
        if ("extra" in marker) != bool(extra) and " or " not in marker:
            continue  # said apart, because parsing is what costs time
        requirement = parse(line)
        if requirement is None:
            continue
        verdict = applies(requirement.marker, where, extra)
        if verdict is None:
            unclear.append(f"{owner.name}: {line}")
        elif verdict and not (extra and applies(requirement.marker, where)):
            yield Need(owner, requirement, extra, asked_by)
