"""What stands in front of and beside a server: LiteLLM as a gateway; Prometheus, and Grafana with a board."""

from __future__ import annotations

import json

from doctor.base.json_object import JsonObject
from doctor.matrix.official import service
from doctor.report.plan.recipe import Recipe

GATEWAY, PROMETHEUS, GRAFANA = 4000, 9090, 3000
READY = {"server": {"condition": "service_healthy"}}
PANELS = (
    ("Requests running", '{__name__=~".+:num_requests_running|.+:num_running_reqs"}', "short"),
    ("Requests waiting", '{__name__=~".+:num_requests_waiting|.+:num_queue_reqs"}', "short"),
    ("KV cache in use", '{__name__=~".+:(gpu|kv)_cache_usage_perc|.+:token_usage"}', "percentunit"),
    ("Tokens generated per second", 'sum(rate({__name__=~".+:generation_tokens_total"}[1m]))', "short"),
    ("Time to first token (p95)",
     'histogram_quantile(0.95, sum by (le) (rate({__name__=~".+:time_to_first_token_seconds_bucket"}[5m])))', "s"),
    ("Request time (p95)",
     'histogram_quantile(0.95, sum by (le) (rate({__name__=~".+:e2e_request_latency_seconds_bucket"}[5m])))', "s"),
)  # fmt: skip


def gateway(plan: Recipe, data: JsonObject) -> None:
    """LiteLLM in front: one OpenAI address with retries and time-outs, whatever serves behind it."""
    name = "/model" if plan.folder else plan.model or "model"
    config = {
        "model_list": [{
            "model_name": plan.model or "model",
            "litellm_params": {"model": f"openai/{name}", "api_base": f"http://server:{plan.port}/v1",
                               "api_key": "none", "timeout": 600},
        }],
        "litellm_settings": {"num_retries": 2, "drop_params": True},
    }  # fmt: skip
    data["services"]["gateway"] = {
        "image": service("gateway"), "command": ["--config", "/etc/litellm.yaml", "--port", str(GATEWAY)],
        "configs": [{"source": "litellm", "target": "/etc/litellm.yaml"}], "depends_on": dict(READY),
        "ports": [f"127.0.0.1:{GATEWAY}:{GATEWAY}"], "restart": "unless-stopped",
    }  # fmt: skip
    _config(data, "litellm", config)


def metrics(plan: Recipe, data: JsonObject) -> None:
    """Prometheus asks the server for its numbers; Grafana shows them on a board that is there from the start."""
    scrape = {"job_name": plan.engine or "server", "static_configs": [{"targets": [f"server:{plan.port}"]}]}
    _config(data, "prometheus", {"global": {"scrape_interval": "15s"}, "scrape_configs": [scrape]})
    data["services"]["prometheus"] = {
        "image": service("prometheus"), "restart": "unless-stopped", "volumes": ["prometheus:/prometheus"],
        "configs": [{"source": "prometheus", "target": "/etc/prometheus/prometheus.yml"}],
        "ports": [f"127.0.0.1:{PROMETHEUS}:{PROMETHEUS}"],
    }  # fmt: skip
    source = {"name": "Prometheus", "type": "prometheus", "uid": "prometheus", "access": "proxy",
              "url": f"http://prometheus:{PROMETHEUS}", "isDefault": True}  # fmt: skip
    _config(data, "grafana-source", {"apiVersion": 1, "datasources": [source]})
    board = {"name": "qvl-doctor", "type": "file", "options": {"path": "/etc/grafana/boards"}}
    _config(data, "grafana-boards", {"apiVersion": 1, "providers": [board]})
    data["configs"]["board"] = {"content": _escaped(json.dumps(_board(plan), indent=1) + "\n")}
    provisioning = "/etc/grafana/provisioning"
    data["services"]["grafana"] = {
        "image": service("grafana"), "restart": "unless-stopped", "depends_on": ["prometheus"],
        "environment": {"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
                        "GF_SECURITY_ADMIN_PASSWORD": "${GRAFANA_PASSWORD:-}"},
        "configs": [{"source": "grafana-source", "target": f"{provisioning}/datasources/prometheus.yaml"},
                    {"source": "grafana-boards", "target": f"{provisioning}/dashboards/boards.yaml"},
                    {"source": "board", "target": "/etc/grafana/boards/server.json"}],
        "volumes": ["grafana:/var/lib/grafana"], "ports": [f"127.0.0.1:{GRAFANA}:{GRAFANA}"],
    }  # fmt: skip
    data["volumes"] |= {"prometheus": {}, "grafana": {}}


def _config(data: JsonObject, name: str, content: JsonObject) -> None:
    import yaml

    data.setdefault("configs", {})[name] = {"content": _escaped(yaml.safe_dump(content, sort_keys=False))}


def _escaped(text: str) -> str:
    return text.replace("$", "$$")


def _board(plan: Recipe) -> JsonObject:
    panels = [
        {"id": number + 1, "title": title, "type": "timeseries",
         "datasource": {"type": "prometheus", "uid": "prometheus"},
         "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
         "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
         "targets": [{"refId": "A", "expr": query, "datasource": {"type": "prometheus", "uid": "prometheus"}}]}
        for number, (title, query, unit) in enumerate(PANELS)
    ]  # fmt: skip
    return {"uid": "qvl-doctor", "title": f"{plan.engine}: {plan.model or 'server'}", "schemaVersion": 39,
            "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "panels": panels}  # fmt: skip
