"""What stands around the server: the services of the same project, and the gateway or scraper in front of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.collect.declared.declaration import Declaration
from doctor.collect.declared.gateway import read_gateway
from doctor.collect.declared.service import Service
from doctor.collect.python.target import TargetError
from doctor.facts import Distributions, Facts, Launch, Neighbor, Neighbors, Route
from doctor.launch.fronts import addresses
from doctor.launch.inner import inner_reader
from doctor.launch.server import Server, server_of
from doctor.launch.waiting import asked_inside
from doctor.matrix.declared import DeclarationError
from doctor.pipeline.declared import launch_of, launch_words, read_declared
from doctor.pipeline.launch import engine_release
from doctor.pipeline.mounted_gateway import mounted_gateway
from doctor.pipeline.request import Around, Request
from doctor.pipeline.services import request_of

MOST = 40


def with_neighbors(facts: Facts, request: Request) -> Facts:
    """The facts with the services of the project, and the file of `--gateway`."""
    found: dict[str, tuple[Neighbor, Mapping[str, str]]] = {}
    services: list[Service] = []
    if request.declared.compose is not None:
        services = _of_project(request)
        found = {n.service: (n, variables) for n, variables in _services(request, services)}
        around = Neighbors(one_line(request.declared.compose, 200), tuple(n for n, _ in found.values()))
        facts = replace(facts, neighbors=around)
    if request.around is not None:
        facts = replace(facts, neighbors=request.around.services)
    path = request.gateway or mounted_gateway(services)
    if path is None:
        return facts
    mine = request.around.gateway if request.around else {}
    variables = next((v for n, v in found.values() if "litellm" in (n.image or "")), mine)
    return replace(facts, gateway=read_gateway(path, request.target.root, variables))


def _of_project(request: Request) -> list[Service]:
    """The services of the compose project."""
    from doctor.collect.declared.compose.service import project_of, service_of

    project = project_of(request.declared, request.target.environ, request.target.cwd)
    return [service_of(project, name) for name in list(project.services)[:MOST]]


def around(services: list[Service], request: Request) -> Around | None:
    """What is known of the services that others reach by a name of a network; None where there are none, and where
    there is nobody to point at the only one."""
    reached = [s for s in services if (s.pod or s.hosts) and not s.unread][:MOST]
    if not reached or (len(reached) < 2 and request.gateway is None):
        return None
    found = [_deployed(s, replace(request, gateway=None)) for s in reached]
    variables = next((v for n, v in found if "litellm" in (n.image or "")), {})
    names = ", ".join(request.declared.deployments)
    return Around(Neighbors(one_line(names, 200), tuple(n for n, _ in found)), variables)


def for_service(known: Around | None, service: Service) -> Around | None:
    """The same, seen from one of the services."""
    if known is None:
        return None
    seen = tuple(replace(n, mine=n.service == _name(service) and n.pod == service.pod) for n in known.services.services)
    return replace(known, services=replace(known.services, services=seen))


def _deployed(service: Service, request: Request) -> tuple[Neighbor, Mapping[str, str]]:
    """One service of deployment files with its variables; one that cannot be read is a name alone."""
    try:
        inner = request_of(service, request)
        if not inner.declared:
            raise TargetError("it runs on this machine")
        _, distributions, declaration = read_declared(replace(inner.declared, requirements=()), inner.target)
    except (TargetError, DeclarationError):
        return _in_cluster(_neighbor(service, None, None, False), service), service.variables
    here = _server(inner, declaration, distributions)
    return _in_cluster(_neighbor(service, declaration, here, False), service), declaration.environ


def _in_cluster(neighbor: Neighbor, service: Service) -> Neighbor:
    """In a cluster a service is known by its Service's name, and no port of it is published on anybody's machine."""
    if not service.pod:
        return neighbor
    return replace(
        neighbor, service=_name(service), published=(), host_network=False, forwards=service.forwards, pod=service.pod
    )


def _name(service: Service) -> str:
    return service.hosts[0] if service.pod and service.hosts else service.name


def _server(request: Request, declaration: Declaration, distributions: Distributions) -> Server | None:
    launch = launch_of(replace(request, launch=()), declaration)
    version = engine_release(launch, distributions)
    return server_of(launch, version) if isinstance(launch, Launch) and launch.engine else None


def _services(request: Request, services: list[Service]) -> Iterator[tuple[Neighbor, Mapping[str, str]]]:
    """Each service of the compose project with its variables; those that cannot be read are names alone."""
    from doctor.collect.declared.compose.service import read_compose

    asked, where = request.declared, request.target
    mine = read_compose(asked, where.environ, where.cwd).name
    for service in services:
        is_mine = service.name == mine
        try:
            _, distributions, declaration = read_declared(replace(asked, service=service.name, requirements=()), where)
        except TargetError:
            yield _neighbor(service, None, None, is_mine), service.variables
            continue
        here = _server(request, declaration, distributions)
        yield _neighbor(service, declaration, here, is_mine), declaration.environ


def _neighbor(service: Service, declaration: Declaration | None, here: Server | None, mine: bool) -> Neighbor:
    container = service.container
    variables = declaration.environ if declaration else service.variables
    asking = () if declaration is None or here is not None else asked_inside(
        launch_words(declaration), variables, declaration.folder or "/",
        inner_reader(declaration.places, declaration.texts),
    )  # fmt: skip
    ports = container.ports if container else ()
    plain = Neighbor(
        service.name, service.hosts, tuple(p for p in ports if p != "host"), mine=mine, image=service.image,
        host_network="host" in ports, networks=service.networks,
        routes=tuple(Route(n, redact_text(url)) for n, url in (*addresses(variables), *asking)),
    )  # fmt: skip
    if here is None:
        return plain
    return replace(plain, engine=here.engine, port=here.port, names=here.names, key=here.key, local=here.local)
