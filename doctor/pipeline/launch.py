"""The launch command of a request: read, with the engine that it starts, and the container that it starts it in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.collect.declared.request import Composing, DeclaredRequest
from doctor.facts import NOT_REQUESTED, Distributions, Launch, Unavailable
from doctor.pipeline.request import Request

if TYPE_CHECKING:
    from doctor.launch.read import Inside


def read_launch(request: Request, inside: Inside | None = None, *, whole: bool = False) -> Launch | Unavailable:
    """The launch command, with the engine that it starts; `arguments` are what the engine's own parser gets.

    `inside`: the command runs in a container, and no file that it names is one of this machine. `whole`: its secrets
    are not hidden, since it is started with these words; never to be shown or kept.
    """
    if not request.launch:
        return NOT_REQUESTED
    from doctor.launch import read

    reader = read.read_whole if whole else read.read_launch
    found = reader(request.launch, request.environ, request.target.cwd, _entrypoint, inside)
    if request.unknown:
        names = tuple(f"${{{name}}}" for name in request.unknown)
        found = replace(found, literal=tuple(w for w in found.literal if not any(n in w for n in names)))
    return replace(found, granted=request.granted) if request.granted else found


def engine_release(launch: Launch | Unavailable, here: Distributions | Unavailable) -> str | None:
    """The release of the launch's engine that is installed or declared, None where that is not known."""
    name = launch.engine if isinstance(launch, Launch) else None
    return here.version(name) if name and isinstance(here, Distributions) else None


def _entrypoint(reference: str) -> tuple[str, ...]:
    """What an image runs before the words of a command; only a launch in a container asks."""
    from doctor.matrix.images import entrypoint

    return entrypoint(reference)


def contained(request: Request) -> Request:
    """`docker run IMAGE` and `docker compose up` as the declared environments that they are, unless one is named."""
    target = request.target
    if not request.launch or request.declared or target.python or target.paths or target.root:
        return request
    from doctor.launch import read

    commands = read.commands_of(request.launch, request.environ, target.cwd)
    if composed := read.composed(commands):
        told = composed.told
        first, *others = composed.files
        beside = Composing(
            tuple(others), told.env_files, told.profiles, told.folder, told.command, told.services, composed.beside
        )
        service = told.services[0] if len(told.services) == 1 else None
        declared = DeclaredRequest(compose=first, service=service, composing=beside)
        return replace(request, declared=declared, launch=())
    if found := read.image_of(commands):
        return replace(request, declared=DeclaredRequest(image=found[0], by=found[1]))
    place = commands[0].place.environment
    return replace(request, declared=DeclaredRequest(place=place)) if place else request
