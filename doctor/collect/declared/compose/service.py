"""A service of a compose project: its image or build, its command and its environment."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from doctor.base.files import Files
from doctor.base.text import one_line
from doctor.collect.declared.compose.container import container_of, health_of
from doctor.collect.declared.compose.project import LARGEST, Project, Services, load_project
from doctor.collect.declared.compose.refused import refused
from doctor.collect.declared.dockerfile import Build
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import decoded, name_of, split_words
from doctor.collect.python.target import TargetError
from doctor.launch.cluster import machines
from doctor.launch.dotenv import dotenv, raw
from doctor.launch.inner import volume_places
from doctor.launch.starting import mentions_engine, mentions_other
from doctor.launch.variables import Lacking

MOST_KEYS = 10_000
CHECK = "healthcheck"


def read_compose(request: DeclaredRequest, environ: Mapping[str, str], cwd: str) -> Service:
    """The service named, or the only one, or the only one that serves a model. Raises TargetError with one sentence."""
    project = project_of(request, environ, cwd)
    path, services = request.compose or "", project.services
    if not services:
        raise TargetError(f"`{name_of(path)}`, given as `--compose`, has no `services`")
    name = request.service if request.service is not None else _only(project, request, path)
    if name not in services:
        raise TargetError(f"`{name_of(path)}` has no service `{one_line(name, 60)}`; it has {_listed(services)}")
    service = started(project, name, path)
    if request.composing.command:
        service.command = request.composing.command
    return service


def started(project: Project, name: str, path: str) -> Service:
    """The service, if Compose starts it. Raises TargetError with what keeps Compose from it."""
    service = service_of(project, name)
    for braces in service.lacking.malformed[:1]:
        way = "write `$$` where the container's shell is meant"
        raise TargetError(f"`{name_of(path)}`: Compose does not accept `{braces}`; {way}")
    for variable, message in service.lacking.required.items():
        told = f": {message}" if message else ""
        raise TargetError(f"`{name_of(path)}` requires the variable `{variable}`, which is not set here{told}")
    if service.container is not None:
        service.container = replace(service.container, refused=_refused(project, name))
    return service


def project_of(request: DeclaredRequest, environ: Mapping[str, str], cwd: str, filled: bool = True) -> Project:
    """The project that the request names, as `load_project` reads it. Raises TargetError with one sentence."""
    paths = tuple(os.path.join(cwd, p) for p in (request.compose or "", *request.composing.overlays))
    return load_project(paths, request.composing, environ, cwd, filled)


def serving(project: Project, request: DeclaredRequest) -> list[str]:
    """The services that Compose starts and that name an engine; where it starts none, those of a profile.

    Where none names an engine, those of a model server that the rules do not cover.
    """
    some, every = _started_first(project, request)
    each = ([n for n, s in those.items() if _serves(s, project)] for those in (some, every))
    return next(filter(None, each), []) or [n for n, s in some.items() if mentions_other(_said(s))]


def _started_first(project: Project, request: DeclaredRequest) -> tuple[Services, Services]:
    """The services that Compose starts, and then all."""
    return _started_of(project, request), project.services


def _started_of(project: Project, request: DeclaredRequest) -> Services:
    among = request.composing.among  # a service that is named starts, whatever its profiles
    return {n: s for n, s in project.services.items() if n in among} if among else _enabled(project)


def _enabled(project: Project) -> Services:
    return {n: s for n, s in project.services.items() if _active(s, project.enabled)}


def _only(project: Project, request: DeclaredRequest, path: str) -> str:
    found = serving(project, request)
    if len(found) == 1:
        return found[0]
    for services in _started_first(project, request):
        if len(services) == 1 and not found:
            return next(iter(services))
    listed = _listed(project.services)
    raise TargetError(f"`{name_of(path)}` has several services; choose one with `--service`: {listed}")


def _active(service: Mapping[str, Any], enabled: frozenset[str]) -> bool:
    profiles = service.get("profiles")
    return not isinstance(profiles, list) or not profiles or "*" in enabled or bool(enabled & set(map(_text, profiles)))


def _serves(service: Mapping[str, Any], project: Project) -> bool:
    """Whether an engine is named by the service's image or command, or by the Dockerfile that it is built from."""
    if mentions_engine(_said(service)):
        return True
    build = _build(service.get("build"), project)
    text = None if build is None else build.inline or Files(None).text(build.path, LARGEST)
    return bool(text) and mentions_engine(text or "")


def _said(service: Mapping[str, Any]) -> str:
    return " ".join(_text(service.get(key)) for key in ("image", "entrypoint", "command"))


def _listed(services: Services) -> str:
    return ", ".join(f"`{one_line(n, 40)}`" for n in list(services)[:8]) or "none"


def service_of(project: Project, name: str) -> Service:
    """The service as it starts."""
    given = project.services[name]
    service = Service(name, lacking=project.lacking.get(name, Lacking()), files=tuple(project.files))
    service.image = _text(given.get("image")).strip() or None
    build = _build(given.get("build"), project)
    if build is not None:
        service.build, service.context, service.inline = build.path, build.context, build.inline
        service.stage, service.arguments = build.stage, build.arguments
    service.variables = _environment(given, project, service)
    service.entrypoint, service.command = (_argv(given.get(key)) for key in ("entrypoint", "command"))
    said = machines((*(service.entrypoint or ()), *(service.command or ())))
    box = replace(container_of(given, service.image, _text), nodes=said)
    service.health = health_of(given.get("healthcheck"), _text)
    if service.health is not None:
        box = service.health.on(box, CHECK, service.variables)
    service.container = box
    service.folder = _text(given.get("working_dir")) or None
    service.places = volume_places(box.volumes, project.folder)
    service.hosts = tuple(dict.fromkeys((name, *_hosts(given))))
    service.networks = _networks(given)
    _configs(given, project, service)
    return service


def _refused(project: Project, name: str) -> tuple[str, ...]:
    """What Compose refuses when it starts this service with those that it starts anyway, found once for all."""
    enabled = _enabled(project)
    key = "" if name in enabled else name
    if key not in project.refused:
        project.refused[key] = refused(project, {**enabled, name: project.services[name]})
    return project.refused[key]


def _build(build: Any, project: Project) -> Build | None:
    detail = {"context": build} if isinstance(build, str) else build if isinstance(build, dict) else None
    context = _text(detail.get("context") or project.folder) if detail is not None else ""
    if detail is None or "://" in context or context.startswith("git@"):
        return None
    named = {k: project.values.get(k) if v is None else _text(v) for k, v in _items(detail.get("args"))}
    arguments = {k: v for k, v in named.items() if v is not None}
    path = os.path.join(context, _text(detail.get("dockerfile") or "Dockerfile"))
    inline = detail["dockerfile_inline"] if isinstance(detail.get("dockerfile_inline"), str) else None
    return Build(path, context, _text(detail.get("target")) or None, arguments, inline)


def _environment(given: Mapping[str, Any], project: Project, service: Service) -> dict[str, str]:
    out: dict[str, str] = {}
    told = {k: _text(v) for k, v in _items(given.get("environment")) if v is not None}
    files = given.get("env_file")
    for entry in files[:20] if isinstance(files, list) else [files] if files else []:
        detail = entry if isinstance(entry, dict) else {"path": entry}
        path = _text(detail.get("path"))
        data = Files(None).maybe(path, LARGEST) if path else None
        if data is not None:
            text = decoded(data)
            out |= raw(text) if detail.get("format") == "raw" else dotenv(text, {**out, **project.values, **told})
        elif detail.get("required") is not False:
            message = f"`{name_of(path)}`, which `env_file` names, was not found; Compose does not start without it"
            service.notes.append(message)
    for name, value in _items(given.get("environment")):
        found = project.values.get(name) if value is None else _text(value)
        if found is not None:
            out[name] = found
    return out


def _networks(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The networks of the project that it is in; empty where it has the network of something else."""
    told = given.get("networks")
    if given.get("network_mode"):
        return ()
    return tuple(_text(n) for n in list(told)[:50]) if isinstance(told, (list, dict)) and told else ("default",)


def _hosts(given: Mapping[str, Any]) -> list[str]:
    """The names of a container besides its service's: its own, its host name, and aliases in networks."""
    networks = given.get("networks")
    found = [_text(given.get("container_name")), _text(given.get("hostname"))]
    for network in list(networks.values())[:50] if isinstance(networks, dict) else ():
        aliases = network.get("aliases") if isinstance(network, dict) else None
        found += [_text(a) for a in aliases[:50]] if isinstance(aliases, list) else []
    return [f for f in found if f]


def _configs(given: Mapping[str, Any], project: Project, service: Service) -> None:
    """Adds the files that `configs` mount."""
    for entry in given["configs"][:100] if isinstance(given.get("configs"), list) else ():
        detail = entry if isinstance(entry, dict) else {"source": entry}
        source = _text(detail.get("source"))
        target = posixpath.normpath(posixpath.join("/", _text(detail.get("target")) or source))
        if source in project.configs:
            service.places.append((target, project.configs[source]))
        elif source in project.contents:
            service.texts[target] = project.contents[source]


def _items(given: Any) -> list[tuple[str, Any]]:
    """`{A: b}` or `[A=b, C]` as pairs; a name alone has the value None."""
    if isinstance(given, dict):
        return [(str(k), v) for k, v in list(given.items())[:MOST_KEYS]]
    words = [_text(w).partition("=") for w in given[:MOST_KEYS]] if isinstance(given, list) else []
    return [(name, value if equals else None) for name, equals, value in words]


def _argv(given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, list):
        return tuple(_text(w) for w in given[:2000])
    return tuple(split_words(_text(given)))  # Compose splits it; no shell reads it


def _text(value: Any) -> str:
    """A scalar as a compose file means it; anything else as nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(_text(v) for v in value[:2000] if not isinstance(v, (list, dict)))
    return str(value) if isinstance(value, (str, int, float)) else ""
