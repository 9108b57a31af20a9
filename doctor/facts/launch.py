"""The command that the user wants to start, and what stands around it: variables, a container."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.facts.gateway import Route
from doctor.facts.written import Written

HUB_HOME = "/root/.cache/huggingface"  # where the official images keep what the hub's client fetches
KUBERNETES = "Kubernetes"  # `how` of a container in a pod
RAY = "Kubernetes, in a Ray cluster"
QUADLET = "Quadlet"  # ... in a unit that Podman makes a service of
DOCKERFILE = "Dockerfile"  # of an image that somebody starts in a way that is not said
NODE_MEMORY = "node memory"  # `ipc` of a container whose shared memory is as large as the node's memory allows


@dataclass(frozen=True, slots=True)
class Container:
    """The container that the command runs in: by `docker run`, a compose service, a pod ...; None: not said there.

    `gpus` is what was asked for (`all`, `2`, `device=0,1`), `runtime` such as `nvidia`; `shm_size` in bytes, `ipc` as
    written (`host`); `ports` and `volumes` as written; `healthcheck` tells whether one is set, `memory` the limit in
    bytes. `patience` is how many seconds the health check gives the server from its start until the container counts as
    unhealthy. `capabilities` are those of a GPU reservation of compose. `nodes` is how many machines serve one copy of
    the model together, each with these GPUs; 0 for a cluster whose size is not said. `probed` is what its health
    check, or a pod's probes, ask: the port, the path where an error status counts, and `key` for a header of its own
    (`livenessProbe 8000 /health`). `refused` are sentences on what Compose does not accept in the project.
    """

    how: str
    image: str | None = None
    gpus: str | None = None
    capabilities: tuple[str, ...] = ()
    runtime: str | None = None
    shm_size: int | None = None
    ipc: str | None = None
    memory: int | None = None
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: bool | None = None
    restart: str | None = None
    patience: int | None = None
    nodes: int = 1
    probed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Granted:
    """What a scheduler gives the command: `gpus` on each of `nodes` machines, None where that is not said.

    `how` says where that stands (`Slurm job serve.sbatch`).
    """

    how: str
    gpus: int | None = None
    nodes: int = 1


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch command taken apart: `argv` as given (secrets redacted), the engine, the module or command it starts.

    `module` is what `python -m` names; `program` is the console command; both None for anything we do not know.
    `argv` is the engine's own command: what stands before it (`docker run ...`, `env A=b`, a script) is taken off and
    told by `source`, the words as they were given are `given`. `arguments` are the words behind the subcommand: what
    the engine's parser gets. `environ` holds the variables set for it, by allowlist, secrets redacted.
    `unread` are sentences on what could not be followed: a variable of a script that is computed when it runs.

    `why` says how the server's command was found, or why none was; `near` is the start command that was likely meant.
    `lead` are the words as given in front of `arguments`, None where those do not end the words. Words that the
    program takes otherwise than they were meant are read as they were meant, and told: `doubled` repeat what the image
    starts already, `unsplit` hold an option and its value in one word. `machine` and `elsewhere` say where it runs, if
    neither on this machine nor in this environment. `guessed`: found behind a program that nobody knows. `guards` are
    conditions of a script on which the command hangs, `alternatives` what else the script may start. `literal` are
    words with a `$NAME` that no shell reads, so that the program is given them as they are. `cut` are the words of the
    line behind the command that begins with an option: the line break made it a command of its own. `front` is the
    program that runs in front of a server which was started with `&`, `routes` are the addresses that it asks.
    `granted` is what a scheduler gives it; `written` is where its words stand in the file that it comes from.
    """

    argv: tuple[str, ...]
    engine: str | None = None
    module: str | None = None
    program: str | None = None
    subcommand: tuple[str, ...] = ()
    workdir: str | None = None
    arguments: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    source: str | None = None
    given: tuple[str, ...] = ()
    container: Container | None = None
    unread: tuple[str, ...] = ()
    why: str = ""
    near: str | None = None
    lead: tuple[str, ...] | None = None
    doubled: tuple[str, ...] = ()
    unsplit: tuple[str, ...] = ()
    machine: str | None = None
    elsewhere: str | None = None
    guessed: bool = False
    guards: tuple[str, ...] = ()
    literal: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    alternatives: tuple[Launch, ...] = ()
    front: str | None = None
    routes: tuple[Route, ...] = ()
    granted: Granted | None = None
    written: Written | None = None
