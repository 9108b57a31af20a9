"""The user's own manifests with their server corrected: what they wrote stays, but for literal secrets."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.base.secrets.argv import arguments
from doctor.base.secrets.hide import redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.facts.launch import HUB_HOME
from doctor.report.plan import pods
from doctor.report.plan.masked import masked_words, option_of
from doctor.report.plan.recipe import OwnManifests, Recipe
from doctor.report.plan.service import start_period

GPU = "nvidia.com/gpu"


def corrected(plans: Sequence[Recipe], with_metrics: bool) -> tuple[list[JsonObject], list[str]]:
    """The documents, and the keys that the user has to put into the Secret of ours."""
    own = plans[0].manifests
    documents = [_without_tokens(one) for one in (own.documents if own else ()) if one.get("kind") != "Secret"]
    documents = copy.deepcopy(documents)
    keys = [key for one in documents for key in _masked(one)]
    for plan in plans:
        if plan.manifests is not None:
            _served(plan, plan.manifests, documents, with_metrics)
    return documents, list(dict.fromkeys(keys))


def _served(plan: Recipe, own: OwnManifests, documents: list[JsonObject], with_metrics: bool) -> None:
    """Corrects one server, and gives the workers of its group the same image and the same volume."""
    for spec, container in list(_places(documents, own)):
        before = container.get("image")
        _correct(plan, spec, container, with_metrics)
        others = list(_others(documents, own, before)) if plan.nodes > 1 else []
        for _, other in others:
            other["image"] = container.get("image")
        if not plan.folder and not _keeps(spec, container):
            for pod, one in ((spec, container), *others):
                _mount(pod, one, pods.models(plan), HUB_HOME)
            documents.append(pods.claim(plan))


def _places(documents: list[JsonObject], own: OwnManifests) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The container of the server, with the pod around it."""
    return ((spec, c) for spec, c in _inside(documents, own) if c.get("name") == own.container)


def _inside(documents: list[JsonObject], own: OwnManifests) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The containers of the server's object, each with the pod around it."""
    for one in documents:
        if one.get("kind") == own.kind and _at(one, "metadata").get("name") == own.name:
            for spec in _specs(one):
                yield from ((spec, c) for c in spec["containers"] if isinstance(c, dict))


def _specs(one: JsonObject) -> Iterator[JsonObject]:
    """Every pod of an object; each value is looked at once, however many aliases lead to it."""
    todo: list[Any] = [one]
    seen: set[int] = set()
    while todo:
        here = todo.pop()
        if not isinstance(here, dict) or id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here.get("containers"), list):
            yield here
        todo += here.values()


def _correct(plan: Recipe, spec: JsonObject, container: JsonObject, with_metrics: bool) -> None:
    if plan.changes and plan.image:
        container["image"] = plan.image
    if plan.changed or (with_metrics and plan.metrics and not set(plan.metrics) <= set(plan.command)):
        words = pods.command_of(plan, with_metrics)
        container["command"] = [plan.spelled.get(w, w) for w in words]
        container.pop("args", None)
    known = {e.get("name") for e in _list(container.get("env")) if isinstance(e, dict)}
    container["env"] = [*_list(container.get("env")), *(e for e in pods.variables_of(plan) if e["name"] not in known)]
    spec.setdefault("enableServiceLinks", False)
    _gpus(plan, container)
    _probes(plan, container)
    if not any(isinstance(m, dict) and m.get("mountPath") == pods.SHM for m in _list(container.get("volumeMounts"))):
        _mount(spec, container, pods.shm(), pods.SHM)


def _gpus(plan: Recipe, container: JsonObject) -> None:
    """At least as many GPUs as the command takes on this machine."""
    resources = container["resources"] = dict(_at(container, "resources"))
    wanted = max(1, plan.gpus // plan.nodes)
    for part in ("limits", "requests"):
        asked = _at(resources, part)
        if str(asked.get(GPU, wanted)).isdigit() and int(asked.get(GPU, wanted)) < wanted:
            resources[part] = {**asked, GPU: str(wanted)}
    limits = _at(resources, "limits")
    if not any("/gpu" in str(k) or "/mig" in str(k) for k in limits) and not resources.get("claims"):
        resources["limits"] = {**limits, GPU: str(wanted)}


def _probes(plan: Recipe, container: JsonObject) -> None:
    """A start probe with enough patience, and every probe at the port on which the server listens."""
    start = _at(container, "startupProbe")
    if start:
        period = start.get("periodSeconds", 10)
        least = start_period(plan) // period if isinstance(period, int) and period > 0 else 1
        failures = start.get("failureThreshold", 3)
        start = {**start, "failureThreshold": max(failures if isinstance(failures, int) else 0, least)}
    container["startupProbe"] = start or pods.startup(plan)
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = _at(_at(container, name), "httpGet")
        if isinstance(asked.get("port"), int) and asked["port"] != plan.port:
            container[name] = {**container[name], "httpGet": {**asked, "port": plan.port}}


def _mount(spec: JsonObject, container: JsonObject, volume: JsonObject, place: str) -> None:
    spec["volumes"] = [*_list(spec.get("volumes")), volume]
    mount = {"name": volume["name"], "mountPath": place}
    container["volumeMounts"] = [*_list(container.get("volumeMounts")), mount]


def _keeps(spec: JsonObject, container: JsonObject) -> bool:
    """Whether a volume is mounted that outlives the pod."""
    passing = {"emptyDir", "configMap", "secret", "downwardAPI"}
    lasting = [v.get("name") for v in _list(spec.get("volumes")) if isinstance(v, dict) and not passing & set(v)]
    return any(isinstance(m, dict) and m.get("name") in lasting for m in _list(container.get("volumeMounts")))


def _others(documents: list[JsonObject], own: OwnManifests, image: Any) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The other containers of the object with the server's image: the workers of its group."""
    every = _inside(documents, own)
    return ((spec, c) for spec, c in every if c.get("image") == image and c.get("name") != own.container)


def _masked(one: JsonObject) -> Iterator[str]:
    """Takes literal secrets out of the containers of an object; the names under which they are wanted."""
    for spec in _specs(one):
        for container in (*spec["containers"], *_list(spec.get("initContainers"))):
            if isinstance(container, dict):
                yield from _of_variables(container)
                yield from _of_words(container)


def _of_variables(container: JsonObject) -> Iterator[str]:
    for at, entry in enumerate(_list(container.get("env"))):
        name, value = (_at({"e": entry}, "e").get(k) for k in ("name", "value"))
        if isinstance(name, str) and isinstance(value, str) and is_secret_name(name) and "$(" not in value:
            container["env"][at] = pods.from_secret(name)
            yield name


def _of_words(container: JsonObject) -> Iterator[str]:
    for key in ("command", "args"):
        words = [w if isinstance(w, str) else str(w) for w in _list(container.get(key))]
        wanted: list[str] = []
        refer = partial(_variable, wanted=wanted)
        for at, one in enumerate(arguments(words)):
            if one.secret and "$" not in one.secret:
                words[at] = f"{one.shown}{refer(option_of(one, words[:at]))}"
        words = [masked_words(word, refer) for word in words]
        if wanted:
            container["env"] = [*_list(container.get("env")), *map(pods.from_secret, dict.fromkeys(wanted))]
        if words:
            container[key] = words
        yield from wanted


def _variable(option: str, wanted: list[str]) -> str:
    """The variable for the value of an option, as Kubernetes puts it in."""
    wanted.append(option.strip("-=").replace("-", "_").upper() or "SECRET")
    return f"$({wanted[-1]})"


def _without_tokens(one: JsonObject) -> JsonObject:
    """A ConfigMap without the entries that hold a secret after all; annotations likewise; all else unchanged."""
    notes = _at(_at(one, "metadata"), "annotations")
    if any(redact_text(str(v)) != str(v) for v in notes.values()):
        kept = {k: v for k, v in notes.items() if redact_text(str(v)) == str(v)}
        one = {**one, "metadata": {**_at(one, "metadata"), "annotations": kept}}
    if one.get("kind") != "ConfigMap":
        return one
    data = {k: v for k, v in _at(one, "data").items() if not is_secret_name(str(k)) and redact_text(str(v)) == str(v)}
    return {**one, "data": data}


def _at(one: JsonObject, key: str) -> JsonObject:
    found = one.get(key)
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
