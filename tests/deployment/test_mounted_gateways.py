"""The gateway, proxy or scraper of a project is compared with its servers without being named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deployment.conftest import judged, written

MODEL = "Qwen/Qwen2.5-VL-3B-Instruct"
SERVER: dict[str, Any] = {"image": "vllm/vllm-openai:v0.11.0", "command": ["--model", MODEL, "--port", "8001"], "gpus": "all", "ipc": "host"}
LITELLM = f"model_list: [{{model_name: q, litellm_params: {{model: openai/{MODEL}, api_base: 'http://vlm:PORT/v1'}}}}]\n"
NGINX = "events {}\nhttp { upstream u { server vlm:PORT; } server { location / { proxy_pass http://u; } } }\n"
SCRAPES = "scrape_configs: [{job_name: v, static_configs: [{targets: ['vlm:PORT']}]}]\n"
CASES = [
    ("CMD020", LITELLM, {"image": "ghcr.io/berriai/litellm:main-stable", "command": ["--config", "/app/c.yaml"], "volumes": ["./front:/app/c.yaml"]}),
    ("CMD020", LITELLM, {"image": "ghcr.io/berriai/litellm:main-stable", "command": "--port 4000 --config=/etc/x/front", "volumes": ["./:/etc/x:ro"]}),
    ("CMD027", NGINX, {"image": "nginx:alpine", "volumes": ["./front:/etc/nginx/nginx.conf:ro"]}),
    ("CMD027", NGINX, {"image": "nginx:alpine", "volumes": ["./front:/etc/nginx/conf.d/default.conf:ro"]}),
    ("CMD025", SCRAPES, {"image": "prom/prometheus:v3.0.0", "volumes": ["./front:/etc/prometheus/prometheus.yml"]}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "front"), CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("whole", [True, False], ids=["every-service", "one-service"])
def test_a_mounted_file_is_read(tmp_path: Path, code: str, text: str, front: dict[str, Any], whole: bool) -> None:
    file = written(tmp_path, yaml.safe_dump({"services": {"vlm": SERVER, "front": front}}), "compose.yaml")
    for port, wrong in (("8000", True), ("8001", False)):
        (tmp_path / "front").write_text(text.replace("PORT", port))
        report = judged(file, service=None if whole else "vlm")
        said = [f.message for f in report.findings if f.rule == code]
        assert bool(said) == wrong, said
        assert not wrong or "8001" in said[0]


def test_a_file_that_is_not_there_is_no_gateway(tmp_path: Path) -> None:
    front = {"image": "ghcr.io/berriai/litellm:main", "volumes": ["./gone.yaml:/app/config.yaml"]}
    file = written(tmp_path, yaml.safe_dump({"services": {"vlm": SERVER, "front": front}}), "compose.yaml")
    assert judged(file).count("error") == 0
