"""`docker run ... IMAGE ...` taken apart: what it asks of the container, and what runs inside."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field, replace

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts.launch import Container
from doctor.launch.variables import assignments
from doctor.launch.waiting import checks

PROGRAM = late_pattern(r"(?:.*[\\/])?(?:(?:nvidia-)?docker|podman(?:-hpc)?|nerdctl|finch)(?:\.exe)?$")
COMPOSE = late_pattern(r"(?:.*[\\/])?(?:docker|podman)-compose(?:\.exe)?$")
LARGEST = 256 << 10
# options of `docker run` without a value; every other one takes the next word
_BARE_TEXT = """
--detach --interactive --tty --rm --init --privileged --publish-all --read-only --no-healthcheck --oom-kill-disable
--sig-proxy --quiet --disable-content-trust --use-api-socket --tls-verify
"""
_BARE = frozenset(_BARE_TEXT.split())
_LETTERS = frozenset("ditPq")
# options of `docker` itself that take a value
_GLOBAL = {"-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--tlscacert", "--tlscert", "--tlskey"}
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@dataclass(frozen=True)
class DockerRun:
    """`entrypoint` is None where the image's own counts; `command` are the words behind the image."""

    container: Container
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    folder: str = "/"


def subcommand(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """`run` or `compose` of a docker command line, with the words behind it; None for anything else."""
    if words and COMPOSE.match(words[0]):
        return "compose", words[1:]
    if not words or not PROGRAM.match(words[0]):
        return None
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        if rest.pop(0) in _GLOBAL and rest:
            rest.pop(0)
    if rest[:1] == ["container"]:
        rest.pop(0)
    return (rest[0], tuple(rest[1:])) if rest and rest[0] in ("run", "create", "compose") else None


def read_docker_run(words: tuple[str, ...], environ: Mapping[str, str], cwd: str) -> DockerRun | None:
    """The words behind `docker run`; None where no image is named."""
    given: dict[str, list[str]] = {}
    rest = list(words)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            break
        _option(word, rest, given)
    if not rest:
        return None
    last = {name: values[-1] for name, values in given.items()}
    gpus = (last.get("--gpus") or _device(given) or "").strip("\"'") or None
    container = Container(
        "docker run", rest[0], gpus=gpus, runtime=last.get("--runtime"),
        shm_size=size_of(last.get("--shm-size")), ipc=last.get("--ipc"), memory=size_of(last.get("--memory")),
        ports=tuple(given.get("--publish", ())), volumes=_volumes(given),
        healthcheck=_health(last), restart=last.get("--restart"),
        patience=patience(last.get("--health-start-period"), last.get("--health-interval"),
                          last.get("--health-retries")) if _health(last) else None,
        probed=checks("--health-cmd", [last["--health-cmd"]]) if _health(last) else (),
    )  # fmt: skip
    if last.get("--network", last.get("--net")) == "host":
        container = replace(container, ports=("host",))
    entrypoint = (last["--entrypoint"],) if last.get("--entrypoint") else () if "--entrypoint" in last else None
    variables, unread = _environ(given, environ, cwd)
    return DockerRun(container, entrypoint, tuple(rest[1:]), variables, unread, last.get("--workdir") or "/")


_LONG = {"-e": "--env", "-p": "--publish", "-v": "--volume", "-m": "--memory", "-w": "--workdir", "-u": "--user",
         "-h": "--hostname", "-l": "--label", "-c": "--cpu-shares", "-a": "--attach"}  # fmt: skip


def _option(word: str, rest: list[str], given: dict[str, list[str]]) -> None:
    """One option and its value, taken off `rest`: `--gpus all`, `--gpus=all`, `-itd`, `-p8000:8000`."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        if name not in _BARE:
            given.setdefault(name, []).append(value if equals else rest.pop(0) if rest else "")
        elif name == "--no-healthcheck":
            given.setdefault(name, []).append("")
        return
    letters = word[1:]
    while letters and letters[0] in _LETTERS:
        letters = letters[1:]
    if letters:
        name = _LONG.get(f"-{letters[0]}", f"-{letters[0]}")
        value = letters[1:].removeprefix("=")
        given.setdefault(name, []).append(value if letters[1:] else rest.pop(0) if rest else "")


def _device(given: dict[str, list[str]]) -> str | None:
    """GPUs given as CDI devices (`--device nvidia.com/gpu=all`)."""
    devices = given.get("--device", ())
    if any(d.startswith(("/dev/kfd", "/dev/dri", "amd.com/gpu", "/dev/davinci")) for d in devices):
        return "devices"
    found = [d.partition("=")[2] for d in devices if d.startswith("nvidia.com/gpu")]
    return ",".join(found) or None


def _volumes(given: dict[str, list[str]]) -> tuple[str, ...]:
    mounts = []
    for mount in given.get("--mount", ()):
        parts = dict(p.partition("=")[::2] for p in mount.split(","))
        source = parts.get("source") or parts.get("src") or ""
        mounts.append(f"{source}:{parts.get('target') or parts.get('dst') or parts.get('destination') or ''}")
    return (*given.get("--volume", ()), *mounts)


_PARTS = late_pattern(r"(\d{1,9}(?:\.\d{1,9})?)(h|ms|us|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}


def patience(start: str | None, interval: str | None, retries: str | None) -> int | None:
    """Seconds from the start until a failing health check makes a container unhealthy; None for what is not understood.

    Docker's own choices: no start period, 30 s between checks, 3 failures.
    """
    first, between = seconds(start or "0s"), seconds(interval or "30s")
    count = int(retries) if retries and retries.isdigit() and len(retries) < 6 else None if retries else 3
    return None if first is None or between is None or count is None else int(first + between * max(count, 1))


def seconds(text: str) -> float | None:
    """`1m30s` in seconds, or None."""
    found = _PARTS.findall(text) if len(text) < 40 else []
    if text == "0":
        return 0.0
    return sum(float(n) * _SECONDS[u] for n, u in found) if "".join(n + u for n, u in found) == text != "" else None


def _health(last: Mapping[str, str]) -> bool | None:
    return False if "--no-healthcheck" in last else True if "--health-cmd" in last else None


def _environ(
    given: dict[str, list[str]], environ: Mapping[str, str], cwd: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables of `--env-file` and `-e`; a name alone takes its value from here."""
    out: dict[str, str] = {}
    unread = []
    for file in given.get("--env-file", ())[:20]:
        text = Files(None).text(os.path.join(cwd, file), LARGEST)
        if text is None:
            unread.append(f"the variables in `{file[:100]}` cannot be read")
        out |= assignments(text or "")
    for word in given.get("--env", ()):
        name, equals, value = word.partition("=")
        if equals or name in environ:
            out[name] = value if equals else environ[name]
    return out, tuple(unread)


def size_of(text: str | None) -> int | None:
    """`16g`, `512MB`, `1.5gb` in bytes; None for anything else."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([bkmgt]?)i?b?", (text or "").strip().lower())
    return int(float(found[1]) * _UNITS[found[2]]) if found else None


@dataclass(frozen=True)
class ComposeUp:
    """`docker compose ... up S`: files, files of variables and profiles as given, the services, the project's folder.

    `command` are the words behind the service of `run`.
    """

    files: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    folder: str | None = None
    services: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


_VERBS = ("up", "run", "create", "start")
_COMPOSE_VALUES = {"-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi",
                   "--progress", "--parallel"}  # fmt: skip
_UP_VALUES = {"--scale", "-t", "--timeout", "--attach", "--no-attach", "--exit-code-from", "--wait-timeout", "--pull"}
_RUN_VALUES = {"-e", "--env", "-v", "--volume", "-p", "--publish", "--name", "--entrypoint", "-u", "--user", "-w",
               "--workdir", "-l", "--label", "--cap-add", "--cap-drop", "--pull"}  # fmt: skip


def compose_up(words: tuple[str, ...]) -> ComposeUp | None:
    """What `docker compose` is told to start; None for another verb."""
    given: dict[str, list[str]] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not equals and word.startswith("-f") and len(word) > 2:
            name, equals, value = "-f", "=", word[2:]
        value = value if equals else rest.pop(0) if name in _COMPOSE_VALUES and rest else ""
        given.setdefault({"-f": "--file"}.get(name, name), []).append(value)
    if rest[:1] not in ([verb] for verb in _VERBS):
        return None
    services, command = _services(rest[0], rest[1:])
    folder = given.get("--project-directory", [None])[-1]
    files, env_files, profiles = (tuple(given.get(n, ())) for n in ("--file", "--env-file", "--profile"))
    return ComposeUp(files, env_files, profiles, folder, services, command)


def _services(verb: str, words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The services behind a verb, and the command that `run` gives to its only one."""
    valued = _RUN_VALUES if verb == "run" else _UP_VALUES
    services: list[str] = []
    todo = list(words)
    while todo:
        word = todo.pop(0)
        if word in valued and todo:
            todo.pop(0)
        elif not word.startswith("-"):
            services.append(word)
            if verb == "run":
                return tuple(services), tuple(todo)
    return tuple(services), ()
