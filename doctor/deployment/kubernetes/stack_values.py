"""Values of the vLLM production stack's chart and of vLLM's own: the pods that they make of them, without Helm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from doctor.collect.declared.service import Service
from doctor.deployment.kubernetes.settings import settings_of
from doctor.deployment.values import at, listed, mapping, number, text
from doctor.facts import Container
from doctor.facts.launch import KUBERNETES, NODE_MEMORY

# keys of `vllmConfig` with the option that the chart's template writes for each
_OPTIONS = {
    "maxModelLen": "--max-model-len", "dtype": "--dtype", "tensorParallelSize": "--tensor-parallel-size",
    "maxNumSeqs": "--max-num-seqs", "gpuMemoryUtilization": "--gpu-memory-utilization", "maxLoras": "--max-loras",
    "runner": "--runner", "convert": "--convert",
}  # fmt: skip


def is_stack(document: Any) -> bool:
    """Whether it is a file of values for one of these charts."""
    return bool(listed(document, "servingEngineSpec", "modelSpec")) or _is_own(document)


def _is_own(document: Any) -> bool:
    """Values of the chart among vLLM's examples: the command stands with the image."""
    image = mapping(document, "image")
    return bool(text(image.get("repository"))) and bool(listed(image, "command")) and "kind" not in document


def _own(values: Mapping[str, Any], file: str) -> Service:
    """The only server of vLLM's own chart, as its template of a Deployment has it."""
    image = mapping(values, "image")
    reference = f"{text(image.get('repository'))}:{text(image.get('tag')) or 'latest'}"
    container = {"name": "main", "image": reference, "resources": mapping(values, "resources")}
    probes = {name: values[name] for name in ("livenessProbe", "readinessProbe") if name in values}
    pod = {"containers": [{**container, **probes}]}
    settings = replace(settings_of(pod, pod["containers"][0], reference, ("host",)), ipc=NODE_MEMORY)
    kept = ("storage:/data",) if mapping(values, "extraInit") else ()
    return Service(
        text(values.get("nameOverride")) or "vllm", reference, entrypoint=tuple(map(text, listed(image, "command"))),
        command=(), container=replace(settings, volumes=kept), kind="values of vLLM's chart", file=file,
        replicas=number(values.get("replicaCount"), 1),
    )  # fmt: skip


def services(document: Any, file: str) -> list[Service]:
    """The server of every model."""
    if not listed(document, "servingEngineSpec", "modelSpec"):
        return [_own(document, file)]
    shared = mapping(document, "servingEngineSpec")
    specs = [m for m in listed(shared, "modelSpec") if isinstance(m, dict)]
    return [_service(model, shared, file) for model in specs[:100]]


def _service(model: Mapping[str, Any], shared: Mapping[str, Any], file: str) -> Service:
    image = f"{text(model.get('repository')) or 'vllm/vllm-openai'}:{text(model.get('tag')) or 'latest'}"
    gpus = number(model.get("requestGPU"), 0)
    kept = text(at(model, "pvcStorage")) != ""
    container = Container(
        KUBERNETES, image, str(gpus) if gpus else None, ("gpu",) if gpus else (),
        text(shared.get("runtimeClassName")) or None, ipc=NODE_MEMORY, volumes=("storage:/data",) if kept else (),
    )  # fmt: skip
    environ = {text(at(e, "name")): text(at(e, "value")) for e in listed(model, "env") if at(e, "value") is not None}
    return Service(
        text(model.get("name")) or "model", image, entrypoint=("vllm", "serve"), command=tuple(_command(model)),
        variables={"HF_HOME": "/data", **environ} if kept else environ, container=container,
        kind="values of the vLLM production stack", file=file, replicas=number(model.get("replicaCount"), 1),
    )  # fmt: skip


def _command(model: Mapping[str, Any]) -> Iterator[str]:
    yield from (text(model.get("modelURL")), "--host", "0.0.0.0", "--port", "8000")
    yield from ("--enable-lora",) if model.get("enableLoRA") is True else ()
    yield from ("--enable-auto-tool-choice",) if model.get("enableTool") is True else ()
    if parser := text(model.get("toolCallParser")):
        yield from ("--tool-call-parser", parser)
    config = mapping(model, "vllmConfig")
    if "enableChunkedPrefill" in config:
        yield "--enable-chunked-prefill" if config["enableChunkedPrefill"] else "--no-enable-chunked-prefill"
    if config:
        yield "--enable-prefix-caching" if config.get("enablePrefixCaching") else "--no-enable-prefix-caching"
    for key, option in _OPTIONS.items():
        if key in config:
            yield from (option, text(config[key]))
    yield from (text(word) for word in listed(config, "extraArgs"))
