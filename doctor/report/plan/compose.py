"""A plan as a deployment: the server with its GPUs, its cache and its health, and what stands in front and beside."""

from __future__ import annotations

import yaml

from doctor.base.json_object import JsonObject
from doctor.base.text import UNSEEN
from doctor.facts.launch import HUB_HOME
from doctor.matrix.engines import engine_row
from doctor.report.plan import image
from doctor.report.plan.beside import gateway, metrics
from doctor.report.plan.recipe import Recipe, comment

START = "30m"  # the first start fetches the weights


def compose(plan: Recipe, beside: tuple[str, ...] = ()) -> str:
    """The whole file. `$` is doubled wherever compose would take it for a variable of its own."""
    services: JsonObject = {"server": _server(plan, "metrics" in beside)}
    data: JsonObject = {
        "name": f"qvl-{plan.engine}", "services": services, "volumes": {"huggingface": {}},
    }  # fmt: skip
    for name, add in (("gateway", gateway), ("metrics", metrics)):
        if name in beside:
            add(plan, data)
    head = comment((
        "Written by qvl-doctor fix --plan.", plan.proof, *plan.why,
        "Start it with: docker compose up --detach --wait",
        "Ports are bound to this machine only; set HF_TOKEN in the environment for models that require it.",
    ))  # fmt: skip
    return f"{head}\n{dumped(data)}"


def _server(plan: Recipe, with_metrics: bool) -> JsonObject:
    out: JsonObject = {}
    if plan.image and not plan.layer:
        out["image"] = plan.image
    else:
        out["image"] = f"qvl-doctor/{plan.engine}:{plan.version}"
        out["build"] = {"dockerfile_inline": escaped("\n".join(_recipe(plan)) + "\n")}
    out["entrypoint"] = []
    out["command"] = [escaped(w) for w in _command(plan, with_metrics)]
    out["environment"] = {
        "HF_HOME": HUB_HOME, "HF_TOKEN": "${HF_TOKEN:-}", **{n: escaped(v) for n, v in plan.environ.items()},
    }  # fmt: skip
    out["ports"] = [f"127.0.0.1:{plan.port}:{plan.port}"]
    out["volumes"] = [f"huggingface:{HUB_HOME}"]
    if plan.folder:
        out["volumes"].append({"type": "bind", "source": escaped(plan.folder), "target": "/model", "read_only": True})
    out |= {"shm_size": "16gb", "init": True, "restart": "unless-stopped", "stop_grace_period": "30s"}
    out["healthcheck"] = {
        "test": ["CMD", "python3", "-c", _probe(plan.port)], "interval": "30s", "timeout": "10s", "retries": 3,
        "start_period": START,
    }  # fmt: skip
    device = {"driver": "nvidia", "count": plan.gpus, "capabilities": ["gpu"]}
    out["deploy"] = {"resources": {"reservations": {"devices": [device]}}}
    return out


def _recipe(plan: Recipe) -> list[str]:
    """The Dockerfile without the command, which stands in the service."""
    return [line for line in image.lines(plan) if not line.startswith(("CMD ", "ENTRYPOINT ", "EXPOSE ", "ENV "))]


def _command(plan: Recipe, with_metrics: bool) -> list[str]:
    """The launch command, reachable from outside its container, the model's folder under its name there."""
    words = ["/model" if plan.folder and w == plan.model else w for w in plan.command]
    host = engine_row(plan.engine).option("host")
    if host and not any(w.partition("=")[0].replace("_", "-") == host.replace("_", "-") for w in words):
        words += [host, "0.0.0.0"]
    if with_metrics and plan.metrics:
        words += [w for w in plan.metrics if w not in words]
    return words


def _probe(port: int) -> str:
    return f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/health', timeout=8)"


def escaped(text: str) -> str:
    """Text that compose leaves as it is."""
    return text.replace("$", "$$")


class _Dumper(yaml.SafeDumper):
    """Lists indented under their key, longer texts as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if UNSEEN.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dumped(data: JsonObject) -> str:
    """YAML in the order of the keys; what a terminal would not show stands between double quotes, and is escaped."""
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return UNSEEN.sub(lambda m: f"\\U{ord(m[0]):08x}", text)
