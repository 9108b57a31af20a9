"""The services of the deployment files of a request, and the same question about one of them."""

from __future__ import annotations

from dataclasses import replace

from doctor.base.files import Files
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import name_of
from doctor.collect.python.target import TargetError
from doctor.deployment.kubernetes.pods import LEADER
from doctor.deployment.read import chosen, read_deployment
from doctor.facts import Granted
from doctor.launch.starting import mentions_engine, mentions_other
from doctor.matrix.declared import DeclarationError, declared_gpu
from doctor.pipeline.launch import contained
from doctor.pipeline.request import Request

GROUP = "Kubernetes LeaderWorkerSet"
ACTIVATED = ("VIRTUAL_ENV", "CONDA_PREFIX")


def every_service(request: Request) -> list[Service]:
    """All services of the deployment files. Raises TargetError."""
    asked = request.declared
    if asked.compose is not None or asked.image is not None:
        other = "--compose" if asked.compose is not None else "--image"
        raise TargetError(f"`{other}` conflicts with `--deployment`: both say what runs")
    return read_deployment(asked.deployments, request.environ, request.target.cwd, request.target.root)


def services_of(request: Request) -> list[Service]:
    """Those of them that `--service` names, all where it names none. Raises TargetError."""
    return chosen(every_service(request), request.declared.service)


def request_of(service: Service, request: Request) -> Request:
    """The same question about one service."""
    request = replace(
        request, gpu=request.gpu or _gpu(service), unknown=service.unknown,
        files=tuple(f for f in request.declared.deployments if name_of(f) == service.file),
    )  # fmt: skip
    stated = replace(request.declared, deployments=(), service=None, stated=service)
    rootless = replace(request.target, root=None)  # of a declared environment there are no files
    if not service.host:
        return replace(request, declared=stated, target=rootless)
    environ = {**(request.environ if service.inherits else {}), **service.variables}
    granted = Granted(service.where, service.gpus, service.nodes) if service.gpus or service.nodes > 1 else None
    inner = replace(request, launch=service.command or (), environ=environ, granted=granted)
    if request.declared.requirements:
        return replace(inner, declared=stated, target=rootless)
    bare = replace(inner, declared=DeclaredRequest())
    if (found := contained(replace(bare, target=rootless))).declared:
        return found  # the image alone says what is in it
    if not service.installs and (bare.target.python or bare.target.paths or _installed(service, bare)):
        return bare
    place = None if service.installs else service.where
    return replace(inner, declared=DeclaredRequest(place=place, stated=service), target=rootless)


def _installed(service: Service, inner: Request) -> bool:
    """Whether the program that the service starts is a file of this machine, or of the root that is named."""
    from doctor.launch.read import commands_of

    if service.elsewhere:
        return False
    files = Files(inner.target.root)
    commands = commands_of(inner.launch, inner.environ, inner.target.cwd)
    there = (c for c in commands if not any(_gone(c.shell.environ.get(n), files) for n in ACTIVATED))
    return any(c.words and replace(c.shell, files=files).which(c.words[0]) for c in there)


def _gone(folder: str | None, files: Files) -> bool:
    """Whether a script activates an environment that this machine does not have: its programs are another's."""
    return bool(folder) and not files.isdir(files.inside(folder or ""))


def _gpu(service: Service) -> str | None:
    """The GPU that the service names for its machine, where the table of cards has it."""
    try:
        return service.gpu if service.gpu and declared_gpu(service.gpu, None) else None
    except DeclarationError:
        return None


def serves(service: Service) -> bool:
    """Whether the words of a service name an engine."""
    return mentions_engine(_said(service))


def serving(services: list[Service]) -> list[Service]:
    """Those that name an engine; else those of another model server; else all. Of a group that serves together, its
    leader."""
    leaders = {s.labels[0] for s in services if s.kind == GROUP and LEADER in s.labels}
    services = [s for s in services if s.kind != GROUP or LEADER in s.labels or s.labels[0] not in leaders]
    return [s for s in services if serves(s)] or [s for s in services if mentions_other(_said(s))] or services


def _said(service: Service) -> str:
    words = (service.image or "", *(service.entrypoint or ()), *(service.command or ()))
    return " ".join(words)[: 1 << 16]
