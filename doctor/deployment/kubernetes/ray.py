"""RayService: what Ray Serve's LLM application starts, as the engine's own command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from doctor.base.yaml_text import YamlError, load
from doctor.collect.declared.service import Service
from doctor.deployment.kubernetes.objects import Object, Objects
from doctor.deployment.kubernetes.pods import cluster_of, pods_of
from doctor.deployment.kubernetes.settings import settings_of
from doctor.deployment.kubernetes.variables import variables_of
from doctor.deployment.options import as_options
from doctor.deployment.values import at, listed, mapping, text

BUILDERS = ("ray.serve.llm", "ray.llm")
LARGEST = 256 << 10


def ray_services(one: Object, objects: Objects) -> list[Service] | None:
    """The engines of a RayService's LLM applications; None for another kind, or for other applications."""
    if one.kind != "RayService":
        return None
    config = at(one.body, "spec", "serveConfigV2")
    if isinstance(config, str):
        try:
            config = load(config[:LARGEST])
        except YamlError:
            return None
    made = [_service(one, objects, app, llm) for app, llm in _models(config)]
    return made or None


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
    head = pods_of(one)[:1]
    container = next((c for c in listed(head[0].spec, "containers") if isinstance(c, dict)), {}) if head else {}
    image = text(container.get("image")) or None
    variables = variables_of(head[0].spec, container, objects, one.namespace).known if head else {}
    gpus, nodes = cluster_of(one)
    settings = replace(settings_of(head[0].spec, container, image, ("host",)), gpus=gpus, nodes=nodes) if head else None
    inner = {str(k): text(v) for k, v in mapping(llm, "runtime_env", "env_vars").items()}
    return Service(
        f"{one.name}/{name or text(app.get('name'))}", image, entrypoint=("vllm", "serve"),
        command=(model, *as_options(options)), variables={**variables, **inner}, container=settings,
        kind="Kubernetes RayService", file=one.file, labels=(one.name, name, text(app.get("name"))), nodes=nodes,
    )  # fmt: skip
