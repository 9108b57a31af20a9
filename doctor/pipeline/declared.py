"""A declaration as facts: which releases it fixes, what those require, and what it leaves open."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.collect.declared.declaration import Declaration, read_declaration
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetError, TargetRequest
from doctor.facts import Distributions, Facts, Launch, Target, Unavailable
from doctor.facts.launch import DOCKERFILE
from doctor.matrix.images import entrypoint, image
from doctor.pipeline.fixed import fixed_distributions, stated_distributions, with_resolved

if TYPE_CHECKING:
    from doctor.pipeline.request import Request

PLATFORM = "linux-x86_64"  # where the engines serve; `--platform` says otherwise
NO_FILES = Unavailable("not_supported", "the environment is declared: it has no files")
NO_MACHINE = Unavailable("not_requested", "the environment is declared: name its machine with --gpu and --driver")


def collect_declared(request: Request) -> Facts:
    """The facts of an environment that is not installed. This machine is not looked at, unless it is named."""
    from doctor.collect.model import ModelRequest, launched_model
    from doctor.matrix.declared import declared_gpu
    from doctor.pipeline.in_files import with_places
    from doctor.pipeline.launch import engine_release

    target, distributions, declaration = read_declared(request.declared, request.target)
    reported = request.declared.reported
    if reported is not None:
        distributions = stated_distributions(reported.packages.values(), reported.name, target)
    elif request.online:
        distributions = with_resolved(distributions, declaration, target, dict(request.environ))
    launch = with_places(launch_of(request, declaration), request)
    named = request.gpu or request.driver
    gpu = declared_gpu(request.gpu, request.driver) if named else NO_MACHINE
    host = Unavailable("not_requested", "the environment is declared: this machine is not checked")
    release = engine_release(launch, distributions)
    nowhere = os.devnull if reported is not None else None  # a model of the same name on this disk is another one
    asked = ModelRequest(request.environ, request.model, nowhere, request.online, tell=request.tell, release=release)
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
    if declaration.container.how == DOCKERFILE:
        return replace(launch, container=declaration.container) if isinstance(launch, Launch) else launch
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
    declaration = replace(declaration, bare=base is None or base.repository.python)
    python = request.python_version or declaration.python or told
    target = Target("declared", declaration.why, python, platform=request.platform or PLATFORM)
    if declaration.entrypoint is None and base and (start := entrypoint(base.reference)):
        declaration = replace(declaration, entrypoint=start)
    return target, fixed_distributions(declaration, base, target), declaration


def launch_words(declaration: Declaration) -> tuple[str, ...]:
    """The command that the declaration starts: the entrypoint with the command behind it; empty where none is told."""
    return (*(declaration.entrypoint or ()), *(declaration.command or ()))
