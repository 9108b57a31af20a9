"""What stands in front of a server or watches it: a gateway's models and their addresses, a scraper's targets."""

from __future__ import annotations

from typing import Literal

from doctor.base.record import dataclass
from doctor.facts.target import Problem


@dataclass(frozen=True, slots=True)
class GatewayModel:
    """One entry of a gateway: `name` is what clients ask for, `provider` and `model` the two halves of
    `hosted_vllm/NAME`, `api_base` the address as written (None: the provider's own).

    `key` tells whether a key is given for it; its value is never kept. `line` is where the entry begins.
    """

    name: str
    provider: str | None
    model: str
    api_base: str | None = None
    key: bool = False
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Scrape:
    """One target of a scraper, `host:port` as written, and the path that it asks for."""

    target: str
    path: str = "/metrics"
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that a gateway's settings point to, such as a fallback, and the entry that has it (`fallbacks`)."""

    name: str
    entry: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """An address that a client of the server has: `name` is the variable or the upstream that holds it."""

    name: str
    url: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Neighbor:
    """One service of the deployment: the names that the others reach it by, and the server that it runs, if any.

    `published` are its ports as written. `engine`, `port`, `names` and `key` are the server's as its command says,
    `local`: it listens on the loopback alone. `mine`: it is the service that is checked. `host_network`: it has the
    host's network. `routes` are addresses in its variables. In a cluster, `forwards` lead from a port of its names to
    one of its own (`80:8000`), and the containers of one `pod` share their loopback.
    In a compose project, `networks` are those that it is in; empty where that is not known.
    """

    service: str
    hosts: tuple[str, ...]
    published: tuple[str, ...] = ()
    engine: str | None = None
    port: int | None = None
    names: tuple[str, ...] = ()
    key: bool = False
    local: bool = False
    mine: bool = False
    image: str | None = None
    host_network: bool = False
    routes: tuple[Route, ...] = ()
    forwards: tuple[str, ...] = ()
    pod: str = ""
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The services that are started together; `path` is the file that says so."""

    path: str
    services: tuple[Neighbor, ...] = ()


@dataclass(frozen=True, slots=True)
class Gateway:
    """A file of LiteLLM (`model_list`), Prometheus (`scrape_configs`) or nginx, as far as it concerns a server.

    `references` are the names that fallbacks and aliases point to, `routes` nginx's upstreams and `proxy_pass`.
    """

    kind: Literal["litellm", "prometheus", "nginx"]
    path: str
    models: tuple[GatewayModel, ...] = ()
    scrapes: tuple[Scrape, ...] = ()
    problems: tuple[Problem, ...] = ()
    references: tuple[Reference, ...] = ()
    routes: tuple[Route, ...] = ()
