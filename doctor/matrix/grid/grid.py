"""The grid: an engine's releases by the releases of a library, for a model; computed, not drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from doctor.matrix import rows
from doctor.matrix.compat import compatibility
from doctor.matrix.grid.cells import HALF, RANK, Axis, Cell, Grid, GridError, Line, Reason, Seen
from doctor.matrix.grid.reasons import Question, backends, helper_reasons, reasons, sightings
from doctor.matrix.models.families import Family
from doctor.matrix.releases import Releases, ReleaseSet


def grid(
    engine: Axis, library: Axis, family: Family | None, here: tuple[str | None, str | None] = (None, None),
    why_here: str = "",
) -> Grid:  # fmt: skip
    """The grid of the usable releases that both sides admit, and of the installed ones.

    Raises GridError where the data covers one of the projects not at all, or no release is left.
    """
    covered = rows.releases(engine.project)
    newest = covered.versions[-1] if covered and covered.versions else None
    first = compatibility(engine.project, newest, library.project) if newest else None
    if covered is None or first is None:
        raise GridError(f"the matrix does not cover `{(library if covered else engine).project}`")
    ask = Question(first.engine, first.library, family, first.known)
    ask.helpers = list(helper_reasons(ask))
    columns = _chosen(first.known, library.specifier, here[1])
    places = tuple(p for v in columns if (p := first.known.place(v)) is not None)
    lines = tuple(_line(ask, version, places) for version in _chosen(covered, engine.specifier, here[0]))
    return Grid(ask.engine, ask.library, family, columns, lines, here, why_here)


def _chosen(known: Releases, spec: str, installed: str | None) -> tuple[str, ...]:
    """The usable releases that `spec` admits; a retracted one or a pre-release too, if it is installed or pinned."""
    from packaging.specifiers import InvalidSpecifier

    try:
        wanted = known.matching(spec)
    except InvalidSpecifier:
        raise GridError(f"`{spec}` is not a version specifier such as `>=0.10,<0.12`") from None
    place = known.place(installed) if installed else None
    bits = known.usable | (1 << place if place is not None else 0)
    pinned = spec.startswith("==") and "*" not in spec
    chosen = (wanted if pinned else ReleaseSet(known, wanted.bits & bits)).all_versions
    if not chosen:
        raise GridError(f"no release of {known.project} known to the matrix is `{spec}`")
    return chosen


def _line(ask: Question, version: str, places: tuple[int, ...]) -> Line:
    known, note = backends(ask, version)
    bounds, seen = _mattering(reasons(ask, version, known is not None), known), list(sightings(ask, version))
    made: dict[tuple[int, ...], Cell] = {}
    cells = []
    for place in places:
        against = tuple(i for i, bound in enumerate(bounds) if not bound.fits.bits >> place & 1)
        key = (*against, -1, *(i for i, (bits, _) in enumerate(seen) if bits >> place & 1))
        if key not in made:
            made[key] = _cell([bounds[i] for i in against], [s for bits, s in seen if bits >> place & 1], known or ())
        cells.append(made[key])
    return Line(version, known or (), note, tuple(cells), _works(ask, bounds, known or ()))


def _mattering(bounds: Iterable[Reason], known: tuple[str, ...] | None) -> list[Reason]:
    """Without those of a backend that does not list the model; without a model, those of all count."""
    return [b for b in bounds if not known or b.backend is None or b.backend in known]


def _works(ask: Question, bounds: list[Reason], known: tuple[str, ...]) -> ReleaseSet:
    """The library's releases with which at least one backend that lists the model works."""
    out = ReleaseSet(ask.known, 0)
    for backend in known or (None,):
        fits = ask.known.everything()
        for bound in bounds:
            if bound.effect != "warned" and (not known or bound.backend in (None, backend)):
                fits = fits & bound.fits
        out = out | fits
    return out


def _cell(against: list[Reason], seen: list[Seen], known: tuple[str, ...]) -> Cell:
    """Reasons that an engine's release gives itself come first, then in the order in which they would be met.

    Where one backend of several is spared, the others' reasons only warn.
    """
    spared = [b for b in known if b and not any(r.backend == b for r in against)]
    if spared and any(r.backend for r in against):
        against = [replace(r, effect="warned", name=HALF) if r.backend else r for r in against]
    if not against:
        return Cell("works", seen=tuple(seen))
    ordered = sorted(against, key=lambda r: (not r.row, RANK.get(r.name, 0), r.basis == "attested"))
    first = ordered[0]
    if first.effect != "warned":
        return Cell(first.effect, first.name, tuple(ordered))
    only = next((f"{spared[0]} only" for r in ordered if r.name == HALF), first.name)
    return Cell("warned", only, tuple(ordered), tuple(seen))
