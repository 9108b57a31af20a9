"""What stands around the server: the services of the same project, and the gateway or scraper in front of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from doctor.base.text import one_line
from doctor.collect.declared.declaration import Declaration
from doctor.collect.declared.gateway import bare_address, read_gateway
from doctor.collect.declared.service import Service
from doctor.collect.python.target import TargetError
from doctor.facts import Facts, Launch, Neighbor, Neighbors, Route
from doctor.launch.server import Server, server_of
from doctor.pipeline.declared import launch_of, read_declared
from doctor.pipeline.launch import engine_release
from doctor.pipeline.request import Request

MOST = 40
_ADDRESS = re.compile(r"(?:.*_)?(?:URLS?|API_BASE|BASE|ENDPOINTS?|HOST|SERVER|ADDRESS|UPSTREAM)$")
_HTTP = re.compile(r"https?://[^\s;,\"']{1,300}")


def with_neighbors(facts: Facts, request: Request) -> Facts:
    """The facts with the services of the project, and the file of `--gateway`."""
    found: dict[str, tuple[Neighbor, Mapping[str, str]]] = {}
    if request.declared.compose is not None:
        found = {n.service: (n, variables) for n, variables in _services(request)}
        around = Neighbors(one_line(request.declared.compose, 200), tuple(n for n, _ in found.values()))
        facts = replace(facts, neighbors=around)
    if request.gateway is None:
        return facts
    variables = next((v for n, v in found.values() if "litellm" in (n.image or "")), {})
    return replace(facts, gateway=read_gateway(request.gateway, request.target.root, variables))


def _services(request: Request) -> Iterator[tuple[Neighbor, Mapping[str, str]]]:
    """Each service of the compose project with its variables; those that cannot be read are names alone."""
    from doctor.collect.declared.compose.service import project_of, read_compose, service_of

    asked, where = request.declared, request.target
    mine = read_compose(asked, where.environ, where.cwd).name
    project = project_of(asked, where.environ, where.cwd)
    for name in list(project.services)[:MOST]:
        service = service_of(project, name)
        try:
            _, distributions, declaration = read_declared(replace(asked, service=name, requirements=()), where)
        except TargetError:
            yield _neighbor(service, None, None, name == mine), service.variables
            continue
        launch = launch_of(replace(request, launch=()), declaration)
        version = engine_release(launch, distributions)
        here = server_of(launch, version) if isinstance(launch, Launch) and launch.engine else None
        yield _neighbor(service, declaration, here, name == mine), declaration.environ


def _neighbor(service: Service, declaration: Declaration | None, here: Server | None, mine: bool) -> Neighbor:
    container = service.container
    variables = declaration.environ if declaration else service.variables
    ports = container.ports if container else ()
    plain = Neighbor(
        service.name, service.hosts, tuple(p for p in ports if p != "host"), mine=mine, image=service.image,
        host_network="host" in ports, routes=tuple(_routes(variables)),
    )  # fmt: skip
    if here is None:
        return plain
    return replace(plain, engine=here.engine, port=here.port, names=here.names, key=here.key, local=here.local)


def _routes(variables: Mapping[str, str]) -> Iterator[Route]:
    """The addresses in a service's variables; a login in one is left out."""
    for name, value in list(variables.items())[:500]:
        if _ADDRESS.match(name.upper()):
            for url in _HTTP.findall(value[:4000])[:10]:
                yield Route(one_line(name, 80), bare_address(url))
