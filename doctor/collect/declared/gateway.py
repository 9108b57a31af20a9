"""The configuration of a gateway (LiteLLM) or a scraper (Prometheus), read within bounds; keys are never kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yaml

from doctor.base.files import Files, Unreadable
from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.base.yaml_text import YamlError, compose
from doctor.collect.declared.nginx import is_nginx, nginx_routes
from doctor.collect.declared.text import decoded
from doctor.facts import Unavailable
from doctor.facts.gateway import Gateway, GatewayModel, Reference, Scrape

LARGEST = 256 << 10
MOST = 500
MOST_SCRAPES = 10_000  # aliases make one list of targets many
Entry = tuple[yaml.MappingNode, int]


def read_gateway(
    path: str, root: str | None = None, environ: Mapping[str, str] | None = None
) -> Gateway | Unavailable:
    """The models or targets that the file names; Unavailable, with the reason, for one that is neither.

    `environ` are the gateway's own variables, which `os.environ/NAME` takes its values from.
    """
    shown = one_line(path, 200)
    try:
        text = decoded(Files(root).read(path, LARGEST))
        if is_nginx(text):
            return Gateway("nginx", shown, routes=tuple(islice(nginx_routes(text), MOST)))
        tree = compose(text)
    except Unreadable as error:
        return Unavailable("failed", f"`{shown}` {error}")
    except YamlError:
        return Unavailable("failed", f"`{shown}` is not valid YAML")
    if isinstance(tree, yaml.MappingNode):
        if (models := _child(tree, "model_list")) is not None:
            references = tuple(islice(_references(tree), MOST))
            return Gateway("litellm", shown, tuple(_models(models, environ or {})), references=references)
        if (jobs := _child(tree, "scrape_configs")) is not None:
            return Gateway("prometheus", shown, scrapes=tuple(islice(_scrapes(jobs), MOST_SCRAPES)))
    return Unavailable("failed", f"`{shown}` has neither `model_list` (LiteLLM) nor `scrape_configs` (Prometheus)")


def _models(node: yaml.Node, environ: Mapping[str, str]) -> Iterator[GatewayModel]:
    for entry in _items(node):
        settings = _child(entry, "litellm_params")
        model = _filled(_text(settings, "model"), environ)
        if model is None:
            continue
        provider, slash, name = model.partition("/")
        key = _text(settings, "api_key")
        base = _filled(_text(settings, "api_base") or _text(settings, "base_url"), environ)
        yield GatewayModel(
            _text(entry, "model_name") or model, provider if slash else None, name if slash else model,
            _address(base), key is not None and key.lower() not in ("", "none", "empty"),
            entry.start_mark.line + 1,
        )  # fmt: skip


def _filled(text: str | None, environ: Mapping[str, str]) -> str | None:
    """`os.environ/NAME` as the variable's value, where that is known."""
    found = text.removeprefix("os.environ/") if text and text.startswith("os.environ/") else None
    return environ.get(found, text) if found else text


def _references(tree: yaml.Node) -> Iterator[Reference]:
    """The names that fallbacks and aliases point to."""
    for holder in ("litellm_settings", "router_settings"):
        settings = _child(tree, holder)
        for key in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
            for entry in _items(_child(settings, key)):
                for first, others in entry.value[:MOST]:
                    for node in (first, *_nodes(others)):
                        yield from _reference(node, key)
        for node in _nodes(_child(settings, "default_fallbacks")):
            yield from _reference(node, "default_fallbacks")
        aliases = _child(settings, "model_group_alias")
        for _, node in aliases.value[:MOST] if isinstance(aliases, yaml.MappingNode) else ():
            yield from _reference(_child(node, "model") or node, "model_group_alias")


def _reference(node: yaml.Node, key: str) -> Iterator[Reference]:
    if isinstance(node, yaml.ScalarNode) and node.value != "*":
        yield Reference(one_line(node.value, 200), key, node.start_mark.line + 1)


def _scrapes(node: yaml.Node) -> Iterator[Scrape]:
    for job in _items(node):
        path = _text(job, "metrics_path") or "/metrics"
        for group in _items(_child(job, "static_configs")):
            for target in _nodes(_child(group, "targets")):
                if isinstance(target, yaml.ScalarNode):
                    yield Scrape(one_line(target.value, 200), one_line(path, 200), target.start_mark.line + 1)


def _address(text: str | None) -> str | None:
    return None if text is None else bare_address(text)


def bare_address(text: str) -> str:
    """The address without a user or password in it."""
    try:
        parts = urlsplit(text)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        bare = text
    return redact_text(bare)


def _nodes(node: yaml.Node | None) -> list[yaml.Node]:
    return node.value[:MOST] if isinstance(node, yaml.SequenceNode) else []


def _items(node: yaml.Node | None) -> list[yaml.MappingNode]:
    return [n for n in _nodes(node) if isinstance(n, yaml.MappingNode)]


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs: Any = node.value[:MOST] if isinstance(node, yaml.MappingNode) else ()
    return next((v for k, v in pairs if isinstance(k, yaml.ScalarNode) and k.value == key), None)


def _text(node: yaml.Node | None, key: str) -> str | None:
    found = _child(node, key)
    return one_line(found.value, 300) if isinstance(found, yaml.ScalarNode) else None
