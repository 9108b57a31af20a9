"""The user's own compose file, as it is written: what a corrected one is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.base.secrets.hide import redact_argv
from doctor.base.yaml_text import YamlError, load
from doctor.collect.declared.compose.places import PATHS
from doctor.collect.declared.compose.project import LARGEST, Project
from doctor.collect.declared.compose.service import project_of, read_compose, serving
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.declared.text import read_text, split_words
from doctor.collect.python.target import TargetError
from doctor.pipeline.launch import contained
from doctor.pipeline.placed import Own
from doctor.pipeline.request import Request
from doctor.report.plan.recipe import OwnService


def composed(request: Request) -> Request | None:
    """The request with the compose file that it is about as `--compose`; None where it is about no such file."""
    if request.declared.deployments:
        return _of_deployment(request)
    asked = contained(request)
    return asked if asked.declared.compose is not None else None


def _of_deployment(request: Request) -> Request | None:
    from doctor.pipeline.services import services_of

    files = request.declared.deployments
    found = services_of(request) if len(files) == 1 else []
    if not found or any(s.kind != "compose service" for s in found):
        return None
    return replace(request, declared=replace(request.declared, deployments=(), compose=files[0]))


def each_server(request: Request) -> list[Request]:
    """The request for each service of its compose file that starts a server, where it names none of them."""
    asked = composed(request)
    if asked is None and request.declared.deployments and request.declared.service is None:
        return _of_manifests(request)
    if asked is None or asked.declared.service is not None:
        return [request]
    names = serving(project_of(asked.declared, asked.environ, asked.target.cwd), asked.declared)
    return [replace(asked, declared=replace(asked.declared, service=name)) for name in names] or [request]


def _of_manifests(request: Request) -> list[Request]:
    """The request for each object that starts a server: for the first of its containers, the leader of a group."""
    from doctor.pipeline.services import serves, services_of

    first: dict[str, str] = {}
    for one in services_of(request):
        if serves(one):
            first.setdefault(one.labels[0] if one.labels else one.name, one.name)
    return [replace(request, declared=replace(request.declared, service=n)) for n in first.values()] or [request]


def own_service(request: Request) -> Own | None:
    """The service of the user's compose file that the request is about; None where it is about none."""
    asked = composed(request)
    if asked is None:
        return None
    where = (asked.environ, asked.target.cwd)
    name = read_compose(asked.declared, *where).name
    written, filled = (project_of(asked.declared, *where, filled=f) for f in (False, True))
    file = Path(asked.declared.compose or "compose.yaml").name
    text, services = _alone(written)
    services = services or {n: _relative(s, written.folder) for n, s in written.services.items()}
    joined = tuple(Path(f).name for f in written.files)
    own = OwnService(services[name], services, written.sections, file, text, joined)
    words = _command(written, name, asked.declared)
    return Own(name, own, words, redact_argv(_command(filled, name, asked.declared)), written.folder)


def _alone(project: Project) -> tuple[str, dict[str, JsonObject]]:
    """The text of the project's only file and its services as they are written; nothing where it joins services."""
    if len(project.files) != 1:
        return "", {}
    try:
        text = read_text(project.files[0], "--compose", LARGEST)
        found = load(text)
    except YamlError:  # tags that only the merging of files understands
        return "", {}
    services = found.get("services") if isinstance(found, dict) and "include" not in found else None
    plain = {str(n): s for n, s in services.items() if isinstance(s, dict)} if isinstance(services, dict) else {}
    if not plain or plain.keys() != project.services.keys() or any("extends" in s for s in plain.values()):
        return "", {}
    return text, plain


def _command(project: Project, name: str, asked: DeclaredRequest) -> tuple[str, ...]:
    service = project.services.get(name)
    if service is None:
        raise TargetError(f"the compose file has no service `{name}`")
    return (*_split(service.get("entrypoint")), *(asked.composing.command or _split(service.get("command"))))


def _split(value: Any) -> tuple[str, ...]:
    """A command of a compose file as words."""
    if isinstance(value, list):
        return tuple(str(w) for w in value[:2000])
    return tuple(split_words(value)) if isinstance(value, str) else ()


def _relative(service: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The service with the paths below the project's folder as they are written there."""
    out = dict(service)
    for key in PATHS:
        if key in out:
            out[key] = _below(out[key], folder)
    return out


def _below(value: Any, folder: str) -> Any:
    if isinstance(value, list):  # of one level: aliases make billions of a list in a list
        return [v if isinstance(v, list) else _below(v, folder) for v in value]
    if isinstance(value, dict):
        held = ("context", "source", "path")
        return {k: _below(v, folder) if k in held and isinstance(v, str) else v for k, v in value.items()}
    if not isinstance(value, str) or not (value == folder or value.startswith((f"{folder}/", f"{folder}:"))):
        return value
    return f".{value[len(folder) :]}"
