"""What a compose file gets beside its servers: LiteLLM in front, Prometheus with an exporter for GPUs, Grafana."""

from __future__ import annotations

import json
from collections.abc import Sequence

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.matrix.images import image_name
from doctor.matrix.official import service as image_of
from doctor.report.plan import gateway, monitoring
from doctor.report.plan.dumped import dumped
from doctor.report.plan.masked import required
from doctor.report.plan.monitoring import EXPORTERS
from doctor.report.plan.objects import listed
from doctor.report.plan.placement import after, on_host, place_of
from doctor.report.plan.recipe import THE_HOST, Recipe
from doctor.report.plan.service import devices, escaped

PARTS = {  # what each is called, and the last part of the images that are it
    "gateway": ("LiteLLM", late_pattern(r"litellm")),
    "prometheus": ("Prometheus", late_pattern(r"prometheus$")),
    "grafana": ("Grafana", late_pattern(r"grafana(-oss|-enterprise)?$")),
    "gpu-exporter": ("GPU exporter", late_pattern(r"dcgm-exporter$|nvidia[_-]gpu[_-]exporter$")),
}
_OUTER = late_pattern(r"(?<![\d.])(\d{2,5})(?=:\d)|'published': '?(\d{2,5})")
_LISTENS = late_pattern(r"--web\.listen-address[=\s'\",]+\S*?:(\d{2,5})")


class Stack:
    """Adds services of ours to a project; `theirs` are the parts that it has already, by what they are."""

    def __init__(self, plans: Sequence[Recipe], data: JsonObject) -> None:
        self.plans, self.data = plans, data
        own = plans[0].own
        self.theirs = {p: name for p in PARTS if (name := _theirs(p, own.services if own else {}))}
        self.ours: list[str] = []
        self.kept: list[str] = []

    def gateway(self) -> None:
        """LiteLLM in front of the servers, unless the project has one."""
        if "gateway" in self.theirs:
            self._keep("gateway")
            return
        name = self._named("gateway")
        self._config("litellm", dumped(gateway.settings(self.plans)))
        self.data["services"][name] = {
            "image": image_of("gateway"), "command": ["--config", gateway.PLACE, "--port", str(gateway.PORT)],
            "environment": {key: required(key) for key in gateway.keys(self.plans)},
            "configs": [{"source": "litellm", "target": gateway.PLACE}], "depends_on": after(self.plans),
            "ports": [self._published(gateway.PORT)], "restart": "unless-stopped",
            "healthcheck": {"test": ["CMD", "python3", "-c", gateway.probe()], "interval": "30s", "timeout": "10s",
                            "retries": 3, "start_period": "3m"},
            **place_of(self.plans, published=True),
        }  # fmt: skip

    def metrics(self) -> None:
        """An exporter for the GPUs, Prometheus and Grafana: of these what the project lacks."""
        exporter, prometheus = self._exporter(), self._prometheus_name()
        if "prometheus" in self.theirs:
            jobs = [p.address for p in self.plans] + [exporter] * ("gpu-exporter" not in self.theirs)
            jobs = [j.replace(f"{THE_HOST}:", "localhost:") for j in jobs] if self._hosted("prometheus") else jobs
            scraped = ", ".join(f"`{address}`" for address in jobs)
            self._keep("prometheus", f"Let its file scrape {scraped}, unless it already does.")
        else:
            self._prometheus(prometheus, exporter.partition(":")[0])
        if "grafana" in self.theirs:
            source = "" if "prometheus" in self.theirs else f"Add the data source `http://{prometheus}:9090` to it."
            self._keep("grafana", source)
        else:
            self._grafana(prometheus)

    def _keep(self, part: str, step: str = "") -> None:
        kept = f"The project has its own {PARTS[part][0]} (`{self.theirs[part]}`), which is not changed."
        self.kept.append(f"{kept} {step}".strip())

    def _named(self, name: str) -> str:
        """A name that no service of the user's has."""
        free = name if name not in self.data["services"] else f"qvl-{name}"
        self.ours.append(name)
        return free

    def _exporter(self) -> str:
        """Host and port of the exporter of the GPUs' numbers: DCGM where a data center's Linux runs it."""
        one = EXPORTERS[self.plans[0].exporter]
        if "gpu-exporter" in self.theirs:
            return f"{self.theirs['gpu-exporter']}:{one.port}"
        name = self._named("gpu-exporter")
        made: JsonObject = {"image": image_of(self.plans[0].exporter), "restart": "unless-stopped"}
        if one.capabilities:
            made["cap_add"] = list(one.capabilities)
        if self._hosted("prometheus"):
            made["ports"] = [self._published(one.port)]
        self.data["services"][name] = {**made, "deploy": devices("all", "utility"), **self._reaching()}
        outer = str(made["ports"][0]).split(":")[1] if "ports" in made else ""
        return f"localhost:{outer}" if outer else f"{name}:{one.port}"

    def _reaching(self, *, published: bool = False) -> JsonObject:
        """The place of a service that the project's own Prometheus and Grafana reach, too."""
        others = [self._own(p) for p in ("prometheus", "grafana") if p in self.theirs]
        found = place_of(self.plans, others, published=published)
        hosts = {"extra_hosts": [f"{THE_HOST}:host-gateway"]} if published and self._hosted("prometheus") else {}
        return {**{k: v for k, v in found.items() if k != "extra_hosts"}, **hosts}

    def _own(self, part: str) -> JsonObject:
        """The user's service that is a part of the deployment already; empty where they have none."""
        services = self.plans[0].own.services if self.plans[0].own else {}
        return services.get(self.theirs.get(part, ""), {})

    def _hosted(self, part: str) -> bool:
        """Whether the user's service that is this part has the network of the machine."""
        return on_host(self._own(part))

    def _prometheus_name(self) -> str:
        return self.theirs.get("prometheus") or self._named("prometheus")

    def _prometheus(self, name: str, exporter: str) -> None:
        self._config("prometheus", dumped(monitoring.prometheus(self.plans, exporter)))
        self.data["services"][name] = {
            "image": image_of("prometheus"), "restart": "unless-stopped", "volumes": ["prometheus:/prometheus"],
            "configs": [{"source": "prometheus", "target": "/etc/prometheus/prometheus.yml"}],
            "ports": [self._published(monitoring.PORT)], **place_of(self.plans, published=True),
        }  # fmt: skip
        self._volume("prometheus")

    def _grafana(self, prometheus: str) -> None:
        name = self._named("grafana")
        theirs = self.data["services"].get(self.theirs.get("prometheus", ""))
        listens = _LISTENS.search(str(theirs.get("command"))) if theirs else None
        port = int(listens[1]) if listens else monitoring.PORT
        host = THE_HOST if self._hosted("prometheus") else prometheus
        self._config("grafana-source", dumped(monitoring.source(host, port)))
        self._config("grafana-boards", dumped(monitoring.provider()))
        self._config("board", json.dumps(monitoring.board(self.plans), indent=1) + "\n")
        self.data["services"][name] = {
            "image": image_of("grafana"), "restart": "unless-stopped",
            **({} if theirs else {"depends_on": [prometheus]}),
            "environment": {"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
                            "GF_SECURITY_ADMIN_PASSWORD": required(monitoring.PASSWORD)},
            "configs": [
                {"source": "grafana-source", "target": f"{monitoring.PROVISIONING}/datasources/prometheus.yaml"},
                {"source": "grafana-boards", "target": f"{monitoring.PROVISIONING}/dashboards/boards.yaml"},
                {"source": "board", "target": f"{monitoring.BOARDS}/server.json"},
            ],
            "volumes": ["grafana:/var/lib/grafana"], "ports": [self._published(monitoring.GRAFANA)],
            **self._reaching(published=True),
        }  # fmt: skip
        self._volume("grafana")

    def _published(self, port: int) -> str:
        """A port of ours on this machine alone: under its own number, or the next that no service has taken."""
        texts = [str(p) for one in self.data["services"].values() for p in listed(one.get("ports"))]
        taken = {int(number) for text in texts for found in _OUTER.findall(text) for number in found if number}
        taken |= {p.port for p in self.plans if p.host == THE_HOST}
        outer = next(n for n in range(port, port + 1000) if n not in taken)
        return f"127.0.0.1:{outer}:{port}"

    def _config(self, name: str, content: str) -> None:
        add(self.data, "configs", {name: {"content": escaped(content)}})

    def _volume(self, name: str) -> None:
        add(self.data, "volumes", {name: {}})


def add(data: JsonObject, section: str, more: JsonObject) -> None:
    """Puts more into a top-level section."""
    known = data.get(section)
    data[section] = {**(known if isinstance(known, dict) else {}), **more}


def _theirs(part: str, services: dict[str, JsonObject]) -> str | None:
    """The service of the user's that is this part of a deployment already."""
    kind = PARTS[part][1]
    return next((n for n, one in services.items() if kind.search(image_name(str(one.get("image") or "")))), None)
