"""What watches the servers: Prometheus, an exporter for the GPUs that fits the machine, Grafana with one board."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass
from doctor.report.plan.recipe import Recipe

PORT = 9090
GRAFANA = 3000
PASSWORD = "GRAFANA_PASSWORD"
PROVISIONING = "/etc/grafana/provisioning"
BOARDS = "/etc/grafana/boards"
_NAMES = '{{__name__=~"{}"}}'


@dataclass(frozen=True, slots=True)
class Exporter:
    """Where an exporter listens, and its numbers: memory in bytes, utilization from 0 to 1, degrees Celsius."""

    port: int
    memory: str
    total: str
    temperature: str
    utilization: str
    capabilities: tuple[str, ...] = ()


# dcgm-exporter, etc/default-counters.csv (FB_USED and FB_FREE in MiB, GPU_UTIL in percent);
# nvidia_gpu_exporter, METRICS.md
EXPORTERS = {
    "dcgm": Exporter(
        9400, "DCGM_FI_DEV_FB_USED * 1048576", "(DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) * 1048576",
        "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_UTIL / 100", ("SYS_ADMIN",),
    ),
    "nvidia-smi": Exporter(
        9835, "nvidia_smi_memory_used_bytes", "nvidia_smi_memory_total_bytes", "nvidia_smi_temperature_gpu",
        "nvidia_smi_utilization_gpu_ratio",
    ),
}  # fmt: skip

SERVER = (
    ("Tokens generated per second",
     "sum by (job) (rate(" + _NAMES.format(".+:generation_tokens_total|llamacpp:tokens_predicted_total") + "[1m]))",
     "short"),
    ("Requests running", _NAMES.format(".+:num_requests_running|.+:num_running_reqs|llamacpp:requests_processing"),
     "short"),
    ("Requests waiting", _NAMES.format(".+:num_requests_waiting|.+:num_queue_reqs|llamacpp:requests_deferred"),
     "short"),
    ("KV cache in use", _NAMES.format(".+:(gpu|kv)_cache_usage_perc|.+:token_usage|llamacpp:kv_cache_usage_ratio"),
     "percentunit"),
    ("Time to first token (p95)",
     "histogram_quantile(0.95, sum by (le, job) (rate("
     + _NAMES.format(".+:time_to_first_token_seconds_bucket") + "[5m])))", "s"),
    ("Request time (p95)",
     "histogram_quantile(0.95, sum by (le, job) (rate("
     + _NAMES.format(".+:e2e_request_latency_seconds_bucket") + "[5m])))", "s"),
)  # fmt: skip


def prometheus(plans: Sequence[Recipe], exporter: str) -> JsonObject:
    """Prometheus' file: a job for each server, and one for the GPUs; `exporter` is the host of theirs."""
    jobs = [{"job_name": plan.name, "static_configs": [{"targets": [plan.address]}]} for plan in plans]
    target = f"{exporter}:{EXPORTERS[plans[0].exporter].port}"
    jobs.append({"job_name": "gpu", "static_configs": [{"targets": [target]}]})
    return {"global": {"scrape_interval": "15s"}, "scrape_configs": jobs}


def source(prometheus_host: str, port: int = PORT) -> JsonObject:
    """Grafana's data source."""
    one = {"name": "Prometheus", "type": "prometheus", "uid": "prometheus", "access": "proxy",
           "url": f"http://{prometheus_host}:{port}", "isDefault": True}  # fmt: skip
    return {"apiVersion": 1, "datasources": [one]}


def provider() -> JsonObject:
    """Where Grafana finds its boards."""
    return {"apiVersion": 1, "providers": [{"name": "qvl-doctor", "type": "file", "options": {"path": BOARDS}}]}


def board(plans: Sequence[Recipe]) -> JsonObject:
    """One board: tokens per second and the GPU's memory, temperature and utilization first, then the requests."""
    gpu = EXPORTERS[plans[0].exporter]
    tokens, *rest = SERVER
    rows = (
        tokens, ("GPU memory in use", gpu.memory, "bytes"), ("GPU temperature", gpu.temperature, "celsius"),
        ("GPU utilization", gpu.utilization, "percentunit"),
        ("Share of GPU memory in use", f"{gpu.memory} / ({gpu.total})", "percentunit"),
        *rest,
    )  # fmt: skip
    title = ", ".join(f"{plan.engine}: {plan.served or plan.model or plan.name}" for plan in plans[:4])
    return {"uid": "qvl-doctor", "title": title, "schemaVersion": 39, "version": 1, "editable": True,
            "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser", "tags": [],
            "templating": {"list": []}, "annotations": {"list": []},
            "panels": [_panel(number, *row) for number, row in enumerate(rows)]}  # fmt: skip


def _panel(number: int, title: str, query: str, unit: str) -> JsonObject:
    datasource = {"type": "prometheus", "uid": "prometheus"}
    return {
        "id": number + 1, "title": title, "type": "timeseries", "datasource": datasource,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []}, "options": {},
        "targets": [{"refId": "A", "expr": query, "datasource": datasource}],
    }  # fmt: skip
