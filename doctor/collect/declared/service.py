"""One service of a deployment, in whatever form people wrote it: what it starts from, its command, what it gets."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.collect.declared.health import HealthCheck
from doctor.facts import Container
from doctor.launch.variables import Lacking


@dataclass
class Service:
    """One service. `build` is the Dockerfile that it is built from; `lacking` are variables without a value.

    `context` is the folder of the build where it is not the Dockerfile's own, `inline` a Dockerfile's text that stands
    in the file itself; `files` are all that the service was read from, `hosts` the names that
    other services reach it by, `forwards` what leads from a port of these names to another one of its own (`80:8000`).
    Containers of one `pod` share their loopback; `networks` are those of a compose project that it is in.

    `kind` and `file` say where it stands (`Kubernetes Deployment`, `deploy.yaml`), and `labels` are further names that
    it may be chosen by. `nodes` is how many machines share one copy of the model, each with the container's GPUs, or
    with `gpus` where a scheduler gives them.
    `installs` is shell text that installs packages before the command runs. `host`: it runs in no container of its
    own, so that its `command` is one of this machine, with `variables` alone unless `inherits`. `texts` are files in
    the container by their absolute path; `notes` say what could not be understood, a sentence each. `unread`: why
    nothing of it can be read, such as a chart's template. `elsewhere`: it runs on another machine, whose GPU is `gpu`
    in the form of `--gpu`, where that is said. `unknown` are variables that are set to what nobody says here, `given`
    those that the cluster sets by itself.
    `health` is the health check as it is stated, where the image's may complete it.
    """

    name: str
    image: str | None = None
    build: str | None = None
    stage: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    lacking: Lacking = field(default_factory=Lacking)
    container: Container | None = None
    folder: str | None = None
    places: list[tuple[str, str]] = field(default_factory=list)
    kind: str = "compose service"
    file: str = ""
    labels: tuple[str, ...] = ()
    nodes: int = 1
    gpus: int | None = None
    replicas: int = 1
    installs: str = ""
    host: bool = False
    inherits: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    context: str | None = None
    inline: str | None = None
    files: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    pod: str = ""
    networks: tuple[str, ...] = ()
    unread: str = ""
    elsewhere: bool = False
    gpu: str = ""
    unknown: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    health: HealthCheck | None = None

    @property
    def where(self) -> str:
        """The service as the answer names it: `deploy.yaml: Kubernetes Deployment vlm`."""
        return f"{self.file}: {self.kind} {self.name}" if self.file else f"{self.kind} {self.name}"
