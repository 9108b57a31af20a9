"""The user's own manifests with their server corrected: what they wrote stays, but for literal secrets."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.report.plan import pods
from doctor.report.plan.differences import changes
from doctor.report.plan.dumped import dumped
from doctor.report.plan.edited_text import kept
from doctor.report.plan.manifest_secrets import ManifestSecrets
from doctor.report.plan.objects import at, listed, pods_of
from doctor.report.plan.recipe import OwnManifests, Recipe
from doctor.report.plan.service import in_place, put_in_place, rewritten, start_period

GPU = "nvidia.com/gpu"


def corrected(plans: Sequence[Recipe], with_metrics: bool) -> tuple[list[str], ManifestSecrets, list[str]]:
    """The documents as texts, what became of the secrets in them, and what was changed in the servers."""
    own = plans[0].manifests
    secrets = ManifestSecrets()
    given = list(zip(own.documents, own.texts, strict=True)) if own else []
    given = [(one, text) for one, text in given if one.get("kind") != "Secret"]
    documents = copy.deepcopy([secrets.outside(one) for one, _ in given])
    for one in documents:
        secrets.inside(one, _expected(plans, one))
    changed: list[str] = []
    for plan in plans:
        if plan.manifests is not None:
            changed += _served(plan, plan.manifests, documents, with_metrics)
    texts = [text for _, text in given] + [""] * (len(documents) - len(given))
    values = secrets.variables.values
    return [kept(t, d, values) or dumped(d) for d, t in zip(documents, texts, strict=True)], secrets, changed


def _expected(plans: Sequence[Recipe], one: JsonObject) -> dict[str, list[tuple[str, str]]]:
    """The variables of the servers in an object for the values behind options of theirs, by container."""
    mine = (p for p in plans if p.manifests and one.get("kind") == p.manifests.kind)
    return {
        p.manifests.container: p.behind_options
        for p in mine if p.manifests is not None and at(one, "metadata").get("name") == p.manifests.name
    }  # fmt: skip


def _served(plan: Recipe, own: OwnManifests, documents: list[JsonObject], with_metrics: bool) -> Iterator[str]:
    """Corrects one server, and gives the workers of its group the same image and the same volume; what it changed."""
    for spec, container in list(_places(documents, own)):
        was = copy.deepcopy(container), {k: v for k, v in spec.items() if k != "containers"}
        before = container.get("image")
        _correct(plan, spec, container, with_metrics)
        others = list(_others(documents, own, before)) if plan.nodes > 1 else []
        for _, other in others:
            other["image"] = container.get("image")
        taken = [m.get("mountPath") for m in listed(container.get("volumeMounts")) if isinstance(m, dict)]
        if (plan.lost or not _keeps(spec, container)) and not plan.folder and plan.cache not in taken:
            for pod, one in ((spec, container), *others):
                _mount(pod, one, pods.models(plan), plan.cache)
            documents.append(pods.claim(plan))
        now = container, {k: v for k, v in spec.items() if k != "containers"}
        names = f"{own.name}/{own.container}", own.name
        yield from filter(None, map(changes, names, was, now))


def _places(documents: list[JsonObject], own: OwnManifests) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The container of the server, with the pod around it."""
    return ((spec, c) for spec, c in _inside(documents, own) if c.get("name") == own.container)


def _inside(documents: list[JsonObject], own: OwnManifests) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The containers of the server's object, each with the pod around it."""
    for one in documents:
        if one.get("kind") == own.kind and at(one, "metadata").get("name") == own.name:
            for spec in pods_of(one):
                yield from ((spec, c) for c in spec["containers"] if isinstance(c, dict))


def _correct(plan: Recipe, spec: JsonObject, container: JsonObject, with_metrics: bool) -> None:
    if plan.changes and plan.image:
        container["image"] = plan.image
    if rewritten(plan, with_metrics) and not plan.script:
        words = pods.command_of(plan, with_metrics)
        container["command"] = [plan.spelled.get(w, w) for w in words]
        container.pop("args", None)
    elif rewritten(plan, with_metrics) and (found := in_place(plan, with_metrics)):
        container |= {key: put_in_place(container[key], found) for key in ("command", "args") if key in container}
    known = {e.get("name") for e in listed(container.get("env")) if isinstance(e, dict)}
    container["env"] = [*listed(container.get("env")), *(e for e in pods.variables_of(plan) if e["name"] not in known)]
    spec.setdefault("enableServiceLinks", False)
    _gpus(plan, container)
    _probes(plan, container)
    if not any(isinstance(m, dict) and m.get("mountPath") == pods.SHM for m in listed(container.get("volumeMounts"))):
        _mount(spec, container, pods.shm(), pods.SHM)


def _gpus(plan: Recipe, container: JsonObject) -> None:
    """At least as many GPUs as the command takes on this machine."""
    resources = container["resources"] = dict(at(container, "resources"))
    wanted = max(1, plan.shared_gpus)
    for part in ("limits", "requests"):
        asked = at(resources, part)
        if str(asked.get(GPU, wanted)).isdigit() and int(asked.get(GPU, wanted)) < wanted:
            resources[part] = {**asked, GPU: str(wanted)}
    limits = at(resources, "limits")
    if not any("/gpu" in str(k) or "/mig" in str(k) for k in limits) and not resources.get("claims"):
        resources["limits"] = {**limits, GPU: str(wanted)}


def _probes(plan: Recipe, container: JsonObject) -> None:
    """A start probe with enough patience, and every probe at the port on which the server listens."""
    start = at(container, "startupProbe")
    if start:
        period = start.get("periodSeconds", 10)
        least = start_period(plan) // period if isinstance(period, int) and period > 0 else 1
        failures = start.get("failureThreshold", 3)
        start = {**start, "failureThreshold": max(failures if isinstance(failures, int) else 0, least)}
    container["startupProbe"] = start or pods.startup(plan)
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = at(at(container, name), "httpGet")
        if isinstance(asked.get("port"), int) and asked["port"] != plan.port:
            container[name] = {**container[name], "httpGet": {**asked, "port": plan.port}}


def _mount(spec: JsonObject, container: JsonObject, volume: JsonObject, place: str) -> None:
    spec["volumes"] = [*listed(spec.get("volumes")), volume]
    mount = {"name": volume["name"], "mountPath": place}
    container["volumeMounts"] = [*listed(container.get("volumeMounts")), mount]


def _keeps(spec: JsonObject, container: JsonObject) -> bool:
    """Whether a volume is mounted that outlives the pod."""
    passing = {"emptyDir", "configMap", "secret", "downwardAPI"}
    lasting = [v.get("name") for v in listed(spec.get("volumes")) if isinstance(v, dict) and not passing & set(v)]
    return any(isinstance(m, dict) and m.get("name") in lasting for m in listed(container.get("volumeMounts")))


def _others(documents: list[JsonObject], own: OwnManifests, image: Any) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The other containers of the object with the server's image: the workers of its group."""
    every = _inside(documents, own)
    return ((spec, c) for spec, c in every if c.get("image") == image and c.get("name") != own.container)
