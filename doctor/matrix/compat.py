"""Which releases of a library an engine's release works with, and how we know.

Three kinds of knowledge, never mixed: *declared* is what the engine's metadata and its own checks at start say;
*derived* is what follows from the wheels (the library provides every name that the serving path imports eagerly, and
knows the model); *attested* is what somebody has seen working, and stands with the model families, not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier

from doctor.base.record import dataclass
from doctor.facts import normalize
from doctor.matrix import rows
from doctor.matrix.files.row import Row
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import Releases, ReleaseSet

Kind = Literal["declared", "check", "derived"]
# The distribution that brings a top-level package, where its name is another one.
DISTRIBUTIONS = {"awq": "autoawq"}


@dataclass(frozen=True, slots=True)
class Bound:
    """One reason why only some releases fit: `subject` is a requirement, a `MODULE:NAME`, or a model type.

    `file` is where the engine says or imports it. A `check` only warns: it is not part of what works. `backend` is the
    one half of the engine that imports it; None where every launch does.
    """

    kind: Kind
    subject: str
    releases: ReleaseSet
    file: str | None = None
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class Compatibility:
    """The releases of `library` that fit `engine` at `version`, and every bound that narrows them."""

    engine: str
    version: str
    library: str
    known: Releases
    bounds: tuple[Bound, ...]

    @property
    def declared(self) -> ReleaseSet:
        """What the engine's requirements admit."""
        return self._met("declared")

    @property
    def derived(self) -> ReleaseSet:
        """The releases with which its serving path links, and that know the model asked for."""
        return self._met("derived")

    @property
    def fitting(self) -> ReleaseSet:
        """Declared and derived: what an installer should choose from."""
        return self.declared & self.derived

    def against(self, version: str) -> tuple[Bound, ...]:
        """The bounds that `version` of the library breaks; empty for one that fits or that the data does not know."""
        return tuple(b for b in self.bounds if b.releases.contains(version) is False)

    def _met(self, kind: Kind) -> ReleaseSet:
        out = self.known.everything()
        for bound in self.bounds:
            if bound.kind == kind:
                out = out & bound.releases
        return out


def compatibility(
    engine: str,
    version: str,
    library: str = "transformers",
    model_type: str | None = None,
    names: Iterable[tuple[str, str]] = (),
) -> Compatibility | None:
    """The releases of `library` for `engine` at `version`; None where the data does not cover one of them.

    `model_type` asks that transformers knows it natively. `names` are further `(module, name)` pairs that must be
    there, such as those a model's remote code imports.
    """
    found = _bounds(engine, version, library)
    known = _known(library)
    if found is None or known is None:
        return None
    bounds = list(found)
    for module, name in names:
        if (having := releases_with(library, module, name)) is not None:
            bounds.append(Bound("derived", f"{module}:{name}", having))
    if model_type and (having := rows.releases_having(library, "model_types", model_type)):
        bounds.append(Bound("derived", f"model type {model_type}", having))
    return Compatibility(normalize(engine), version, normalize(library), known, tuple(bounds))


@lru_cache(maxsize=2048)
def _bounds(engine: str, version: str, library: str) -> tuple[Bound, ...] | None:
    """What a release of the engine asks of the library by itself."""
    row, known = rows.row(engine, version, "requires", "checks", "imports", "imports.half"), _known(library)
    if row is None or known is None or not rows.covers(engine, version):
        return None
    return (*_declared(row, library, known), *_checks(row, library, known), *_linked(row, library))


@lru_cache(maxsize=256)
def engines_for(engine: str, library_version: str, library: str = "transformers") -> ReleaseSet | None:
    """The releases of `engine` that `library` at `library_version` fits; None where the data does not cover them."""
    covered = rows.releases(engine)
    if covered is None:
        return None
    bits = 0
    for place, version in enumerate(covered.versions):
        found = compatibility(engine, version, library)
        if found is not None and found.fitting.contains(library_version):
            bits |= 1 << place
    return ReleaseSet(covered, bits)


@cache
def _known(library: str) -> Releases | None:
    from doctor.matrix.providers import all_releases

    return all_releases(library) or rows.releases(library)


def _declared(row: Row, library: str, known: Releases) -> list[Bound]:
    """Requirements without an extra; environment markers other than that are taken as met."""
    out = []
    for line in row.get("requires", {}).get(normalize(library), []):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if "extra" not in str(requirement.marker or ""):
            out.append(Bound("declared", line, known.matching(str(requirement.specifier)), "METADATA"))
    return out


def _checks(row: Row, library: str, known: Releases) -> list[Bound]:
    """The engine's own check at start: `{"min": .., "max": ..}`, `{"spec": ..}`, or `{"requirement": ..}`."""
    found = row.get("checks", {}).get(normalize(library))
    if not isinstance(found, dict):
        return []
    spec = found.get("spec") or ",".join(f"{op}{found[k]}" for k, op in (("min", ">="), ("max", "<=")) if k in found)
    try:
        if "requirement" in found:
            spec = str(Requirement(found["requirement"]).specifier)
        kind: Kind = "declared" if found.get("eager") else "check"
        return [Bound(kind, f"{library}{spec}", known.matching(spec), "its own check at startup")] if spec else []
    except (InvalidSpecifier, InvalidRequirement):
        return []


def _linked(row: Row, library: str) -> list[Bound]:
    """Every name that the serving path imports eagerly; names that all releases have bind nothing and are left out."""
    out, halves = [], row.get("imports.half", {})
    for key, (when, file) in row.get("imports", {}).items():
        module, _, name = key.partition(":")
        top = module.partition(".")[0]
        if when != "eager" or normalize(DISTRIBUTIONS.get(top, top)) != normalize(library):
            continue
        having = releases_with(library, module, name or None)
        if having is not None and having.bits != having.releases.everything().bits:
            out.append(Bound("derived", key, having, file, halves.get(key)))
    return out
