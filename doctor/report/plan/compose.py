"""A plan as a deployment: the servers with their GPUs, caches and health, and what stands in front and beside."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from doctor.base.json_object import JsonObject
from doctor.matrix.official import service as image_of
from doctor.report.plan import gateway, monitoring
from doctor.report.plan.dumped import dumped
from doctor.report.plan.masked import Masking, required
from doctor.report.plan.monitoring import EXPORTERS
from doctor.report.plan.recipe import Recipe, head
from doctor.report.plan.service import CACHE, devices, escaped, listed, service

MADE_OF = {"gateway": "LiteLLM", "metrics": "Prometheus"}
_OUTER = re.compile(r"(?<![\d.])(\d{2,5})(?=:\d)|'published': '?(\d{2,5})")


def compose(plans: Sequence[Recipe], beside: tuple[str, ...] = ()) -> str:
    """The whole file: the user's own project with its servers corrected, else a new one."""
    masking = Masking()
    own = plans[0].own
    theirs = {part: name for part in beside if (name := _theirs(part, own.services if own else {}))}
    beside = tuple(part for part in beside if part not in theirs)
    sections: JsonObject = dict(masking(own.sections)) if own else {}
    services: JsonObject = {name: masking(one) for name, one in own.services.items()} if own else {}
    first = 0
    for plan in plans:
        one = service(plan, "metrics" in beside, first if len(plans) > 1 else None)
        services[plan.name] = masking(one)
        first += plan.gpus
    data: JsonObject = {**_name(plans[0], sections), "services": services, **sections}
    named = [name for plan in plans for v in plan.volumes if (name := _volume_name(v))]
    if named:
        _add(data, "volumes", {name: {} for name in named})
    if any(CACHE in listed(one.get("volumes")) for one in services.values()):
        _add(data, "volumes", {"huggingface": {}})
    if "gateway" in beside:
        _gateway(plans, data)
    if "metrics" in beside:
        _metrics(plans, data)
    kept = [
        f"The project has its own {MADE_OF[part]} (`{name}`): nothing in it is changed."
        for part, name in theirs.items()
    ]
    return f"{_top(plans, masking, beside, kept)}\n{dumped(data)}"


def _name(plan: Recipe, sections: JsonObject) -> JsonObject:
    """The project's name: the user's; a file of theirs without one keeps its folder's, and so its volumes."""
    own = sections.pop("name", None)
    if own is not None or plan.own:
        return {"name": own} if own is not None else {}
    return {"name": f"qvl-{(plan.engine or 'server').replace('.', '-')}"}


def _theirs(part: str, services: dict[str, JsonObject]) -> str | None:
    """The service of the user's that is this part of a deployment already."""
    return next((n for n, one in services.items() if MADE_OF[part].lower() in str(one.get("image")).lower()), None)


def _top(plans: Sequence[Recipe], masking: Masking, beside: tuple[str, ...], kept: list[str]) -> str:
    built = [p for p in plans if p.own and p.own.service.get("build") and p.changes]
    for plan in built:
        pins = " ".join(f"{n}=={plan.pins[n]}" for n in plan.changes if n in plan.pins)
        kept = [*kept, f"The image of `{plan.name}` is built from a Dockerfile of yours; install there: {pins}"]
    first = plans[0]
    secrets = [*masking.names, *(n for p in plans for n in (*p.secrets, *p.hidden))]
    secrets += [gateway.MASTER] if "gateway" in beside else []
    secrets += [monitoring.PASSWORD] if "metrics" in beside else []
    told = ", ".join(dict.fromkeys(secrets))
    place = f"Put it next to {first.own.file}: relative paths and .env are read from there." if first.own else ""
    lines = (
        *kept, *dict.fromkeys(p.relaxed for p in plans), f"Set in .env: {told}." if told else "",
        f"Make a key with: echo {gateway.MASTER}=sk-$(openssl rand -hex 24) >> .env" if "gateway" in beside else "",
        place, "Start it with: docker compose up --detach --wait",
        "" if first.own or first.ports else "Ports are bound to this machine only; HF_TOKEN is for gated models.",
    )  # fmt: skip
    more = [w for plan in plans[1:] for w in plan.why]
    return head(first, *more, *filter(None, lines))


def _volume_name(written: str) -> str | None:
    """The volume that a mount names; None for a folder."""
    first, colon, _ = written.partition(":")
    return first if colon and re.fullmatch(r"[A-Za-z0-9][\w.-]*", first) else None


def _add(data: JsonObject, section: str, more: JsonObject) -> None:
    known = data.get(section)
    data[section] = {**(known if isinstance(known, dict) else {}), **more}


def _free(data: JsonObject, name: str) -> str:
    """A name that no service of the user's has."""
    return name if name not in data["services"] else f"qvl-{name}"


def _published(data: JsonObject, port: int) -> str:
    """A port of ours on this machine alone: under its own number, or the next that no service has taken."""
    texts = [str(p) for one in data["services"].values() for p in listed(one.get("ports"))]
    taken = {int(number) for text in texts for found in _OUTER.findall(text) for number in found if number}
    outer = next(n for n in range(port, port + 1000) if n not in taken)
    return f"127.0.0.1:{outer}:{port}"


def _config(data: JsonObject, name: str, content: str) -> None:
    _add(data, "configs", {name: {"content": escaped(content)}})


def _gateway(plans: Sequence[Recipe], data: JsonObject) -> None:
    name = _free(data, "gateway")
    _config(data, "litellm", dumped(gateway.settings(plans)))
    data["services"][name] = {
        "image": image_of("gateway"), "command": ["--config", gateway.PLACE, "--port", str(gateway.PORT)],
        "environment": {key: required(key) for key in gateway.keys(plans)},
        "configs": [{"source": "litellm", "target": gateway.PLACE}],
        "depends_on": {plan.name: {"condition": "service_healthy" if len(plans) == 1 else "service_started"}
                       for plan in plans},
        "ports": [_published(data, gateway.PORT)], "restart": "unless-stopped",
        "healthcheck": {"test": ["CMD", "python3", "-c", gateway.probe()], "interval": "30s", "timeout": "10s",
                        "retries": 3, "start_period": "3m"},
    }  # fmt: skip


def _metrics(plans: Sequence[Recipe], data: JsonObject) -> None:
    exporter, prometheus, grafana = (_free(data, n) for n in ("gpu-exporter", "prometheus", "grafana"))
    _config(data, "prometheus", dumped(monitoring.prometheus(plans, exporter)))
    _config(data, "grafana-source", dumped(monitoring.source(prometheus)))
    _config(data, "grafana-boards", dumped(monitoring.provider()))
    _config(data, "board", json.dumps(monitoring.board(plans), indent=1) + "\n")
    data["services"] |= {
        exporter: _exporter(plans[0]),
        prometheus: {
            "image": image_of("prometheus"), "restart": "unless-stopped", "volumes": ["prometheus:/prometheus"],
            "configs": [{"source": "prometheus", "target": "/etc/prometheus/prometheus.yml"}],
            "ports": [_published(data, monitoring.PORT)],
        },
        grafana: {
            "image": image_of("grafana"), "restart": "unless-stopped", "depends_on": [prometheus],
            "environment": {"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
                            "GF_SECURITY_ADMIN_PASSWORD": required(monitoring.PASSWORD)},
            "configs": [
                {"source": "grafana-source", "target": f"{monitoring.PROVISIONING}/datasources/prometheus.yaml"},
                {"source": "grafana-boards", "target": f"{monitoring.PROVISIONING}/dashboards/boards.yaml"},
                {"source": "board", "target": f"{monitoring.BOARDS}/server.json"},
            ],
            "volumes": ["grafana:/var/lib/grafana"], "ports": [_published(data, monitoring.GRAFANA)],
        },
    }  # fmt: skip
    _add(data, "volumes", {"prometheus": {}, "grafana": {}})


def _exporter(plan: Recipe) -> JsonObject:
    """The exporter of the GPUs' numbers: DCGM where a data center's Linux runs it, else one that asks nvidia-smi."""
    one = EXPORTERS[plan.exporter]
    out: JsonObject = {"image": image_of(plan.exporter), "restart": "unless-stopped"}
    if one.capabilities:
        out["cap_add"] = list(one.capabilities)
    return {**out, "deploy": devices("all", "utility")}
