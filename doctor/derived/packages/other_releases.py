"""Ways out that change the release of a distribution, or the engine: they follow from what the releases have."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from doctor.findings import Action, Remediation
from doctor.findings.wording import in_words
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.releases import ReleaseSet


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
    """The way out that keeps everything but the release of `package`; none where no release, or any, will do."""
    if not to.newest or not to.spec():
        return []
    if to.contains(version):  # what is here is not what was published under this name
        again = Action("install", package=package, specifier=f"=={version}", direction="reinstall")
        return [Remediation(f"reinstall {package} {version}", (again,), "unsafe")]
    way = direction(to, version)
    action = Action("install", package=package, specifier=to.spec(), direction=way)
    return [Remediation(in_words(action), (action,), "unsafe")]


def other_engines(but: str, *wanted: tuple[str, tuple[str, ...]]) -> list[Remediation]:
    """The engines of which some release has one key of each kind in `wanted`, with the releases that have all."""
    out = []
    for name in serving_engines():
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
