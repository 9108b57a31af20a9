"""A service of a compose file: its image or build, its command and its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import yaml

from doctor.base.files import Files
from doctor.base.text import one_line
from doctor.base.yaml_text import YamlError, load
from doctor.collect.declared.container import container_of
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import decoded, name_of, read_text, split_words
from doctor.collect.python.target import TargetError
from doctor.launch.inner import volume_places
from doctor.launch.starting import mentions_engine
from doctor.launch.variables import assignments, substituted

LARGEST = 256 << 10
MOST_KEYS = 10_000


class _Loader(yaml.SafeLoader):
    """Safe YAML with the tags of compose files."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    """`!reset` drops a value, `!override` replaces it; any other tag is left aside."""
    if suffix == "reset" or not isinstance(node, (yaml.MappingNode, yaml.SequenceNode, yaml.ScalarNode)):
        return None
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else str(node.value)


_Loader.add_multi_constructor("!", _tagged)


def read_compose(path: str, wanted: str | None, environ: Mapping[str, str]) -> Service:
    """The service named, or the only one, or the only one that serves a model. Raises TargetError with one sentence."""
    services = _services(path)
    name = wanted if wanted is not None else _only(services, path)
    if name not in services:
        raise TargetError(f"`{name_of(path)}` has no service `{one_line(name, 60)}`; it has {_listed(services)}")
    folder = os.path.dirname(os.path.abspath(path))
    values = {**_variables_of(os.path.join(folder, ".env")), **environ}
    service = _service(name, _extended(services, name, path), folder, values)
    for variable, message in service.lacking.required.items():
        told = f": {message}" if message else ""
        raise TargetError(f"`{name_of(path)}` requires the variable `{variable}`, which is not set here{told}")
    return service


def service_names(path: str) -> list[str]:
    """The names of all services of a file. Raises TargetError."""
    return list(_services(path))


def _services(path: str) -> dict[str, dict[str, Any]]:
    text = read_text(path, "--compose", LARGEST)
    try:
        data = load(text, _Loader)
    except YamlError as error:
        message = f"`{name_of(path)}`, given as `--compose`, is not valid YAML: {one_line(str(error), 120)}"
        raise TargetError(message) from None
    found = data.get("services") if isinstance(data, dict) else None
    if not isinstance(found, dict) or not found:
        raise TargetError(f"`{name_of(path)}`, given as `--compose`, has no `services`")
    return {str(k): v for k, v in found.items() if isinstance(v, dict)}


def _only(services: dict[str, dict[str, Any]], path: str) -> str:
    if not services:
        raise TargetError(f"`{name_of(path)}`, given as `--compose`, has no service with settings")
    if len(services) == 1:
        return next(iter(services))
    serving = [n for n, s in services.items() if mentions_engine(f"{_text(s.get('image'))} {_text(s.get('command'))}")]
    if len(serving) == 1:
        return serving[0]
    raise TargetError(f"`{name_of(path)}` has several services; choose one with `--service`: {_listed(services)}")


def _listed(services: Mapping[str, Any]) -> str:
    return ", ".join(f"`{one_line(n, 40)}`" for n in list(services)[:8]) or "none"


def _extended(services: dict[str, dict[str, Any]], name: str, path: str) -> dict[str, Any]:
    """The service with what it extends in the same file; another file's service cannot be followed."""
    out: dict[str, Any] = {}
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at in services and at not in seen and len(seen) < 10:
        seen.add(at)
        here = services[at]
        out = {**here, **out}
        extends = here.get("extends")
        if isinstance(extends, dict) and extends.get("file"):
            raise TargetError(f"`{name_of(path)}`: service `{one_line(at, 40)}` extends another file; use that file")
        at = extends if isinstance(extends, str) else extends.get("service") if isinstance(extends, dict) else None
    return out


def _service(name: str, raw: dict[str, Any], folder: str, values: Mapping[str, str]) -> Service:
    service = Service(name)

    def text(value: Any) -> str:
        return substituted(_text(value), values, service.lacking)

    service.image = text(raw["image"]).strip() or None if raw.get("image") is not None else None
    _build(service, raw.get("build"), folder, text)
    service.variables = _environment(raw, folder, text, values)
    service.entrypoint, service.command = (_argv(raw.get(key), text) for key in ("entrypoint", "command"))
    service.container = container_of(raw, service.image, text)
    service.folder = text(raw["working_dir"]) if raw.get("working_dir") else None
    service.places = volume_places(service.container.volumes, folder)
    return service


def _build(service: Service, build: Any, folder: str, text: Any) -> None:
    if build is None:
        return
    detail = build if isinstance(build, dict) else {"context": build}
    context = text(detail.get("context") or ".")
    if "://" in context:
        return
    service.build = os.path.join(folder, context, text(detail.get("dockerfile") or "Dockerfile"))
    service.stage = text(detail["target"]) if detail.get("target") else None
    service.arguments = {k: text(v) for k, v in _items(detail.get("args")) if v is not None}


def _environment(raw: dict[str, Any], folder: str, text: Any, values: Mapping[str, str]) -> dict[str, str]:
    out: dict[str, str] = {}
    files = raw.get("env_file") or ()
    for entry in (files if isinstance(files, list) else [files])[:20]:
        file = entry.get("path") if isinstance(entry, dict) else entry
        out |= _variables_of(os.path.join(folder, text(file)))
    for name, value in _items(raw.get("environment")):
        given = values.get(name) if value is None else text(value)
        if given is not None:
            out[name] = given
    return out


def _items(raw: Any) -> list[tuple[str, Any]]:
    """`{A: b}` or `[A=b, C]` as pairs; a name alone has the value None."""
    if isinstance(raw, dict):
        return [(str(k), v) for k, v in list(raw.items())[:MOST_KEYS]]
    words = [_text(w).partition("=") for w in raw[:MOST_KEYS]] if isinstance(raw, list) else []
    return [(name, value if equals else None) for name, equals, value in words]


def _argv(raw: Any, text: Any) -> tuple[str, ...] | None:
    if raw is None:
        return None
    if isinstance(raw, list):
        return tuple(text(w) for w in raw[:2000])
    return tuple(split_words(text(raw)))  # Compose splits it; no shell reads it


def _variables_of(path: str) -> dict[str, str]:
    data = Files(None).maybe(path, LARGEST)
    return assignments(decoded(data)) if data else {}


def _text(value: Any) -> str:
    """A scalar as a compose file means it; anything else as nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(_text(v) for v in value[:2000] if not isinstance(v, (list, dict)))
    return str(value) if isinstance(value, (str, int, float)) else ""
