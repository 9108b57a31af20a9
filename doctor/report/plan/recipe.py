"""What a plan's files are made of: the server, its image, its model, its pins. Plain values, checked before."""

from __future__ import annotations

from dataclasses import field

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass
from doctor.facts.launch import HUB_HOME
from doctor.launch.naming import hidden_in
from doctor.matrix.engines import engine_row

WRITTEN = "# Written by qvl-doctor fix --plan."  # the first line of every file
THE_HOST = "host.docker.internal"  # the machine itself, seen from a container
RELAXED = "NVIDIA_DISABLE_REQUIRE"  # the variable by which a container starts in spite of its image's requirement


@dataclass(frozen=True)
class OwnService:
    """A service of the user's compose file as it is written, `${NAME}` included, and the other parts of its project.

    `services` are all of the project, `sections` its other top-level keys, `file` the name of its first file.
    `text` is that of its only file, empty where services are joined from several places; `files` are the names of all.
    """

    service: JsonObject
    services: dict[str, JsonObject]
    sections: JsonObject
    file: str
    text: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnManifests:
    """The user's manifests as they are written, and which container of which object is the server.

    `host` and `port` are those of the Service in front of it, None where there is none. `texts` are those of the
    documents, empty where one has none of its own.
    """

    documents: tuple[JsonObject, ...]
    kind: str
    name: str
    container: str
    host: str | None = None
    port: int | None = None
    labels: JsonObject = field(default_factory=dict)
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Doubts:
    """What our own check says of a written text, a sentence each: `found` are problems, `open` what it left open.

    `checked` is False where no check was made yet, `fails` tells whether an error is among the problems.
    """

    found: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    checked: bool = False
    fails: bool = False


@dataclass(frozen=True)
class Recipe:
    """`engine` is None where the plan is about packages alone. `image` holds the engine's `version` already.

    `command` is the corrected launch, as it is typed; `model` the word that names the model there, `folder` set where
    that is a folder of this machine. `pins` are all releases, `layer` those that an official image gets on top (empty
    for one of which nobody here knows the releases), `source` distributions without a wheel. `python` is `X.Y`.
    `interpreter` is the target's, where it may be changed.

    `name` is the service's, `served` what clients call the model. `secrets` are variables, one for each `***` of the
    command, `hidden` those of the environment whose value is not shown, `key` the one that holds the server's own key.
    `weights` are bytes to fetch and to load (None: not known). `exporter` names the one for GPUs that fits the machine.
    `relaxed` says that the image's CUDA is newer than the driver's, of its major. `resolved`: `pins` are all that is
    needed. `nodes` machines serve one copy together. `changed`: the command or the packages are not as they were.
    `spelled` are words of the command as the user wrote them, with variables, by what those stand for.
    `ports` and `volumes` are the user's, as they are written for `docker run`; `shares_memory`: with the host's.
    `script` is where the command stands if that is a script of the user's: nothing else may take its place.
    `left` says what of the user's deployment the file does not have, a sentence each.
    `cache` is where the container keeps what it fetches from the hub, `lost`: no volume of the user's holds that.
    `listens` is the port of a server whose options nobody here knows, `curl`: its image has that, and no Python.
    `texts` are shell texts of the user's that start the server among other things, by the command `was`.
    `on_host`: it has the network of its machine. `own` is the user's compose service, `manifests` are theirs for
    Kubernetes, `doubts` what the check of the written text found.
    """

    engine: str | None = None
    version: str | None = None
    image: str | None = None
    command: tuple[str, ...] = ()
    model: str | None = None
    folder: str | None = None
    gpus: int = 1
    python: str = "3.11"
    pins: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str | None] = field(default_factory=dict)
    layer: dict[str, str] = field(default_factory=dict)
    source: frozenset[str] = frozenset()
    environ: dict[str, str] = field(default_factory=dict)
    interpreter: str | None = None
    metrics: tuple[str, ...] | None = ()
    why: tuple[str, ...] = ()
    proof: str = ""
    name: str = "server"
    served: str | None = None
    secrets: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    key: str | None = None
    weights: int | None = None
    exporter: str = "nvidia-smi"
    relaxed: str = ""
    resolved: bool = True
    nodes: int = 1
    changed: bool = True
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    shares_memory: bool = False
    script: str = ""
    left: tuple[str, ...] = ()
    cache: str = HUB_HOME
    lost: bool = False
    listens: int | None = None
    curl: bool = False
    own: OwnService | None = None
    manifests: OwnManifests | None = None
    spelled: dict[str, str] = field(default_factory=dict)
    on_host: bool = False
    texts: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    doubts: Doubts = field(default_factory=lambda: Doubts())

    @property
    def port(self) -> int:
        """The server's port: as launched, else the engine's own."""
        row = engine_row(self.engine)
        if self.listens is not None:
            return self.listens
        option = row.option("port")
        for at, word in enumerate(self.command):
            name, equals, value = word.partition("=")
            if option and name.replace("_", "-") == option.replace("_", "-"):
                told = value if equals else self.command[at + 1] if at + 1 < len(self.command) else ""
                if told.isdigit() and 0 < int(told) < 65536:
                    return int(told)
        return row.port or 8000

    @property
    def behind_options(self) -> list[tuple[str, str]]:
        """The options of the command whose values are not shown, each with the variable for its value."""
        options = (option for option, _ in hidden_in(self.command))
        return list(zip(options, self.secrets, strict=False))

    @property
    def shared_gpus(self) -> int:
        """The GPUs that it takes of each of its machines."""
        return self.gpus and max(1, self.gpus // self.nodes)

    @property
    def host(self) -> str:
        """The name by which others of the deployment reach the server."""
        if self.manifests and self.manifests.host:
            return self.manifests.host
        if self.on_host:
            return THE_HOST
        kind, _, other = str(self.own.service.get("network_mode") or "").partition(":") if self.own else ("", "", "")
        return THE_HOST if kind == "host" else other if kind in ("service", "container") and other else self.name

    @property
    def address(self) -> str:
        """Where others of the deployment reach the server."""
        port = self.manifests.port if self.manifests and self.manifests.host else None
        return f"{self.host}:{port or self.port}"

    @property
    def wheels(self) -> dict[str, str]:
        """The pins that have wheels."""
        return {n: v for n, v in self.pins.items() if n not in self.source}


def pinned(name: str, version: str) -> str:
    """An exact requirement; the name alone where no release of it is known."""
    return f"{name}=={version}" if version else name


def python_probe(port: int, route: str) -> str:
    """Python that fails unless a server answers; the images of engines and of the gateway have no curl for certain."""
    return f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}{route}', timeout=8)"


def head(plan: Recipe, *more: str) -> str:
    """The lines at the top of every file: how it was checked, what is wrong or open, and why it is as it is."""
    return comment((WRITTEN[2:], *_checked(plan), *plan.why, *plan.left, *more))


def _checked(plan: Recipe) -> tuple[str, ...]:
    doubts = plan.doubts
    if not doubts.checked:
        return (plan.proof,)
    if not doubts.found and not doubts.open:
        return ("\N{CHECK MARK} This file passes `qvl-doctor check`.", plan.proof)
    wrong = (
        ("STILL WRONG:" if doubts.fails else "Warnings:", *(f"  {line}" for line in doubts.found))
        if doubts.found
        else ()
    )
    told = "Nothing wrong was found in this file; open" if not doubts.found else "Open"
    left = (f"{told}:", *(f"  {line}" for line in doubts.open)) if doubts.open else ()
    return (*wrong, *left, plan.proof)


def comment(lines: tuple[str, ...], mark: str = "#") -> str:
    """Lines of comment, each cut to a readable width; nothing in them can end the comment."""
    import textwrap

    from doctor.base.text import one_line

    out = []
    for line in lines:
        front = f"{mark} {' ' * (len(line) - len(line.lstrip(' ')))}"
        out += textwrap.wrap(one_line(line, 1000), 96, initial_indent=front, subsequent_indent=f"{front}  ",
                             break_on_hyphens=False)  # fmt: skip
    return "\n".join(out)
