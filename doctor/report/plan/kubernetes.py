"""A plan as Kubernetes manifests: the servers with their volumes and probes, and what stands in front and beside."""

from __future__ import annotations

import json
from collections.abc import Sequence

from doctor.base.json_object import JsonObject
from doctor.matrix.official import service as image_of
from doctor.report.plan import gateway, monitoring
from doctor.report.plan.dumped import dumped
from doctor.report.plan.manifest_secrets import ManifestSecrets
from doctor.report.plan.monitoring import EXPORTERS
from doctor.report.plan.own_manifests import corrected
from doctor.report.plan.pods import KEYS, claim, from_secret, in_group, workload
from doctor.report.plan.recipe import Recipe, head
from doctor.report.plan.service import by_hand

EXPORTER = "gpu-exporter"
SEPARATOR = "---\n"


def manifests(plans: Sequence[Recipe], beside: tuple[str, ...] = ()) -> str:
    """All objects in one file."""
    secrets = ManifestSecrets()
    theirs, changed = list[str](), list[str]()
    out: list[JsonObject] = []
    if plans[0].manifests:
        theirs, secrets, changed = corrected(plans, "metrics" in beside)
    for plan in plans:
        if plan.manifests is None:
            out += [] if plan.folder else [claim(plan)]
            out += [workload(plan, "metrics" in beside), _service(plan.name, plan.port)]
        elif plan.manifests.host is None and (plan.manifests.labels or not plan.manifests.kind.startswith("Ray")):
            out.append(_service(plan.name, plan.port, labels=plan.manifests.labels))
    if "gateway" in beside:
        out += _gateway(plans)
    if "metrics" in beside:
        out += _metrics(plans)
    texts = [t if t.endswith("\n") else f"{t}\n" for t in theirs] + ([dumped(*out)] if out else [])
    return f"{_top(plans, beside, secrets, changed)}\n{SEPARATOR.join(texts)}"


def _top(plans: Sequence[Recipe], beside: tuple[str, ...], secrets: ManifestSecrets, changed: list[str]) -> str:
    keys = [*secrets.variables.values, *(n for p in plans for n in (*p.secrets, *p.hidden))]
    keys += [gateway.MASTER] if "gateway" in beside else []
    keys += [monitoring.PASSWORD] if "metrics" in beside else []
    told = " ".join(f"--from-literal={name}=..." for name in dict.fromkeys(keys))
    installs = any(p.layer or not p.image for p in plans)
    own = plans[0].manifests
    kept = [one["metadata"]["name"] for one in own.documents if one.get("kind") == "Secret"] if own else []
    lines = (
        *changed, *(f"Left out: {one}." for one in secrets.left_out),
        *by_hand(plans, "metrics" in beside),
        *dict.fromkeys(p.relaxed for p in plans),
        f"Left out, since they hold values: the Secrets {', '.join(kept)}." if kept else "",
        f"Make the keys first: kubectl create secret generic {KEYS} {told}" if told else "",
        "The server installs packages at each start; `--format dockerfile` makes an image of them." if installs else "",
        "It needs the LeaderWorkerSet controller." if any(map(in_group, plans)) else "",
    )
    more = [w for plan in plans[1:] for w in plan.why]
    return head(plans[0], *more, *filter(None, lines))


def _service(name: str, port: int, headless: bool = False, labels: JsonObject | None = None) -> JsonObject:
    ports = [{"name": "http", "port": port, "targetPort": port}]
    spec = {**({"clusterIP": "None"} if headless else {}), "selector": labels or {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _config(name: str, file: str, content: str) -> JsonObject:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {file: content}}


def _mounted(name: str, configs: dict[str, str], container: JsonObject) -> JsonObject:
    """A Deployment of one container with the files of ConfigMaps (name -> folder)."""
    mounts = [{"name": one, "mountPath": place} for one, place in configs.items()]
    volumes = [{"name": one, "configMap": {"name": one}} for one in configs]
    spec = {"enableServiceLinks": False, "containers": [{"name": name, **container, "volumeMounts": mounts}],
            "volumes": volumes}  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
                 "template": {"metadata": {"labels": {"app": name}}, "spec": spec}},
    }  # fmt: skip


def _gateway(plans: Sequence[Recipe]) -> list[JsonObject]:
    container = {
        "image": image_of("gateway"), "args": ["--config", "/etc/litellm/config.yaml", "--port", str(gateway.PORT)],
        "env": [from_secret(name) for name in gateway.keys(plans)],
        "ports": [{"name": "http", "containerPort": gateway.PORT}],
        "readinessProbe": {"httpGet": {"path": gateway.ROUTE, "port": gateway.PORT}, "periodSeconds": 10},
    }  # fmt: skip
    return [
        _config("litellm", "config.yaml", dumped(gateway.settings(plans))),
        _mounted("gateway", {"litellm": "/etc/litellm"}, container), _service("gateway", gateway.PORT),
    ]  # fmt: skip


def _metrics(plans: Sequence[Recipe]) -> list[JsonObject]:
    grafana = {
        "image": image_of("grafana"), "ports": [{"name": "http", "containerPort": monitoring.GRAFANA}],
        "env": [{"name": "GF_AUTH_ANONYMOUS_ENABLED", "value": "true"},
                {"name": "GF_AUTH_ANONYMOUS_ORG_ROLE", "value": "Viewer"},
                {"name": "GF_SECURITY_ADMIN_PASSWORD", **{k: v for k, v in from_secret(monitoring.PASSWORD).items()
                                                          if k != "name"}}],
    }  # fmt: skip
    places = {"grafana-source": f"{monitoring.PROVISIONING}/datasources",
              "grafana-boards": f"{monitoring.PROVISIONING}/dashboards", "board": monitoring.BOARDS}  # fmt: skip
    prometheus = {"image": image_of("prometheus"), "ports": [{"name": "http", "containerPort": monitoring.PORT}]}
    return [
        _exporter(plans[0]), _service(EXPORTER, EXPORTERS[plans[0].exporter].port, headless=True),
        _config("prometheus", "prometheus.yml", dumped(_scraping(plans))),
        _mounted("prometheus", {"prometheus": "/etc/prometheus"}, prometheus),
        _service("prometheus", monitoring.PORT),
        _config("grafana-source", "prometheus.yaml", dumped(monitoring.source("prometheus"))),
        _config("grafana-boards", "boards.yaml", dumped(monitoring.provider())),
        _config("board", "server.json", json.dumps(monitoring.board(plans), indent=1) + "\n"),
        _mounted("grafana", places, grafana), _service("grafana", monitoring.GRAFANA),
    ]  # fmt: skip


def _scraping(plans: Sequence[Recipe]) -> JsonObject:
    """Prometheus' file, the exporters of all nodes found by the name of their service."""
    found = monitoring.prometheus(plans, EXPORTER)
    names = {"names": [EXPORTER], "type": "A", "port": EXPORTERS[plans[0].exporter].port}
    found["scrape_configs"][-1] = {"job_name": "gpu", "dns_sd_configs": [names]}
    return found


def _exporter(plan: Recipe) -> JsonObject:
    """One exporter on each node with GPUs: it sees them without taking one from the servers."""
    one = EXPORTERS[plan.exporter]
    container: JsonObject = {
        "name": EXPORTER, "image": image_of(plan.exporter), "ports": [{"name": "http", "containerPort": one.port}],
        "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
                {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "utility"}],
    }  # fmt: skip
    if one.capabilities:
        container["securityContext"] = {"capabilities": {"add": list(one.capabilities)}}
    spec = {
        "runtimeClassName": "nvidia", "nodeSelector": {"nvidia.com/gpu.present": "true"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}], "containers": [container],
    }  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": EXPORTER},
        "spec": {"selector": {"matchLabels": {"app": EXPORTER}},
                 "template": {"metadata": {"labels": {"app": EXPORTER}}, "spec": spec}},
    }  # fmt: skip
