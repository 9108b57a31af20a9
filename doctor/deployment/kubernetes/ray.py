"""RayService and RayJob: what Ray Serve's LLM application starts, as the engine's own command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from doctor.base.text import one_line
from doctor.base.yaml_text import YamlError, load
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import split_words
from doctor.deployment.kubernetes.objects import Object, Objects
from doctor.deployment.kubernetes.pods import cluster_of, pods_of
from doctor.deployment.kubernetes.settings import settings_of
from doctor.deployment.kubernetes.variables import variables_of
from doctor.deployment.values import at, listed, mapping, text
from doctor.facts import Container
from doctor.facts.launch import RAY
from doctor.launch.config_file import as_options

BUILDERS = ("ray.serve.llm", "ray.llm")
LARGEST = 256 << 10


def ray_services(one: Object, objects: Objects) -> list[Service] | None:
    """The engines of a RayService's LLM applications; None for another kind, or for other applications."""
    if one.kind == "RayJob" and (words := split_words(text(at(one.body, "spec", "entrypoint")))):
        return [_job(one, objects, tuple(words))]
    if one.kind != "RayService":
        return None
    config = at(one.body, "spec", "serveConfigV2")
    if isinstance(config, str):
        try:
            config = load(config[:LARGEST])
        except YamlError:
            return None
    made = [_service(one, objects, app, llm) for app, llm in _models(config)]
    return made or [_own(one, app) for app in listed(config, "applications")] or None


def _job(one: Object, objects: Objects, words: tuple[str, ...]) -> Service:
    """The command of a RayJob, which runs on the cluster's head."""
    image, variables, settings = _head(one, objects)
    return Service(
        one.name, image, entrypoint=words, variables=variables, container=settings, kind="Kubernetes RayJob",
        file=one.file, labels=(one.name,), nodes=settings.nodes if settings else 1,
    )  # fmt: skip


def _own(one: Object, app: Any) -> Service:
    """An application that is the user's own Python code."""
    module = one_line(text(at(app, "import_path")), 100)
    why = f"the Ray Serve application `{module}` is Python code, and which engine it starts is not known"
    return Service(text(at(app, "name")) or one.name, kind="Kubernetes RayService", file=one.file,
                   labels=(one.name,), unread=why)  # fmt: skip


def _models(config: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The models of the LLM applications; `llm_configs` may stand in the application or name files."""
    for app in listed(config, "applications"):
        if text(at(app, "import_path")).startswith(BUILDERS):
            for llm in listed(app, "args", "llm_configs"):
                if isinstance(llm, Mapping):
                    yield app, llm


def _service(one: Object, objects: Objects, app: Mapping[str, Any], llm: Mapping[str, Any]) -> Service:
    loading = mapping(llm, "model_loading_config")
    name, source = text(loading.get("model_id")), loading.get("model_source")
    model = text(source) or text(at(source, "bucket_uri")) or name
    options = dict(mapping(llm, "engine_kwargs"))
    if name and name != model:
        options.setdefault("served_model_name", name)
    image, variables, settings = _head(one, objects)
    inner = {str(k): text(v) for k, v in mapping(llm, "runtime_env", "env_vars").items()}
    return Service(
        f"{one.name}/{name or text(app.get('name'))}", image, entrypoint=("vllm", "serve"),
        command=(model, *as_options(options)), variables={**variables, **inner}, container=settings,
        kind="Kubernetes RayService", file=one.file, labels=(one.name, name, text(app.get("name"))),
        nodes=settings.nodes if settings else 1,
    )  # fmt: skip


def _head(one: Object, objects: Objects) -> tuple[str | None, dict[str, str], Container | None]:
    """Image, variables and settings of the cluster's first pod, with the GPUs of all of them."""
    head = pods_of(one)[:1]
    if not head:
        return None, {}, None
    container = next((c for c in listed(head[0].spec, "containers") if isinstance(c, dict)), {})
    image = text(container.get("image")) or None
    gpus, nodes = cluster_of(one)
    settings = settings_of(head[0].spec, container, image, ("host",))
    known = variables_of(head[0].spec, container, objects, one.namespace).known
    return image, known, replace(settings, how=RAY, gpus=gpus, nodes=nodes)
