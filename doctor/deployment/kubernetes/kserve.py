"""KServe: an InferenceService with the runtime that it names, and the engine behind the Hugging Face server."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from doctor.collect.declared.service import Service
from doctor.deployment.kubernetes.containers import service_of
from doctor.deployment.kubernetes.objects import Object, Objects
from doctor.deployment.kubernetes.pods import Pod, pods_of, predictor_nodes
from doctor.deployment.values import at, items, listed, mapping, number, text

MODEL = "/mnt/models"  # where KServe puts what `storageUri` names
RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
_OWN = {"--model_name": "--served-model-name", "--model_id": "", "--model_dir": "", "--model_revision": "--revision"}
# options of the Hugging Face server that vLLM does not get
_ASIDE = ("--backend", "--task", "--http_port", "--grpc_port", "--workers", "--max_threads", "--predictor_host")


def kserve_services(one: Object, objects: Objects) -> list[Service] | None:
    """The predictor of an InferenceService that names a model; None for any other object."""
    predictor = mapping(one.body, "spec", "predictor")
    model = mapping(predictor, "model")
    if one.kind == "LLMInferenceService":
        return _llm_services(one, objects)
    if one.kind in RUNTIMES:
        used = any(_runtime(o, objects) is one for o in objects.all if o.kind == "InferenceService")
        return [] if used else None
    if one.kind != "InferenceService" or not model:
        return None
    runtime = _runtime(one, objects)
    spec = {**(mapping(runtime.body, "spec") if runtime else {}), **predictor}
    base = next((c for c in listed(runtime.body, "spec", "containers") if isinstance(c, dict)), {}) if runtime else {}
    container = {**base, **{k: v for k, v in model.items() if k not in ("args", "env", "resources")}}
    container["args"] = [*listed(base, "args"), *listed(model, "args")]
    container["env"] = [*listed(base, "env"), *listed(model, "env")]
    container["resources"] = model.get("resources") or base.get("resources")
    pod = Pod(one, "", {**spec, "containers": [container]}, {}, predictor_nodes(predictor))
    return [_started(one, service_of(pod, container, objects), model)]


def _llm_services(one: Object, objects: Objects) -> list[Service]:
    """KServe's own start of vLLM, which a container `main` without a command of its own adds options to."""
    uri = text(at(one.body, "spec", "model", "uri"))
    model = uri.removeprefix("hf://") if uri.startswith("hf://") else MODEL
    out = []
    for pod in pods_of(one) or [Pod(one, "", {"containers": [{"name": "main"}]}, {})]:
        containers = [c for c in listed(pod.spec, "containers") if isinstance(c, dict)]
        container = next((c for c in containers if c.get("name") == "main"), {"name": "main"})
        service = service_of(pod, container, objects)
        service.name = "/".join(filter(None, (one.name, pod.role if pod.role != "pod" else "")))
        if service.entrypoint is None:
            added = service.variables.get("VLLM_ADDITIONAL_ARGS", "")  # a shell reads it
            named = text(at(one.body, "spec", "model", "name"))
            parallel = number(at(one.body, "spec", "parallelism", "tensor"), 1)
            options = [*(("--served-model-name", named) if named else ()), *(service.command or ())]
            options += ["--tensor-parallel-size", str(parallel)] if parallel > 1 else []
            line = f"{shlex.join(('vllm', 'serve', model, *options))} {added}"
            service.entrypoint, service.command = ("bash", "-c", line), ()
        out.append(service)
    return out


def _runtime(one: Object, objects: Objects) -> Object | None:
    """The runtime that the service names, else the only one that takes its format."""
    model = mapping(one.body, "spec", "predictor", "model")
    wanted, form = text(model.get("runtime")), text(at(model, "modelFormat", "name"))
    for other in objects.all:
        if other.kind not in RUNTIMES:
            continue
        forms = [text(at(f, "name")) for f in listed(other.body, "spec", "supportedModelFormats")]
        if other.name == wanted or (not wanted and form in forms):
            return other
    return None


def _started(one: Object, service: Service, model: Mapping[str, Any]) -> Service:
    """The service with the words that it starts: the runtime's own, or vLLM's behind the Hugging Face server."""
    command = tuple(w.replace("{{.Name}}", one.name) for w in service.command or ())
    if service.entrypoint is None and service.image is None and text(at(model, "modelFormat", "name")) == "huggingface":
        return _hugging_face(one, replace(service, command=command), text(model.get("storageUri")))
    if "huggingfaceserver" in " ".join(service.entrypoint or ()) or "huggingfaceserver" in (service.image or ""):
        return _hugging_face(one, replace(service, command=command), text(model.get("storageUri")))
    return replace(service, command=command, notes=[] if service.image else ["the runtime is not in these files"])


def _hugging_face(one: Object, service: Service, storage: str) -> Service:
    """KServe's Hugging Face server hands a model to vLLM with all options that vLLM has."""
    given = dict(_pairs(service.command or ()))
    model = given.get("--model_id") or (storage.removeprefix("hf://") if storage.startswith("hf://") else MODEL)
    options = [w for name, value in given.items() for w in _translated(name, value)]
    note = "KServe's Hugging Face server starts vLLM with these options; which release is not known"
    return replace(
        service, image=service.image or "kserve/huggingfaceserver", entrypoint=("vllm", "serve"),
        command=(model, *options), notes=[note],
    )  # fmt: skip


def _pairs(command: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    """Options with their values; a switch has None. The Hugging Face server takes `_` and `-` alike."""
    todo = list(items(list(command)) or ())
    while todo:
        name, equals, value = todo.pop(0).partition("=")
        if not name.startswith("--"):
            continue
        name = f"--{name[2:].replace('-', '_')}"
        follows = bool(todo) and not todo[0].startswith("--")
        yield name, value if equals else todo.pop(0) if follows else None


def _translated(name: str, value: str | None) -> Iterator[str]:
    if name in _ASIDE or (name in _OWN and not _OWN[name]):
        return
    yield _OWN.get(name) or name.replace("_", "-")
    if value is not None:
        yield value
