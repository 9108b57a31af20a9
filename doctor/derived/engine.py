"""What the rules on engines share: which engine is judged, in which release and with which backend."""

from __future__ import annotations

from functools import lru_cache

from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.facts import Distributions, Facts
from doctor.findings import Action, Remediation
from doctor.launch.options import engine as launched
from doctor.launch.options import option
from doctor.matrix import rows
from doctor.matrix.facts_file import Row
from doctor.matrix.releases import ReleaseSet

ENGINES = ("lmdeploy", "vllm", "sglang")
SOURCE = "read out of the published wheels"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An engine that is here, with the row of its release; None for a release that the data does not cover."""

    name: str
    version: str
    row: Row | None

    @property
    def shown(self) -> str:
        """Name and release as a message has them."""
        return f"{self.name} {self.version}"


def engines(facts: Facts, *kinds: str) -> tuple[Chosen, ...]:
    """The engine that the launch starts, else those that are here; `kinds` of the row are read."""
    if not isinstance(facts.distributions, Distributions):
        return ()
    wanted = launched(facts)
    out = []
    for name in (wanted,) if wanted in ENGINES else ENGINES:
        found = facts.distributions.get(name)
        if found is not None:
            out.append(Chosen(name, found.version, _row(name, found.version, *kinds)))
    return tuple(out)


@lru_cache(maxsize=64)
def _row(name: str, version: str, *kinds: str) -> Row | None:
    """A row that several rules ask for; none of them changes it."""
    return rows.row(name, version, *kinds)


def backends(chosen: Chosen, facts: Facts, kind: str) -> dict[str, dict[str, object]]:
    """What the release accepts (`architectures`, `quantization`), by backend: all those that the launch leaves open.

    LMDeploy takes TurboMind where it can and goes over to PyTorch by itself, unless `--backend pytorch` is given.
    """
    found = {b: (chosen.row or {}).get(f"{kind}.{b}", {}) for b in ("turbomind", "pytorch", "default")}
    found = {b: v for b, v in found.items() if v}
    if chosen.name == "lmdeploy" and option(facts, "--backend") == "pytorch":
        return {b: v for b, v in found.items() if b == "pytorch"}
    return found


def direction(to: ReleaseSet, version: str) -> str:
    """`upgrade` or `downgrade`, from `version` to the nearest release that will do."""
    try:
        here = Version(version)
        if to.oldest and here < Version(to.oldest):
            return "upgrade"
        return "downgrade" if to.newest and here > Version(to.newest) else "install"
    except InvalidVersion:
        return "install"


def other_release(package: str, to: ReleaseSet, version: str) -> list[Remediation]:
    """The way out that keeps everything but the release of `package`; none where no release will do."""
    if not to.newest:
        return []
    way = direction(to, version)
    action = Action("install", package=package, specifier=to.spec(), direction=way)
    return [Remediation(f"{way} {package} to {to.spec()}", (action,), "unsafe")]


def other_engines(but: str, *wanted: tuple[str, tuple[str, ...]]) -> list[Remediation]:
    """The engines of which some release has one key of each kind in `wanted`, with the releases that have all."""
    out = []
    for name in ENGINES:
        known = rows.releases(name) if name != but else None
        if known is None:
            continue
        found = known.everything()
        for kind, keys in wanted:
            one = ReleaseSet(known, 0)
            for key in keys:
                one = one | (having(name, kind, key) or one)
            found = found & one
        if found.newest:
            text = f"use {name} {found.spec()}".strip()
            out.append(Remediation(text, (Action("use_engine", name=name, text=text),), "manual"))
    return out


def having(engine: str, kind: str, key: str) -> ReleaseSet | None:
    """The releases of `engine` that have `key` of this kind for any backend, or None."""
    out: ReleaseSet | None = None
    for backend in ("turbomind", "pytorch", "default"):
        found = rows.releases_having(engine, f"{kind}.{backend}", key)
        out = found if out is None else out | found if found is not None else out
    return out
