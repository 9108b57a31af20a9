"""Why some releases of a library do not work with an engine's release and a model: every bound, with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from functools import cache

from doctor.base.record import dataclass
from doctor.matrix import rows
from doctor.matrix.compat import Bound, compatibility
from doctor.matrix.engines import engine_row
from doctor.matrix.grid.cells import Reason, Seen
from doctor.matrix.models.families import Family, Helper
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import Releases, ReleaseSet

CONFIGURATIONS = "transformers/models/auto/configuration_auto.py"


@dataclass
class Question:
    """What is asked; `helpers` are the reasons that the model's helpers give, the same for every engine release."""

    engine: str
    library: str
    family: Family | None
    known: Releases
    helpers: list[Reason] = field(default_factory=list)


def backends(ask: Question, version: str) -> tuple[tuple[str, ...] | None, str]:
    """The backends of this release that know the model (`("",)` for an engine without them), and what to mind.

    An architecture that text-only models share counts only where the release lists it for pictures. None: unknown.
    """
    if ask.family is None:
        return (), ""
    found: dict[str, None] = {}
    notes = []
    for architecture in ask.family.every_architecture:
        if architecture in ask.family.shared and not _lists(ask.engine, "architectures.vision", architecture, version):
            continue
        halves = engine_row(ask.engine).halves
        mine = [b for b in halves if _lists(ask.engine, f"architectures.{b}", architecture, version)]
        found.update(dict.fromkeys("" if name == "default" else name for name in mine))
        if mine and ask.family.aliases and architecture in ask.family.aliases:
            notes.append(ask.family.aliases[architecture])
    return (tuple(found) or None), "; ".join(notes)


def _lists(engine: str, kind: str, architecture: str, version: str) -> bool:
    found = _listing(engine, kind, architecture)
    return bool(found and found.contains(version))


@cache
def _listing(engine: str, kind: str, architecture: str) -> ReleaseSet | None:
    return rows.releases_having(engine, kind, architecture)


def reasons(ask: Question, version: str, known: bool) -> Iterator[Reason]:
    """Everything that narrows the library's releases for this release of the engine, which may not know the model."""
    if not known and ask.family is not None:
        pictures = " for images" if ask.family.shared else ""
        subject = f"this release of {ask.engine} does not list {' or '.join(ask.family.architectures)}{pictures}"
        nothing = ReleaseSet(ask.known, 0)
        yield Reason("derived", "unknown", "no model", subject, "its lists of architectures", nothing, row=True)
    found = compatibility(ask.engine, version, ask.library)
    for bound in found.bounds if found else ():
        yield _from_bound(bound)
    if ask.family is not None:
        yield from _model_reasons(ask, ask.family, version)


def _from_bound(bound: Bound) -> Reason:
    source = bound.file or "its metadata"
    if bound.kind == "check":
        subject = f"the engine expects {bound.subject}, and only warns"
        return Reason("declared", "warned", "check", subject, source, bound.releases)
    if bound.kind == "declared":
        return Reason("declared", "refused", "requirement", f"requires {bound.subject}", source, bound.releases)
    module, _, name = bound.subject.partition(":")
    subject = f"imports `{name}` from `{module}`" if name else f"imports `{module}`"
    short = name or module.rpartition(".")[2]
    return Reason("derived", "fails", short, subject, source, bound.releases, backend=bound.backend)


def _model_reasons(ask: Question, family: Family, version: str) -> Iterator[Reason]:
    yield from _card_reasons(ask, family, version)
    if ask.library == "transformers" and family.remote_code is None and family.model_types:
        yield from _model_type(ask, family, version)
    if family.remote_code and ask.engine in (family.remote_code.engines or (ask.engine,)):
        for text in family.remote_code.names:
            module, _, name = text.partition(":")
            having = releases_with(ask.library, module, name) if module.partition(".")[0] == ask.library else None
            if having is not None and having.bits != ask.known.everything().bits:
                subject = f"the model's own code imports `{name}` from `{module}`"
                yield Reason("derived", "fails", name, subject, family.remote_code.source, having)
    yield from ask.helpers
    for seen in family.attested:
        if seen.outcome == "fails" and (bits := _covered(ask, seen.packages, seen.engines, version)):
            fits = ask.known.everything() - ReleaseSet(ask.known, bits)
            source = f"{seen.source}, {seen.verified}"
            yield Reason("attested", "fails", seen.name or "seen failing", seen.what, source, fits)


def _card_reasons(ask: Question, family: Family, version: str) -> Iterator[Reason]:
    """What the model's card asks of the engine and of the library."""
    for row in family.asked:
        covered, mine = rows.releases(ask.engine), row.packages.get(ask.engine)
        if mine and covered and not covered.matching(mine).contains(version):
            subject, nothing = f"the model card requires {ask.engine}{mine}", ReleaseSet(ask.known, 0)
            yield Reason("declared", "refused", "model card", subject, row.source, nothing, row=True)
        if ask.library in row.packages:
            spec = row.packages[ask.library]
            subject = f"the model card requires {ask.library}{spec}"
            yield Reason("declared", "refused", "model card", subject, row.source, ask.known.matching(spec))


def _model_type(ask: Question, family: Family, version: str) -> Iterator[Reason]:
    """transformers must know the model type, unless the engine brings the configuration class itself."""
    having, classes = ReleaseSet(ask.known, 0), set[tuple[str, str]]()
    for kind in family.model_types:
        for some, name in rows.history("transformers", "model_types", kind):
            having = having | some
            classes.add((kind, str(name)))
    if having and not _own_config(ask.engine, version, classes):
        subject = f"transformers does not support the model type {' or '.join(f'`{t}`' for t in family.model_types)}"
        yield Reason("derived", "unknown", "model type", subject, CONFIGURATIONS, having)


def _own_config(engine: str, version: str, classes: set[tuple[str, str]]) -> bool:
    package = engine_row(engine).config_module
    for kind, name in classes if package else ():
        for module in {kind, kind.replace("_", ""), f"{kind}_config", kind.replace("_vl", "vl")}:
            found = releases_with(engine, f"{package}.{module}", name)
            if found and found.contains(version):
                return True
    return False


def helper_reasons(ask: Question) -> Iterator[Reason]:
    """What the helpers without which the model does not load ask of the library: what their best release allows."""
    for helper in ask.family.helpers if ask.family else ():
        if helper.required and ask.engine in (helper.engines or (ask.engine,)):
            yield from _helper(ask, helper)


def _helper(ask: Question, helper: Helper) -> Iterator[Reason]:
    known = rows.releases(helper.package)
    versions = known.matching(helper.specifier).versions if known else ()
    every = [c for v in versions if (c := compatibility(helper.package, v, ask.library))]
    fitting = ReleaseSet(ask.known, 0)
    for found in every:
        fitting = fitting | found.fitting
    for found in every[-1:]:
        for bound in found.bounds:
            if bound.kind != "check":
                reason = _from_bound(Bound(bound.kind, bound.subject, bound.releases | fitting, bound.file))
                subject = f"{helper.package}, which the model's own code needs, {reason.subject}"
                yield Reason(reason.basis, reason.effect, reason.name, subject, reason.source, reason.fits)


def sightings(ask: Question, version: str) -> Iterator[tuple[int, Seen]]:
    """The attested rows of what works that are about this release, with the bits of the library's releases."""
    for seen in ask.family.attested if ask.family else ():
        if seen.outcome == "works" and (bits := _covered(ask, seen.packages, seen.engines, version)):
            versions = ReleaseSet(ask.known, bits).all_versions
            yield (
                bits,
                Seen(", ".join(seen.packages.get(ask.engine, ())), versions, seen.what, seen.source, seen.verified),
            )


def _covered(ask: Question, packages: dict[str, tuple[str, ...]], engines: tuple[str, ...], version: str) -> int:
    """The library's releases that an attested row is about, for this release of the engine."""
    covered = rows.releases(ask.engine)
    mine = packages.get(ask.engine)
    if ask.library not in packages or ask.engine not in (engines or (ask.engine,)):
        return 0
    if mine and not (covered and any(covered.matching(s).contains(version) for s in mine)):
        return 0
    bits = 0
    for spec in packages[ask.library]:
        bits |= ask.known.matching(spec).bits
    return bits
