"""Which releases a declaration fixes: by its lines, by what these pin in turn, and by an installer's choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from packaging.requirements import Requirement

from doctor.collect.declared.declaration import Declaration
from doctor.collect.declared.pins import exact
from doctor.collect.declared.reported.packages import Stated
from doctor.derived.packages.requirements import applies, environments, fits, parse
from doctor.facts import Distribution, Distributions, Pin, Problem, Target, normalize
from doctor.matrix import rows
from doctor.matrix.images import Image
from doctor.pipeline.installing import assumed_pins, extras_of, newest_image, resolved_today

MOST = 2000
_ASSUMED = "is assumed: the newest known release that fits"
Fresh = tuple[str, str, str, frozenset[str]]  # name, version, where that is written, extras


def fixed_distributions(declaration: Declaration, base: Image | None, target: Target) -> Distributions:
    """What is known of the releases. An engine that its line leaves open is the newest known one that fits."""
    newest = newest_image(base)
    problems = [*declaration.problems, *_of_image(declaration, base, newest)]
    base = newest or base
    pins = (*_brought(base), *declaration.pins)
    have = _solved(pins, declaration, base, target)
    assumed = assumed_pins(Distributions(have, declared=pins), declaration, target)
    if assumed:
        have = _solved((*pins, *assumed), declaration, base, target)
        problems += [Problem(p.source, f"`{p.requirement}` {_ASSUMED}") for p in assumed]
    return Distributions(have, problems=tuple(problems), complete=False, declared=pins)


def stated_distributions(packages: Iterable[Stated], report: str, target: Target) -> Distributions:
    """What a report states, as it stands there: nothing is filled in, since what else is installed is not known."""
    where = environments(target)
    found = [distribution(p.name, p.version, f"{report}:{p.line}", frozenset(), where) for p in packages]
    return Distributions(tuple(found), complete=False, stated=True)


def with_resolved(
    have: Distributions, declaration: Declaration, target: Target, environ: dict[str, str]
) -> Distributions:
    """The same with the releases that an installer would choose today, or with its refusal."""
    if declaration.image is not None and not declaration.bare:
        return have
    answer = resolved_today(have, declaration, target, environ)
    if isinstance(answer, str):
        return replace(have, refused=answer)
    if isinstance(answer, Problem):
        return replace(have, problems=(*have.problems, answer))
    if not answer:
        return have
    where, extras = environments(target), extras_of(answer, have)
    told = {d.key: d for d in have.installed}
    found = []
    for name, version in answer.items():
        known = told.get(normalize(name))
        if known is not None and known.version.partition("+")[0] == version.partition("+")[0]:
            found.append(known)
        else:
            mine = extras.get(normalize(name), frozenset())
            found.append(distribution(name, version, "uv, as of today", mine, where))
    kept = tuple(p for p in have.problems if not p.message.endswith(_ASSUMED))
    return replace(have, installed=tuple(found), problems=kept)


def _of_image(declaration: Declaration, base: Image | None, newest: Image | None) -> Iterator[Problem]:
    """What the name of the image leaves open."""
    if newest is not None:
        name = newest.repository.distribution
        message = f"`{declaration.image}` is taken as {name} {newest.version}, the newest known release"
        yield Problem(declaration.image or "", message)
    elif declaration.image and (base is None or base.version is None):
        message = f"the name of the image `{declaration.image}` does not say what is in it"
        yield Problem(declaration.image, message)


def _brought(base: Image | None) -> tuple[Pin, ...]:
    """What an image of an engine, or of torch, brings."""
    if base is None or not base.version or not base.repository.distribution:
        return ()
    name, extras = base.repository.distribution, ",".join(base.repository.extras)
    line = f"{name}{f'[{extras}]' if extras else ''}=={base.version}"
    return (Pin(normalize(name), line, f"image {base.reference}"),)


def _solved(
    pins: tuple[Pin, ...], declaration: Declaration, base: Image | None, target: Target
) -> tuple[Distribution, ...]:
    solving = Solving(environments(target))
    chosen = None  # the build of torch that the step which installs it takes
    for step in sorted({p.step for p in pins}):
        before = solving.known.get("torch")
        solving.install([p for p in pins if p.step == step])
        chosen = declaration.builds.get(step) if solving.known.get("torch") is not before else chosen
    found = solving.known
    if chosen and "torch" in found and "+" not in found["torch"].version:
        found["torch"] = replace(found["torch"], build=f"{found['torch'].version}+{chosen}")
    elif base and base.cuda and "torch" in found and "+" not in found["torch"].version:
        build = f"{found['torch'].version}+cu{base.cuda.replace('.', '')}"
        found["torch"] = replace(found["torch"], build=build)
    return tuple(found.values())


class Solving:
    """Which releases are fixed, install by install. No resolver: only what has no alternative is taken as known."""

    def __init__(self, where: tuple[dict[str, str], ...]) -> None:
        self.where = where
        self.known: dict[str, Distribution] = {}

    def install(self, pins: list[Pin]) -> None:
        """One step: its exact pins, what those pin exactly themselves, and then whatever constraints fix."""
        named: dict[str, list[Requirement]] = {}
        fresh: list[Fresh] = []
        constraints: dict[str, tuple[str, str]] = {}
        for pin in pins:
            requirement = parse(pin.requirement)
            if requirement is None or applies(requirement.marker, self.where) is False:
                continue
            version = exact(requirement) if applies(requirement.marker, self.where) else None
            if pin.constraint:
                if version:
                    constraints.setdefault(pin.key, (version, pin.source))
                continue
            named.setdefault(pin.key, []).append(requirement)
            if version and not any(f[0] == requirement.name for f in fresh):
                fresh.append((requirement.name, version, pin.source, frozenset(requirement.extras)))
        self._replaced(named)
        fixed = {normalize(name) for name, *_ in fresh}
        for name in named:
            if name not in fixed and name not in self.known and name in constraints:
                fresh.append((name, *constraints[name], frozenset()))
        self._take(fresh, set(named), constraints)

    def _replaced(self, named: dict[str, list[Requirement]]) -> None:
        """What an earlier step brought and this one asks for otherwise is no longer known."""
        for key, requirements in named.items():
            have = self.known.get(key)
            if have and any(fits(r.specifier, have.version) is False for r in requirements):
                del self.known[key]

    def _take(self, fresh: list[Fresh], named: set[str], constraints: dict[str, tuple[str, str]]) -> None:
        """Puts releases in, with what they pin exactly in turn; what an earlier step brought may have to go."""
        before = set(self.known)
        queue = list(fresh)
        given = {normalize(f[0]) for f in fresh}
        while queue and len(self.known) < MOST:
            name, version, source, extras = queue.pop(0)
            key = normalize(name)
            self.known[key] = one = distribution(name, version, source, extras, self.where)
            for requirement in self._needs(one):
                other = normalize(requirement.name)
                have = self.known.get(other)
                replaceable = have is not None and other in before and other not in given
                if have and replaceable and fits(requirement.specifier, have.version) is False:
                    del self.known[other]  # the installer replaces what an earlier step brought
                    before.discard(other)
                    have = None
                pinned = exact(requirement)
                fixed = (pinned, f"METADATA of {name} {version}") if pinned else constraints.get(other)
                if fixed and have is None and other not in given and (other not in named or not pinned):
                    given.add(other)
                    queue.append((requirement.name, *fixed, frozenset(requirement.extras)))

    def _needs(self, one: Distribution) -> Iterator[Requirement]:
        for line in one.requires:
            requirement = parse(line)
            if requirement is not None and applies(requirement.marker, self.where):
                yield requirement


def distribution(
    name: str, version: str, source: str, extras: frozenset[str], where: tuple[dict[str, str], ...]
) -> Distribution:
    """A release as the data knows it; one that the data does not cover has a name and a version only."""
    row = rows.row(name, version, "requires", "meta", "tags") or {}
    lines = [line for group in row.get("requires", {}).values() for line in group]
    return Distribution(
        name, normalize(name), version, location="", metadata_path=source,
        requires=(*(line for line in lines if not _of_extra(line)), *_of_extras(name, lines, extras, where)),
        requires_python=row.get("meta", {}).get("requires_python"), tags=tuple(row.get("tags", {})),
    )  # fmt: skip


def _of_extra(line: str) -> bool:
    return "extra" in line.partition(";")[2]


def _of_extras(
    name: str, lines: list[str], extras: frozenset[str], where: tuple[dict[str, str], ...]
) -> tuple[str, ...]:
    """The requirements of these extras, of those that they name in turn too, without their markers."""
    out: dict[str, None] = {}
    todo, seen = [normalize(e) for e in extras], set()
    while todo:
        extra = todo.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for line in filter(_of_extra, lines):
            requirement = parse(line)
            if requirement is None or not applies(requirement.marker, where, extra):
                continue
            if normalize(requirement.name) == normalize(name):
                todo.extend(normalize(e) for e in requirement.extras)
            else:
                out[line.partition(";")[0].strip()] = None
    return tuple(out)
