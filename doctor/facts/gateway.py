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
class Gateway:
    """A file of LiteLLM (`model_list`) or of Prometheus (`scrape_configs`), as far as it concerns a server."""

    kind: Literal["litellm", "prometheus"]
    path: str
    models: tuple[GatewayModel, ...] = ()
    scrapes: tuple[Scrape, ...] = ()
    problems: tuple[Problem, ...] = ()
