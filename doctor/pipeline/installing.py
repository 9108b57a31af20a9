"""What an installer would put in today where a line leaves the release open: uv's answer, else the newest known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.base.late import late_pattern
from doctor.collect.declared.declaration import Declaration
from doctor.derived.packages.declared_ranges import admitted
from doctor.derived.packages.requirements import applies, environments, fits, parse
from doctor.facts import Distributions, Pin, Problem, Target, normalize
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.images import Image, image

USUAL_PYTHON = "3.12"
MOST_TRIED = 300
ASSUMED = "newest known release that fits, assumed"
_LOCAL = late_pattern(r"(==\s*[^\s,;+]{1,60})\+[\w.]{1,40}")


def newest_image(base: Image | None) -> Image | None:
    """An image whose tag is `latest`, or that has none, as the one of the newest release that the data knows."""
    if base is None or base.version is not None or base.repository.distribution is None or "@" in base.reference:
        return None
    last = base.reference.rpartition("/")[2]
    name, colon, tag = last.partition(":")
    first, dash, suffix = tag.partition("-")
    known = rows.releases(base.repository.distribution)
    newest = known.everything().newest if known and first == ("latest" if colon else "") else None
    if newest is None:
        return None
    place = base.reference[: len(base.reference) - len(last)]
    return image(f"{place}{name}:v{newest}{dash}{suffix}")


def assumed_pins(distributions: Distributions, declaration: Declaration, target: Target) -> tuple[Pin, ...]:
    """An exact pin for each engine whose line leaves the release open: the newest one that goes with the rest."""
    out: list[Pin] = []
    for line in distributions.declared:
        open_ = line.key in serving_engines() and distributions.get(line.key) is None and not line.constraint
        if not open_ or line.key in declaration.elsewhere or any(p.key == line.key for p in out):
            continue
        requirement = parse(line.requirement)
        if requirement is None or not applies(requirement.marker, environments(target)):
            continue
        if (version := _newest(requirement, distributions, target)) is not None:
            extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            pinned = f"{requirement.name}{extras}=={version}"
            out.append(replace(line, requirement=pinned, source=f"{line.source} ({ASSUMED})"))
    return tuple(out)


def _newest(asked: Requirement, distributions: Distributions, target: Target) -> str | None:
    known = rows.releases(asked.name)
    if known is None or asked.url:
        return None
    possible = admitted(distributions, asked.name, known) or known.everything()
    for version in reversed(possible.versions[-MOST_TRIED:]):
        if _goes(asked, version, distributions, target):
            return version
    return None


def _goes(asked: Requirement, version: str, distributions: Distributions, target: Target) -> bool:
    """Whether a release takes the target's Python and the other lines of the declaration."""
    row = rows.row(asked.name, version, "requires", "meta") or {}
    python = row.get("meta", {}).get("requires_python")
    if python and target.python and not _takes(python, target):
        return False
    where = environments(target)
    for line in (line for group in row.get("requires", {}).values() for line in group):
        need = parse(line)
        if need is None or "extra" in line.partition(";")[2] or not applies(need.marker, where):
            continue
        if not all(_admits(need, distributions)):
            return False
    return True


def _admits(need: Requirement, distributions: Distributions) -> Iterator[bool]:
    have = distributions.get(need.name)
    if have is not None:
        yield fits(need.specifier, have.version) is not False
        return
    known = rows.releases(need.name)
    possible = admitted(distributions, need.name, known) if known else None
    if known and possible is not None:
        yield bool(possible & known.matching(str(need.specifier)))


def _takes(bounds: str, target: Target) -> bool:
    try:
        wanted = SpecifierSet(bounds)
    except InvalidSpecifier:
        return True
    python = target.python or ""
    return any(wanted.contains(p) for p in (python, f"{python}.99"))


def resolved_today(
    distributions: Distributions, declaration: Declaration, target: Target, environ: dict[str, str]
) -> dict[str, str] | Problem | str | None:
    """The releases that uv chooses for all lines, its refusal as a text, or why it was not asked; None: nothing to ask.

    Only for what begins with an empty environment: what an image brings is not known line by line.
    """
    from doctor.repair.errors import RepairError
    from doctor.repair.wheels.resolver import Unresolvable, compile_pins, platform_of

    where = environments(target)
    python = target.python or USUAL_PYTHON
    steps = sorted({p.step for p in distributions.declared})
    if not distributions.declared or declaration.elsewhere or set(steps) <= declaration.locked:
        return None
    if declaration.indexes:
        return Problem(declaration.why, f"nothing was resolved: packages come from {declaration.indexes[0]}, too")
    pins: dict[str, str] = {}
    try:
        for step in steps:
            lines = [_line(p) for p in distributions.declared if p.step == step and _counts(p, where)]
            if any(not line.startswith("-c ") for line in lines):
                found = compile_pins(
                    lines, python=python, platform=platform_of(target, None), prefer=pins, environ=environ
                )
                pins = {**pins, **found}
    except Unresolvable as error:
        reason = said(str(error))
        return reason if target.python else Problem(declaration.why, f"not for Python {python}: {reason}")
    except RepairError as error:
        return Problem(declaration.why, f"uv could not resolve the declaration: {str(error)[:200]}")
    return pins


def said(text: str) -> str:
    """uv's reason without its drawing."""
    plain = " ".join(text.replace("╰─▶", " ").replace("×", " ").replace("│", " ").split())
    at = plain.find("Because")
    return plain[at if at >= 0 else 0 :][:600].strip()


def _counts(pin: Pin, where: tuple[dict[str, str], ...]) -> bool:
    requirement = parse(pin.requirement)
    return requirement is not None and applies(requirement.marker, where) is not False


def _line(pin: Pin) -> str:
    """A line for uv; the build of a release is the same release on the public index."""
    plain = _LOCAL.sub(r"\1", pin.requirement)
    return f"-c {plain}" if pin.constraint else plain


def extras_of(pins: dict[str, str], distributions: Distributions) -> dict[str, frozenset[str]]:
    """The extras that the lines ask for, by the name of the distribution."""
    out: dict[str, frozenset[str]] = {normalize(n): frozenset() for n in pins}
    for pin in distributions.declared:
        if (requirement := parse(pin.requirement)) is not None and pin.key in out:
            out[pin.key] = out[pin.key] | frozenset(requirement.extras)
    return out
