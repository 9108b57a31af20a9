"""A declaration as facts: which releases it fixes, what those require, and what it leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from doctor.collect.declared.declaration import Declaration, read_declaration
from doctor.collect.declared.pins import exact
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetError, TargetRequest
from doctor.derived.packages.requirements import applies, environments, fits, parse
from doctor.facts import Distribution, Distributions, Facts, Launch, Pin, Problem, Target, Unavailable, normalize
from doctor.matrix import rows
from doctor.matrix.images import Image, entrypoint, image

if TYPE_CHECKING:
    from doctor.pipeline.request import Request

PLATFORM = "linux-x86_64"  # where the engines serve; `--platform` says otherwise
MOST = 2000
Fresh = tuple[str, str, str, frozenset[str]]  # name, version, where that is written, extras
NO_FILES = Unavailable("not_supported", "the environment is declared: it has no files")
NO_MACHINE = Unavailable("not_requested", "the environment is declared: name its machine with --gpu and --driver")


def collect_declared(request: Request) -> Facts:
    """The facts of an environment that is not installed. This machine is not looked at, unless it is named."""
    from doctor.collect.model import ModelRequest, launched_model
    from doctor.matrix.declared import declared_gpu
    from doctor.pipeline.launch import engine_release

    target, distributions, declaration = read_declared(request.declared, request.target)
    launch = launch_of(request, declaration)
    named = request.gpu or request.driver
    gpu = declared_gpu(request.gpu, request.driver) if named else NO_MACHINE
    host = Unavailable("not_requested", "the environment is declared: this machine is not checked")
    release = engine_release(launch, distributions)
    asked = ModelRequest(request.environ, request.model, online=request.online, tell=request.tell, release=release)
    return Facts(target, distributions, NO_FILES, NO_FILES, launch, gpu, host, launched_model(launch, asked))


def launch_of(request: Request, declaration: Declaration) -> Launch | Unavailable:
    """The user's own command, else the one that the declaration starts; variables of this machine stay out of it."""
    from doctor.launch.inner import inner_reader
    from doctor.launch.read import Inside
    from doctor.pipeline.launch import read_launch

    own = bool(request.launch)
    environ = {**request.environ, **declaration.environ} if own else declaration.environ
    words = request.launch or launch_words(declaration)
    inside = None if own else Inside(declaration.folder or "/", inner_reader(declaration.places, declaration.texts))
    launch = read_launch(replace(request, launch=words, environ=environ), inside)
    if declaration.container is None or own:
        return launch
    if not isinstance(launch, Launch):
        launch = Launch((), environ=declaration.environ)
    return replace(launch, container=declaration.container, source=launch.source or declaration.why)


def read_declared(asked: DeclaredRequest, request: TargetRequest) -> tuple[Target, Distributions, Declaration]:
    """The target, its distributions as far as they are fixed, and the declaration. Raises TargetError."""
    others = {"--python": request.python, "--path": request.paths, "--root": request.root}
    clash = next((option for option, value in others.items() if value), None)
    if clash:
        raise TargetError(f"`{clash}` names an installed environment, and this one is declared: give one of them")
    declaration = read_declaration(asked, request.environ, request.cwd)
    base = image(declaration.image) if declaration.image else None
    told = base.version if base and base.repository.python else None
    if request.python_version and not re.match(r"\d\.\d{1,2}(?:\.\d{1,3})?$", request.python_version):
        raise TargetError(f"`{request.python_version}` is not a Python version such as 3.10")
    python = request.python_version or declaration.python or told
    target = Target("declared", declaration.why, python, platform=request.platform or PLATFORM)
    if declaration.entrypoint is None and base and (start := entrypoint(base.reference)):
        declaration = replace(declaration, entrypoint=start)
    return target, _distributions(declaration, base, target), declaration


def launch_words(declaration: Declaration) -> tuple[str, ...]:
    """The command that the declaration starts: the entrypoint with the command behind it; empty where none is told."""
    return (*(declaration.entrypoint or ()), *(declaration.command or ()))


def _distributions(declaration: Declaration, base: Image | None, target: Target) -> Distributions:
    solving = Solving(environments(target))
    problems = list(declaration.problems)
    pins = declaration.pins
    if declaration.image and (base is None or base.version is None):
        message = f"the name of the image `{declaration.image}` does not say what is in it"
        problems.append(Problem(declaration.image, message))
    if base and base.version and base.repository.distribution:
        name, extras = base.repository.distribution, ",".join(base.repository.extras)
        line = f"{name}{f'[{extras}]' if extras else ''}=={base.version}"
        pins = (Pin(normalize(name), line, f"image {base.reference}"), *pins)
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
    return Distributions(tuple(found.values()), problems=tuple(problems), complete=False, declared=pins)


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
