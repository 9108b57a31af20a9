"""Values of the vLLM production stack's chart: the pods that it makes of them, without Helm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.collect.declared.service import Service
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
    """Whether it is a file of values for that chart."""
    return bool(listed(document, "servingEngineSpec", "modelSpec"))


def services(document: Any, file: str) -> list[Service]:
    """The server of every model."""
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
