"""A Dockerfile read for what it declares: base image, pip lines, variables, and the command that it starts."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import field

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.collect.declared.health import HealthCheck, command_of, of_dockerfile
from doctor.collect.declared.pins import Reading
from doctor.collect.declared.pip_lines import read_installs
from doctor.collect.declared.text import logical_lines, name_of, read_text, split_words
from doctor.collect.python.target import TargetError
from doctor.launch.variables import substituted

MOST_STEPS = 2000
SHELL = ("/bin/sh", "-c")
_INSTRUCTION = late_pattern(r"\s*([A-Za-z]{2,20})\s+(.*)$", re.DOTALL)
_FROM = late_pattern(r"(?:--platform=\S+\s+)?(\S+)(?:\s+[Aa][Ss]\s+(\S+))?\s*$")
_HERE = late_pattern(r"<<-?\s*[\"']?([A-Za-z_]\w{0,40})[\"']?")


@dataclass
class Stage:
    """One `FROM` and what follows it; `image` is a reference, or the name of an earlier stage.

    `variables` are those of ENV, `arguments` those of ARG, which a build alone knows. `copies` are sources with their
    destination, `folder` the one that commands run in, `shell` what reads commands in their shell form, `health` what
    HEALTHCHECK says.
    """

    image: str
    name: str = ""
    runs: list[tuple[int, str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    copies: list[tuple[str, str]] = field(default_factory=list)
    folder: str = "/"
    shell: tuple[str, ...] = SHELL
    health: HealthCheck | None = None


@dataclass
class Built:
    """What a Dockerfile makes: the image it begins with and the command it ends in; pins are in the `Reading`.

    `folder` is where the command runs; `places` are paths in the image with the file or folder here that is copied
    there.
    """

    image: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    places: list[tuple[str, str]] = field(default_factory=list)
    health: HealthCheck | None = None


def looks_like_dockerfile(path: str, text: str) -> bool:
    """By its name (`Dockerfile`, `Containerfile`, `x.dockerfile`), else by a first instruction that is FROM or ARG."""
    name = os.path.basename(path).lower()
    if name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile")):
        return True
    first = next((line for line in text.splitlines()[:200] if line.strip() and not line.lstrip().startswith("#")), "")
    return bool(re.match(r"\s*(?:FROM\s+\S+|ARG\s+\w+)", first))


@dataclass(frozen=True)
class Build:
    """How an image is built: the Dockerfile, or its text where a compose file holds it, in the folder `context`.

    `stage` is the one that is wanted, `arguments` are values of ARG.
    """

    path: str
    context: str
    stage: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)
    inline: str | None = None


def read_dockerfile(path: str, reading: Reading, build: Build | None = None) -> Built:
    """Follows the last stage, or the one wanted, down to its image. Raises TargetError for a file that has no FROM."""
    build = build or Build(path, os.path.dirname(path))
    text = read_text(path, "--requirements") if build.inline is None else build.inline
    stages = _stages(logical_lines(_joined_documents(text), path, reading.problems), build.arguments)
    if not stages:
        raise TargetError(f"`{path}` has no FROM line, so it is not a Dockerfile")
    chain = _chain(stages, build.stage)
    built = Built(image=chain[-1].image)
    for stage in reversed(chain):
        _build(built, stage, build, reading)
    return built


def _chain(stages: list[Stage], target: str | None) -> list[Stage]:
    """The last stage, or `target`, and what it stands on, down to an image."""
    first: dict[str, int] = {}
    for number, stage in enumerate(stages):
        first.setdefault(stage.name, number)
    at: int | None = first.get(target, len(stages) - 1) if target else len(stages) - 1
    chain: list[Stage] = []
    while at is not None:
        chain.append(stages[at])
        below = first.get(stages[at].image.lower())
        at = below if below is not None and below < at else None
    return chain


def _build(built: Built, stage: Stage, build: Build, reading: Reading) -> None:
    """One stage on top of what is built so far; an entrypoint drops the command of the image below."""
    built.variables |= stage.variables
    if stage.entrypoint is not None:
        built.entrypoint, built.command = stage.entrypoint, ()
    if stage.command is not None:
        built.command = stage.command
    built.health = stage.health or built.health
    built.folder = posixpath.normpath(posixpath.join(built.folder, stage.folder))
    built.places += [(inside, os.path.join(build.context, outside)) for outside, inside in stage.copies]
    known = {**stage.arguments, **built.variables}
    for number, run in stage.runs[:MOST_STEPS]:
        run = re.sub(r"^(?:--[a-z]+(?:=\S+)?\s+)+", "", run)
        source = f"{name_of(build.path)}:{number}"
        read_installs(run, known, source, os.path.join(build.context, os.path.basename(build.path)), reading)


def _stages(lines: list[tuple[int, str]], arguments: dict[str, str]) -> list[Stage]:
    stages: list[Stage] = []
    shared: dict[str, str] = {}
    for number, line in lines:
        found = _INSTRUCTION.match(line)
        if found is None or line.lstrip().startswith("#"):
            continue
        word, rest = found[1].upper(), found[2].strip()
        if word == "FROM" and (base := _FROM.match(substituted(rest, shared))):
            stages.append(Stage(base[1], (base[2] or "").lower()))
        elif word == "ARG":
            _argument(rest, stages[-1].arguments if stages else shared, shared, arguments)
        elif stages:
            _instruction(stages[-1], number, word, rest)
    return stages


def _argument(rest: str, here: dict[str, str], shared: dict[str, str], arguments: dict[str, str]) -> None:
    name, equals, value = rest.partition("=")
    name = name.strip()
    default = substituted(value.strip("\"'"), here) if equals else shared.get(name)
    if (given := arguments.get(name) or default) is not None:
        here[name] = given


def _instruction(stage: Stage, number: int, word: str, rest: str) -> None:
    known = {**stage.arguments, **stage.variables}
    if word == "RUN":
        stage.runs.append((number, rest))
    elif word == "ENV":
        for name, value in _pairs(rest):
            stage.variables[name] = substituted(value, known)
    elif word == "ENTRYPOINT":
        stage.entrypoint = words_of(rest, stage.shell)
    elif word == "CMD":
        stage.command = words_of(rest, stage.shell)
    elif word == "WORKDIR":
        stage.folder = posixpath.join(stage.folder, substituted(rest.strip("\"'"), known))
    elif word == "HEALTHCHECK":
        stage.health = of_dockerfile(rest, listed(command_of(rest)))
    elif word == "SHELL":
        stage.shell = listed(rest) or stage.shell
    elif word in ("COPY", "ADD"):
        stage.copies += _copies(substituted(rest, known), stage.folder)


def _copies(rest: str, folder: str) -> list[tuple[str, str]]:
    """The sources of a COPY with the path that each gets; what comes from another stage or a URL is left out."""
    words = list(listed(rest) or split_words(rest))
    while words and words[0].startswith("--"):
        if words.pop(0).startswith("--from"):
            return []
    *sources, target = words or [""]
    place = posixpath.normpath(posixpath.join(folder, target))
    out = []
    for source in sources:
        outside = posixpath.normpath(source.lstrip("/"))
        if "://" in source or outside.startswith("..") or source.startswith("<<"):
            continue
        out += [(outside, place), (outside, posixpath.join(place, posixpath.basename(outside)))]
    return out


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    words = split_words(rest)
    if words and "=" not in words[0]:
        yield words[0], " ".join(words[1:])
        return
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value


def words_of(text: str, shell: tuple[str, ...] = SHELL) -> tuple[str, ...]:
    """A command in its list form, word for word, or in its shell form: a text that the image's shell reads."""
    found = listed(text)
    return (*shell, text) if found is None else found


def listed(text: str) -> tuple[str, ...] | None:
    """The words of the list form, a JSON array of texts; None for anything else."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tuple(words) if isinstance(words, list) and all(isinstance(w, str) for w in words) else None


def _joined_documents(text: str) -> str:
    """Here-documents of RUN as one line: its commands with `&&` between them."""
    out: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        found = _HERE.search(line) if re.match(r"\s*RUN\b", line, re.IGNORECASE) else None
        out.append(line)
        if found is None:
            continue
        body: list[str] = []
        for inner in lines:
            if inner.strip() == found[1]:
                break
            body.append(inner.strip())
        out[-1] = line[: found.start()] + " && ".join(b for b in body if b and not b.startswith("#"))
        out.extend("" for _ in body)
    return "\n".join(out)
