"""What a file of another form takes over of the user's service: its name, variables and folders, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import HIDDEN, redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.base.text import one_line
from doctor.collect.declared.compose.service import project_of, read_compose, service_of
from doctor.collect.declared.service import Service
from doctor.deployment.read import chosen
from doctor.pipeline.own import composed, own_service
from doctor.pipeline.placed import Origin
from doctor.pipeline.request import Request
from doctor.pipeline.services import GROUP, every_service, serving

MOST = 8
_LABEL = late_pattern(r"[^a-z0-9]+")
_OURS = late_pattern(r"LD_|PATH$|HOME$|VIRTUAL_ENV|CONDA_")  # of a machine, not of the server


def origins(requests: list[Request | None]) -> list[Origin | None]:
    """The service behind each request, None for a command that was typed and for facts. Raises TargetError."""
    found = [_service(r) if r else None for r in requests]
    mine = {service.name for pair in found if pair for service in pair[:1]}
    return [_origin(r, *pair, mine) if r and pair else None for r, pair in zip(requests, found, strict=True)]


def _service(request: Request) -> tuple[Service, list[Service]] | None:
    """The service of a container that the request is about, and all of the deployment."""
    asked = composed(request)
    if asked is not None:
        where = (asked.environ, asked.target.cwd)
        project = project_of(asked.declared, *where)
        return read_compose(asked.declared, *where), [service_of(project, n) for n in project.services]
    if not request.declared.deployments:
        return None
    every = every_service(request)
    services = serving(chosen(every, request.declared.service))
    return (services[0], every) if len(services) == 1 and not services[0].host else None


def _origin(request: Request, service: Service, every: list[Service], mine: set[str]) -> Origin:
    theirs = {n: v for n, v in service.variables.items() if n not in service.given}
    named = {n: v for n, v in theirs.items() if not _OURS.search(n) or n == "HF_HOME"}
    environ = {n: HIDDEN if n in service.unknown or _secret(n, v) else v for n, v in named.items() if "\n" not in v}
    own = own_service(request) if composed(request) is not None else None
    volumes = service.container.volumes if service.container else ()
    words = own.words if own else (*(service.entrypoint or ()), *(service.command or ()))
    label = _LABEL.sub("-", service.name.split("/")[0].lower()).strip("-")[:50] or "server"
    return Origin(
        label, environ, tuple(v for v in volumes if v.startswith("/")), words, own.filled if own else (),
        tuple(_left(service, every, mine)), service.given,
    )  # fmt: skip


def _of_group(one: Service, service: Service) -> bool:
    """Whether they are the leader and the workers of one group."""
    return one.kind == service.kind == GROUP and one.labels[:1] == service.labels[:1]


def _secret(name: str, value: str) -> bool:
    return is_secret_name(name) or redact_text(f"{name}={value}") != f"{name}={value}" or redact_text(value) != value


def _left(service: Service, every: list[Service], mine: set[str]) -> Iterable[str]:
    """What the file does not have, a sentence each."""
    others = [s.name for s in every if s.name not in mine and s.name and not _of_group(s, service)]
    if others:
        more = f" and {len(others) - MOST} more" if len(others) > MOST else ""
        names = ", ".join(f"`{one_line(n, 40)}`" for n in others[:MOST])
        yield f"Left out: the other services ({names}{more})."
    if service.kind.startswith("Kubernetes Ray") or "InferenceService" in service.kind:
        yield f"It takes the place of the {service.kind.removeprefix('Kubernetes ')} `{one_line(service.name, 60)}`."
    lost = [n for n, v in service.variables.items() if "\n" in v]
    if lost:
        yield f"Left out: variables of several lines ({', '.join(lost[:MOST])})."
