"""What a plan's files are made of beside its packages: secrets by name, the machine, the user's own service."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN
from doctor.base.text import one_line
from doctor.derived.container import container_of
from doctor.derived.goal import goal_of
from doctor.derived.hub_cache import cache_places, fetched, held
from doctor.facts import Facts, Gpu, Host, Launch
from doctor.findings.proposal import Proposal
from doctor.launch.container import DockerRun, read_docker_run, subcommand
from doctor.launch.naming import hidden_in, names_of
from doctor.launch.server import Server, server_of
from doctor.matrix.engines import engine_row
from doctor.matrix.gpus import is_data_center
from doctor.memory.footprint import footprint
from doctor.report.plan.recipe import OwnManifests, OwnService, Recipe

_TEXT = ("-c", "-lc", "-ec", "-exc", "-xec")  # a shell's option in front of its text
_STEPS = late_pattern(r"\n|;|&&|\|\||[^>&]&\s")
_SCRIPT = late_pattern(r"\S+:\d+")  # a script's line
_VARIABLE = late_pattern(r"\$\{?[A-Za-z_]\w{0,80}\}?")


@dataclass(frozen=True)
class Own:
    """The user's compose service, or a container of their manifests, as it is `written` there.

    `words` are those of its command with `${NAME}` kept, `filled` the same with their values, hidden where secret.
    `folder` is that of a compose project, where its relative paths and its `.env` are read.
    """

    name: str
    written: OwnService | OwnManifests
    words: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    folder: str | None = None

    @property
    def spelled(self) -> dict[str, str]:
        """Words with a variable in them, by what they stand for."""
        pairs = zip(self.filled, self.words, strict=False) if len(self.filled) == len(self.words) else ()
        return {value: word for value, word in pairs if "$" in word and HIDDEN not in value}


@dataclass(frozen=True)
class Origin:
    """The service that a file is made from. `words` are those of its command as written, `filled` with their values.

    `environ` are its variables, hidden where secret; `volumes` as for `docker run`; `left` says what is not taken over,
    `given` names variables that their cluster sets by itself.
    """

    name: str
    environ: dict[str, str]
    volumes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()


def placed(made: Recipe, answer: Proposal, own: Own | None, origin: Origin | None = None) -> Recipe:
    """The recipe with the service that it describes; `origin` is the user's where their file is of another form."""
    from_file = own or origin
    made = replace(made, command=_with_unset(made.command, from_file))
    facts = answer.before.facts
    launch = facts.launch if isinstance(facts.launch, Launch) else Launch(())
    given = (*(from_file.words if from_file else ()), *launch.given)
    command, secrets = _named(made.command, made.engine, given)
    made = replace(made, command=command) if own is None else made
    secrets = secrets if own is None else names_of(made.command, engine_row(made.engine), given)
    run = _docker_run(launch) if own is None else None
    theirs = run.environ if run else origin.environ if origin else {}
    ours = {n: v for n, v in made.environ.items() if origin is None or n not in origin.given}
    environ = {**ours, **theirs, **_set_by(made, answer)} if own is None else _set_by(made, answer)
    here = _server(answer, made.version)
    cache, lost = _cache(facts, launch, environ, own is not None)
    made = replace(_in_place(made, own, origin, run), script=_script(launch, own))
    made = replace(made, texts=_texts(own), was=launch.argv) if made.script else made
    made = replace(made, left=(*made.left, *_computed(made.command))) if own is None else made
    return replace(
        made, cache=cache, lost=lost, served=here.names[0] if here and here.names else None,
        secrets=secrets, hidden=tuple(n for n, v in environ.items() if HIDDEN in v), environ=environ,
        key=_key(made, secrets, environ, launch), weights=_weights(facts),
        exporter=exporter_for(
            facts.gpu if isinstance(facts.gpu, Gpu) else Gpu(), facts.host if isinstance(facts.host, Host) else None
        ),
        nodes=_nodes(facts), changed=_changed(answer, own, here),
    )  # fmt: skip


def _script(launch: Launch, own: Own | None) -> str:
    """Where the server's command stands, where that is text which does more than start it; empty for none."""
    if own is None:
        return ""
    source = launch.source or ""
    if _SCRIPT.fullmatch(source):
        return source
    return f"the shell text of `{own.name}`" if _texts(own) or launch.front is not None else ""


def _texts(own: Own | None) -> tuple[str, ...]:
    """The texts for a shell among the user's words that do more than one thing, as they are written."""
    words = own.words if own else ()
    return tuple(w for before, w in pairwise(words) if before in _TEXT and _STEPS.search(w.strip()))


def _in_place(made: Recipe, own: Own | None, origin: Origin | None, run: DockerRun | None) -> Recipe:
    """The recipe with what its file takes over from the user's file, or from their `docker run`."""
    if own is not None:
        written = own.written
        return replace(
            made, name=own.name.split("/")[0], spelled=own.spelled,
            own=written if isinstance(written, OwnService) else None,
            manifests=written if isinstance(written, OwnManifests) else None,
        )  # fmt: skip
    if run is not None:
        ports = tuple(p for p in run.container.ports if p != "host")
        return replace(made, ports=ports, volumes=run.container.volumes, shares_memory=run.container.ipc == "host")
    return replace(made, name=origin.name, volumes=origin.volumes, left=origin.left) if origin else made


def _computed(command: tuple[str, ...]) -> tuple[str, ...]:
    """Words that only a script can fill in, a sentence each."""
    found = (w for w in command if "$(" in w or "`" in w)
    return tuple(f"Write the value in place of {one_line(w, 100)}, which a script computes." for w in found)


def _with_unset(command: tuple[str, ...], own: Own | Origin | None) -> tuple[str, ...]:
    """The command with a hidden value for each word that is a variable which nobody sets here."""
    if own is None or len(own.filled) != len(own.words):
        return command
    unset = {before for before, now, word in zip(own.filled, own.filled[1:], own.words[1:], strict=False)
             if now in ("", HIDDEN) and _VARIABLE.fullmatch(word)}  # fmt: skip
    before = ("", *command)
    pairs = zip(before, command, strict=False)
    return tuple(HIDDEN if not word and option in unset else word for option, word in pairs)


def _named(
    command: tuple[str, ...], engine: str | None, given: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    """The command with a hidden value for each word that is a variable, and the variables of all hidden values."""
    keys = engine_row(engine).names("api_key")  # an empty key is that of a variable which nobody sets here
    pairs = zip(("", *command), command, strict=False)
    out = tuple(HIDDEN if _VARIABLE.fullmatch(w) or (not w and before in keys) else w for before, w in pairs)
    names = list(names_of(out, engine_row(engine), given))
    at = 0
    for word, before in zip(out, command, strict=True):
        if before and word != before:
            names[at] = before.strip("${}")
        at += word.count(HIDDEN)
    return out, tuple(names)


def _docker_run(launch: Launch) -> DockerRun | None:
    """The container of a `docker run` that the user typed: variables with hidden values, ports, volumes."""
    if launch.container is None or launch.container.how != "docker run":
        return None
    for at in range(len(launch.given)):
        found = subcommand(launch.given[at:])
        if found is not None and found[0] == "run":
            names = dict.fromkeys(found[1], HIDDEN)  # `-e NAME` alone takes its value from the shell
            return read_docker_run(found[1], names, launch.workdir or "/")
    read = launch.container.ports, launch.container.volumes  # in a script: as it was read there
    ports, volumes = (tuple(v for v in part if "$" not in v) for part in read)
    return DockerRun(replace(launch.container, ports=ports, volumes=volumes), None, ())


def _set_by(made: Recipe, answer: Proposal) -> dict[str, str]:
    """The variables that the plan itself sets: the user's own stand in their service already."""
    names = {s.action.name for s in answer.plan.steps if s.action.kind == "set_env"}
    return {n: v for n, v in made.environ.items() if n in names}


def _server(answer: Proposal, version: str | None) -> Server | None:
    after = (answer.after or answer.before).facts.launch
    return server_of(after, version) if isinstance(after, Launch) else None


def _key(made: Recipe, secrets: tuple[str, ...], environ: dict[str, str], launch: Launch) -> str | None:
    """The variable with the key that clients of the server need; None where it asks for none."""
    row = engine_row(made.engine)
    for (option, _), name in zip(hidden_in(made.command), secrets, strict=True):
        if option in row.names("api_key"):
            return name
    variable = row.variables.get("api_key")
    return variable if variable and (variable in environ or variable in launch.environ) else None


def _cache(facts: Facts, launch: Launch, environ: dict[str, str], own: bool) -> tuple[str, bool]:
    """Where the container keeps what it fetches, and whether no volume of the user's holds that."""
    places = cache_places(facts, launch.environ if own else environ)
    container = launch.container
    return places[0], fetched(facts) is not None and not held(container.volumes if container else (), places)


def _weights(facts: Facts) -> int | None:
    """Bytes of the weights, as its files or the tables tell them."""
    model = goal_of(facts).model
    found = footprint(model) if model is not None else None
    if found is None:
        return None
    return found.on_disk or found.total


def exporter_for(gpu: Gpu, host: Host | None) -> str:
    """DCGM for a data center's cards on Linux; where a desktop's card, WSL or nothing is known, nvidia-smi."""
    windows = gpu.driver_platform == "windows" or (host is not None and host.wsl is not None)
    served = bool(gpu.devices) and all(is_data_center(d.name) and not d.unified_memory for d in gpu.devices)
    return "dcgm" if served and not windows else "nvidia-smi"


def _nodes(facts: Facts) -> int:
    container = container_of(facts)
    granted = facts.launch.granted if isinstance(facts.launch, Launch) else None
    return max(container.nodes if container else 1, granted.nodes if granted else 1)


def _changed(answer: Proposal, own: Own | None, here: Server | None) -> bool:
    """Whether the user's own command is not what is to be started, or is not reached from outside its container."""
    if own is None:
        return True
    edits = any(s.action.kind == "set_argument" for s in answer.plan.steps)
    before = answer.before.facts.launch
    same = isinstance(before, Launch) and before.argv == answer.plan.launch
    return edits or not same or (here is not None and here.local)
