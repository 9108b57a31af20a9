"""The pods that an object makes: wherever a list `containers` stands, whatever kind of object that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.deployment.kubernetes.objects import Object
from doctor.deployment.kubernetes.settings import GPU
from doctor.deployment.values import at, listed, mapping, number, text

MOST = 200
_DEEPEST = 20
_FORMAL = frozenset(("spec", "template", "jobTemplate", "podTemplate", "podSpec", "extraPodSpec"))
_ENDING = late_pattern(r"(?:Template|GroupSpecs?|ReplicaSpecs?|Specs?|Config)$")
LEADER, WORKER = "leader", "worker"


@dataclass(frozen=True)
class Pod:
    """One pod template. `role` tells it from the others of its object, and is empty where there is but one.

    `nodes` is how many pods serve one copy of the model together; `given` are variables that the object's controller
    sets.
    """

    owner: Object
    role: str
    spec: Mapping[str, Any]
    labels: Mapping[str, Any]
    nodes: int = 1
    given: tuple[tuple[str, str], ...] = ()


def pods_of(one: Object) -> list[Pod]:
    """Every pod template of an object."""
    found = list(_templates(one.body))[:MOST]
    alone = len(found) == 1
    pods = [Pod(one, "" if alone else _role(path), spec, labels) for path, spec, labels in found]
    if one.kind == "LeaderWorkerSet":
        return _leader_and_workers(one, pods)
    nodes = predictor_nodes(mapping(one.body, "spec", "predictor"))
    return [replace(p, nodes=nodes) for p in pods] if nodes > 1 else pods


def _templates(body: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], Mapping[str, Any]]]:
    """Path, pod and labels of each; every value is looked at once, however many aliases lead to it."""
    todo: list[tuple[tuple[str, ...], Any, Mapping[str, Any]]] = [((), body, {})]
    seen: set[int] = set()
    while todo:
        path, here, labels = todo.pop(0)
        if id(here) in seen or len(path) > _DEEPEST:
            continue
        seen.add(id(here))
        if isinstance(here, Mapping):
            labels = mapping(here, "metadata", "labels") or labels
            if isinstance(here.get("mainContainer"), Mapping):  # NVIDIA Dynamo
                here = {**here, "containers": [{"name": "main", **here["mainContainer"]}, *listed(here, "containers")]}
            if any(isinstance(c, Mapping) and ("image" in c or "name" in c) for c in listed(here, "containers")):
                yield path, here, labels
            todo += [((*path, str(k)), v, labels) for k, v in here.items() if isinstance(v, (Mapping, list))]
        else:
            todo += [
                ((*path[:-1], _named(item) or path[-1]), item, labels) for item in here if isinstance(item, Mapping)
            ]


def _named(item: Mapping[str, Any]) -> str:
    return text(item.get("name")) or text(item.get("groupName"))


def _role(path: tuple[str, ...]) -> str:
    told = [p for p in path if p not in _FORMAL]
    return (_ENDING.sub("", told[-1]) or told[-1]).lower() if told else "pod"


def _leader_and_workers(one: Object, pods: list[Pod]) -> list[Pod]:
    """A group of `size` pods, the leader among them, with the variables that the controller sets."""
    size = max(number(at(one.body, "spec", "leaderWorkerTemplate", "size"), 1), 1)
    address = f"{one.name}-0.{one.name}.{one.namespace or 'default'}"
    out = []
    for pod in pods:
        index = "1" if pod.role == WORKER and len(pods) > 1 else "0"
        given = (("LWS_LEADER_ADDRESS", address), ("LWS_GROUP_SIZE", str(size)), ("LWS_WORKER_INDEX", index))
        out.append(replace(pod, nodes=size, given=given))
    return out


def predictor_nodes(predictor: Mapping[str, Any]) -> int:
    """How many pods KServe's predictor is with its workers; 1 for an object without them."""
    workers = predictor.get("workerSpec")
    if not isinstance(workers, Mapping):
        return 1
    return max(number(workers.get("pipelineParallelSize"), 0), 1 + number(workers.get("size"), 1))


def cluster_of(one: Object) -> tuple[str | None, int]:
    """The GPUs of a Ray cluster: those of its largest pod, and how many such pods come to all of them."""
    body = mapping(one.body, "spec")
    places = (("rayClusterConfig",), ("rayClusterSpec",), ("template", "spec"), ())
    cluster = next((c for keys in places if "headGroupSpec" in (c := mapping(body, *keys))), body)
    groups = [(1, mapping(cluster, "headGroupSpec"))]
    groups += [(number(at(g, "replicas"), 1), g) for g in listed(cluster, "workerGroupSpecs") if isinstance(g, dict)]
    each = [(count, _gpus(mapping(group, "template", "spec"))) for count, group in groups]
    most = max((gpus for _, gpus in each), default=0)
    total = sum(count * gpus for count, gpus in each)
    return (str(most), max(total // most, 1)) if most else (None, 1)


def _gpus(spec: Mapping[str, Any]) -> int:
    first = next((c for c in listed(spec, "containers") if isinstance(c, dict)), {})
    limits = mapping(first, "resources", "limits")
    return sum(number(v, 0) for k, v in list(limits.items())[:100] if GPU.match(str(k)))
