"""A Dockerfile read for what it declares: base image, pip lines, variables, and the command that it starts."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import field

from doctor.base.record import dataclass
from doctor.collect.declared.requirements import Reading, read_line, read_requirements
from doctor.collect.declared.text import logical_lines, name_of, read_text
from doctor.collect.python.target import TargetError
from doctor.facts import Problem
from doctor.launch.variables import substituted

MOST_STEPS = 2000
_INSTRUCTION = re.compile(r"\s*([A-Za-z]{2,20})\s+(.*)$", re.DOTALL)
_FROM = re.compile(r"(?:--platform=\S+\s+)?(\S+)(?:\s+[Aa][Ss]\s+(\S+))?\s*$")
_PYTHON = re.compile(r"(?:.*/)?python[0-9.]*$")
_PIP = re.compile(r"(?:.*/)?pip[0-9.]*$")
_BEFORE = frozenset({"uv", "-m", "sudo", "-E", "-H", "env", "exec", "time", "then", "else", "do", "{", "!", "-u", "-I"})
_HERE = re.compile(r"<<-?\s*[\"']?([A-Za-z_]\w{0,40})[\"']?")
# options of `pip install` and `uv pip install` whose value is the next word
_VALUES = """
-i --index-url --extra-index-url -f --find-links --index --default-index -t --target --prefix --root --python -p
--python-version --platform --abi --implementation --trusted-host --proxy --cache-dir --timeout --retries --only-binary
--no-binary --progress-bar --log --src --report --upgrade-strategy --use-feature --cert --client-cert --prerelease
--index-strategy --link-mode --torch-backend --keyring-provider --exclude-newer --config-settings -C --global-option
"""
_VALUED = frozenset(_VALUES.split())


@dataclass
class Stage:
    """One `FROM` and what follows it; `image` is a reference, or the name of an earlier stage."""

    image: str
    name: str = ""
    runs: list[tuple[int, str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None


@dataclass
class Built:
    """What a Dockerfile makes: the image it begins with and the command it ends in; pins are in the `Reading`."""

    image: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    variables: dict[str, str] = field(default_factory=dict)


def looks_like_dockerfile(path: str, text: str) -> bool:
    """By its name (`Dockerfile`, `Containerfile`, `x.dockerfile`), else by a first instruction that is FROM or ARG."""
    name = os.path.basename(path).lower()
    if name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile")):
        return True
    first = next((line for line in text.splitlines()[:200] if line.strip() and not line.lstrip().startswith("#")), "")
    return bool(re.match(r"\s*(?:FROM\s+\S+|ARG\s+\w+)", first))


def read_dockerfile(
    path: str, reading: Reading, target: str | None = None, arguments: dict[str, str] | None = None
) -> Built:
    """Follows the last stage (or `target`) down to its image. Raises TargetError for a file that has no FROM."""
    text = read_text(path, "--requirements")
    stages = _stages(logical_lines(_joined_documents(text), path, reading.problems), arguments or {})
    if not stages:
        raise TargetError(f"`{path}` has no FROM line, so it is not a Dockerfile")
    chain: list[Stage] = []
    at: Stage | None = next((s for s in stages if s.name and s.name == target), stages[-1])
    while at is not None:
        chain.append(at)
        place = stages.index(at)
        at = next((s for s in stages[:place] if s.name and s.name == chain[-1].image.lower()), None)
    built = Built(image=chain[-1].image)
    for stage in reversed(chain):
        built.variables |= stage.variables
        built.entrypoint, built.command = stage.entrypoint or built.entrypoint, stage.command or built.command
        for number, run in stage.runs[:MOST_STEPS]:
            run = re.sub(r"^(?:--[a-z]+(?:=\S+)?\s+)+", "", run)
            read_commands(substituted(run, built.variables), f"{name_of(path)}:{number}", path, reading)
    return built


def _stages(lines: list[tuple[int, str]], arguments: dict[str, str]) -> list[Stage]:
    stages: list[Stage] = []
    shared: dict[str, str] = {}
    for number, line in lines:
        found = _INSTRUCTION.match(line)
        if found is None or line.lstrip().startswith("#"):
            continue
        word, rest = found[1].upper(), found[2].strip()
        here = stages[-1].variables if stages else shared
        if word == "FROM" and (base := _FROM.match(substituted(rest, shared))):
            stages.append(Stage(base[1], (base[2] or "").lower()))
        elif word == "ARG":
            _argument(rest, here, shared, arguments)
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
    if word == "RUN":
        stage.runs.append((number, rest))
    elif word == "ENV":
        for name, value in _pairs(rest):
            stage.variables[name] = substituted(value, stage.variables)
    elif word == "ENTRYPOINT":
        stage.entrypoint, stage.command = words_of(rest), None
    elif word == "CMD":
        stage.command = words_of(rest)


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    words = _split(rest)
    if words and "=" not in words[0]:
        yield words[0], " ".join(words[1:])
        return
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value


def words_of(text: str) -> tuple[str, ...]:
    """A command in its list form or its shell form."""
    if text.startswith("["):
        try:
            words = json.loads(text)
            if isinstance(words, list) and all(isinstance(w, str) for w in words):
                return tuple(words)
        except (ValueError, RecursionError):
            pass
    return tuple(_split(text))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=False)
    except ValueError:
        return text.split()


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


def read_commands(script: str, source: str, path: str, reading: Reading) -> tuple[str, ...]:
    """Adds the pins of a shell line's `pip install`; its last other command comes back."""
    last: tuple[str, ...] = ()
    for command in _commands(script):
        words = _after_install(command)
        if words is not None:
            reading.step += 1
            _read_words(words, source, path, reading)
        elif command:
            last = tuple(command[1:] if command[0] == "exec" else command)
    return last


def _commands(run: str) -> Iterator[list[str]]:
    """The single commands of a shell line; quoted operators stay inside their words."""
    try:
        lexer = shlex.shlex(run.replace("\\\n", " "), posix=True, punctuation_chars="&|;()\n")
        lexer.whitespace, lexer.whitespace_split = " \t\r", True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        words = run.split()
    command: list[str] = []
    for word in words:
        if word and not word.strip("&|;()\n"):
            yield command
            command = []
        else:
            command.append(word)
    yield command


def _after_install(words: list[str]) -> list[str] | None:
    """What follows `pip install`, `python -m pip install` or `uv pip install`; None for any other command."""
    for at, word in enumerate(words[:20]):
        if _PIP.match(word):
            found = "install" in words[at + 1 : at + 6]
            return words[words.index("install", at) + 1 :] if found else None
        if word not in _BEFORE and "=" not in word and not _PYTHON.match(word):
            return None
    return None


def _read_words(words: list[str], source: str, path: str, reading: Reading) -> None:
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in ("-r", "--requirement", "-c", "--constraint"):
            file = value if equals else next(rest, "")
            _read_named(file, source, path, reading, constraint=name in ("-c", "--constraint"))
        elif word in ("-e", "--editable") or word in _VALUED:
            next(rest, "")
        elif not word.startswith("-"):
            read_line(word, source, path, reading)


def _read_named(file: str, source: str, path: str, reading: Reading, constraint: bool) -> None:
    """A requirement file that was copied into the image: looked for beside the Dockerfile, by path, then by name."""
    folder = os.path.dirname(path)
    for candidate in (file.lstrip("/"), os.path.basename(file)):
        if candidate and os.path.isfile(os.path.join(folder, candidate)):
            read_requirements(os.path.join(folder, candidate), reading, constraint, depth=1)
            return
    reading.problems.append(Problem(source, f"`{source}` installs `{file[:100]}`, which is not next to the Dockerfile"))
