"""What `--requirements`, `--image` and a service say together, in the order in which it would be installed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.collect.declared.dockerfile import Build, Built, looks_like_dockerfile, read_dockerfile
from doctor.collect.declared.health import HealthCheck
from doctor.collect.declared.pins import Reading
from doctor.collect.declared.pip_lines import read_installs
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.declared.requirements import LARGEST_LOCK, OF_MANAGERS, read_requirements
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import LARGEST, name_of, read_text
from doctor.collect.python.target import TargetError
from doctor.facts import Container, Pin, Problem
from doctor.facts.launch import DOCKERFILE

_SHELL = late_pattern(r"(?:.*/)?(?:ba|da|z|a)?sh$")
_EXTRAS = late_pattern(r"(.+)\[([\w., -]{1,200})\]$")
_REFERENCE = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,500}$")


@dataclass(frozen=True)
class Declaration:
    """What was read: the image below everything, the lines on top of it, and the command it starts.

    `entrypoint` and `command` are None where nothing overrides those of the image. `folder` is where they run, None
    where the image alone says it, and `places` are paths in the container with the file or folder here that stands for
    them; `texts` are files there whose text is known. `builds` are the builds of torch that install steps choose by
    their index: step -> `cu128`. `python` is the release that a file fixes, `locked` are the steps that a lock file
    writes out, `elsewhere` the distributions that come from no index, `indexes` those of the user's own.
    `bare`: the image brings no packages that count.
    """

    why: str
    image: str | None = None
    pins: tuple[Pin, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environ: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    container: Container | None = None
    folder: str | None = None
    places: tuple[tuple[str, str], ...] = ()
    builds: dict[int, str] = field(default_factory=dict)
    python: str | None = None
    locked: frozenset[int] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    indexes: tuple[str, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    bare: bool = False


def read_declaration(request: DeclaredRequest, environ: Mapping[str, str], cwd: str) -> Declaration:
    """The declaration. Raises TargetError, with one sentence, for what the user has to change."""
    if request.service is not None and request.compose is None:
        raise TargetError("`--service` requires `--compose`")
    if request.image is not None and request.compose is not None:
        raise TargetError("`--image` conflicts with `--compose`: both name an image")
    reading = Reading(environ)
    service = request.stated
    built = Built(image=request.image)
    why = [f"{request.by} {request.image}"] if request.image else [request.place] if request.place else []
    if request.place is not None:
        reading.problems.append(Problem(request.place, f"what is installed in {request.place} is not known"))
    if request.compose is not None:
        from doctor.collect.declared.compose.service import read_compose

        service = read_compose(request, environ, cwd)
        beside = "".join(f" + {name_of(f)}" for f in service.files[1:4])
        why.append(f"--compose {request.compose}{beside}, service {service.name}")
    elif service is not None:
        why.append(service.where)
    if service is not None and not service.host:
        built = _of_service(service, reading)
    if service is not None:
        _around(service, reading, os.path.join(cwd, service.file))
    for file in request.requirements:
        built = _of_file(os.path.join(cwd, file), built, reading)
        why.append(f"--requirements {file}")
    if request.reported is not None:
        why.append(f"as {request.reported.name} states it")
    why += reading.why
    _check(built.image, reading)
    _through_shell(built, reading, os.path.join(cwd, request.compose or (request.requirements or ("",))[-1]))
    said = ", ".join(one_line(w, 200) for w in dict.fromkeys(why))
    return Declaration(
        said, built.image, tuple(reading.pins), built.entrypoint, built.command,
        built.variables, tuple(reading.problems), _container(service, built), built.folder,
        tuple(built.places), reading.builds, reading.python, frozenset(reading.locked), frozenset(reading.elsewhere),
        tuple(sorted(reading.indexes)), service.texts if service else {},
    )  # fmt: skip


def _container(service: Service | None, built: Built) -> Container | None:
    """The container with the health check of its image, as far as the service leaves that open."""
    if service is None:
        return built.health.on(Container(DOCKERFILE), "HEALTHCHECK", built.variables) if built.health else None
    if service.container is None or service.kind != "compose service" or built.health is None:
        return service.container
    own = service.health or HealthCheck()
    name = "healthcheck" if own.test is not None else "HEALTHCHECK"
    return own.over(built.health).on(service.container, name, built.variables)


def _of_file(path: str, below: Built, reading: Reading) -> Built:
    """A requirement file on top of what there is, or a Dockerfile, which begins anew."""
    path, extras = _with_extras(path)
    limit = LARGEST_LOCK if path.endswith(OF_MANAGERS) else LARGEST
    if not looks_like_dockerfile(path, read_text(path, "--requirements", limit)):
        reading.step += 1
        read_requirements(path, reading, extras=extras)
        return below
    if below.image:
        raise TargetError(f"`{name_of(path)}` is a Dockerfile and names its own image; remove the other image")
    return read_dockerfile(path, reading)


def _with_extras(path: str) -> tuple[str, tuple[str, ...]]:
    """`pyproject.toml[serve,gpu]` as the file and what to read of it beside its own dependencies."""
    found = _EXTRAS.match(path)
    if found is None or os.path.exists(path):
        return path, ()
    return found[1], tuple(e.strip() for e in found[2].split(",") if e.strip())


def _of_service(service: Service, reading: Reading) -> Built:
    """What the service starts from; its own command and variables come before those of what it is built from."""
    path = service.build
    if path is not None and (service.inline is not None or os.path.isfile(path)):
        context = service.context or os.path.dirname(path)
        built = read_dockerfile(path, reading, Build(path, context, service.stage, service.arguments, service.inline))
    elif path is not None and service.image is None:
        reading.problems.append(Problem(path, f"`{name_of(path)}` of `{service.name}` was not found"))
        built = Built()
    elif service.image is not None:
        built = Built(image=service.image)
    elif service.entrypoint or service.command:  # a placeholder stands for the image, or a patch leaves it out
        built = Built()
        reading.problems.append(Problem(service.name, "the image is not known, nor what is installed in it"))
    else:
        raise TargetError(f"the service `{one_line(service.name, 60)}` has neither `image` nor `build`")
    if service.entrypoint is not None:  # an entrypoint of the service drops the command of the image
        built.entrypoint, built.command = service.entrypoint, ()
    if service.command is not None:
        built.command = service.command
    built.variables = {**built.variables, **service.variables}
    built.folder = service.folder or built.folder
    built.places += service.places
    return built


def _around(service: Service, reading: Reading, path: str) -> None:
    """What a service says beside its command: packages that it installs first, and what was not understood."""
    if service.installs:
        read_installs(service.installs, service.variables, "the setup", path, reading)
    reading.problems += [Problem(service.name, note) for note in service.notes[:20]]
    for name in sorted(service.lacking.unset)[:20]:
        reading.problems.append(Problem(service.name, f"the variable `{name}` is not set here and counts as empty"))


def _through_shell(built: Built, reading: Reading, path: str) -> None:
    """`bash -c "pip install ... && vllm serve ..."`: what it installs first counts."""
    words = (*(built.entrypoint or ()), *(built.command or ()))
    if len(words) > 2 and _SHELL.match(words[0]) and re.match(r"-[a-z]*c$", words[1]):
        read_installs(words[2], built.variables, "the command", path, reading)


def _check(image: str | None, reading: Reading) -> None:
    if image is not None and not _REFERENCE.match(image):
        raise TargetError(f"`{one_line(image, 100)}` is not an image reference such as `vllm/vllm-openai:v0.11.0`")
    if "$" in (image or ""):
        reading.problems.append(Problem(image or "", "a variable in the image reference is not set"))
