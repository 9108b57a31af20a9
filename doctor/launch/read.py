"""THE reading of a launch command: which engine is started, with which words, where, and how that was found.

Everybody who asks what a command means asks here: `check`, `fix`, `run`, and what they write.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.facts import Container, Launch, Route
from doctor.launch.asked import form_of
from doctor.launch.config_file import with_config
from doctor.launch.container import LARGEST, ComposeUp, DockerRun, compose_up, read_docker_run, subcommand
from doctor.launch.dotenv import dotenv
from doctor.launch.hidden import hidden, hidden_launch
from doctor.launch.inner import inner_reader, volume_places
from doctor.launch.program import Program, program_of
from doctor.launch.shell import Shell
from doctor.launch.split import Meant, known, meant
from doctor.launch.wrappers import Unfolded, alternatives
from doctor.matrix.engines import engines, launched_as
from doctor.matrix.other_servers import other_server

MOST = 8
_UNEXPANDED = late_pattern(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*)")
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
Entrypoint = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class Composed:
    """`docker compose up`: the files, as given or found, and what else was told. `beside`: none was named."""

    files: tuple[str, ...]
    told: ComposeUp
    beside: bool


@dataclass(frozen=True)
class Inside:
    """A container that a command runs in: the folder there, and what reads the files that are known of it."""

    folder: str
    read: Callable[[str], str | None]


@dataclass(frozen=True)
class Typed:
    """The words as the user typed them, and where; `inside` is set where that is a container."""

    argv: tuple[str, ...]
    environ: Mapping[str, str]
    cwd: str
    entrypoint: Entrypoint
    inside: Inside | None = None


def read_launch(
    argv: tuple[str, ...], environ: Mapping[str, str] | None = None, cwd: str | None = None,
    entrypoint: Entrypoint = lambda _: (), inside: Inside | None = None,
) -> Launch:  # fmt: skip
    """What a command starts: the engine, its program or module, and the words that its parser gets, secrets hidden.

    Wrappers, scripts and `docker run` are taken off; `entrypoint` tells what an image runs before the words of a
    command. Where a script may start several things, the likeliest is returned, with the others as its alternatives.
    """
    return hidden_launch(read_whole(argv, environ, cwd, entrypoint, inside))


def read_whole(
    argv: tuple[str, ...], environ: Mapping[str, str] | None = None, cwd: str | None = None,
    entrypoint: Entrypoint = lambda _: (), inside: Inside | None = None,
) -> Launch:  # fmt: skip
    """The same with every value as it is given: never to be shown or kept."""
    typed = Typed(argv, dict(os.environ if environ is None else environ), cwd or _here(), entrypoint, inside)
    ways = [launch for here in _unfolded(typed) for launch in _launches(typed, here)]
    serving = [one for one in ways if form_of(one) is not None]
    first, *others = serving or ways
    different = {(o.argv, tuple(sorted(o.environ.items()))): o for o in others if o.argv != first.argv}
    return replace(first, alternatives=tuple(different.values())[:MOST] if serving else ())


def commands_of(
    argv: tuple[str, ...], environ: Mapping[str, str] | None = None, cwd: str | None = None
) -> tuple[Unfolded, ...]:
    """The commands that may be the server, the likeliest first: what `composed` and `image_of` look at."""
    return alternatives(Shell(Files(None), dict(os.environ if environ is None else environ), cwd or _here()), argv)


def composed(commands: tuple[Unfolded, ...]) -> Composed | None:
    """The compose file and service that `docker compose up` starts; None for any other command."""
    here = commands[0]
    found = subcommand(here.words)
    asked = compose_up(found[1]) if found and found[0] == "compose" else None
    if asked is None:
        return None
    cwd, environ = here.shell.cwd, here.shell.environ
    beside = dotenv(Files(None).text(os.path.join(cwd, ".env"), LARGEST) or "", {})
    told = "" if asked.files else environ.get("COMPOSE_FILE") or beside.get("COMPOSE_FILE") or ""
    separator = environ.get("COMPOSE_PATH_SEPARATOR") or beside.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    given = asked.files or tuple(filter(None, told.split(separator)))
    if given:
        return Composed(tuple(os.path.join(cwd, name) for name in given), asked, False)
    return Composed(_found(cwd), asked, True)


def _found(cwd: str) -> tuple[str, ...]:
    """The first usual file in the folder or above it."""
    folder = os.path.abspath(cwd)
    for _ in range(20):
        found = next((p for n in COMPOSE_FILES if os.path.isfile(p := os.path.join(folder, n))), None)
        if found or os.path.dirname(folder) == folder:
            return (found or os.path.join(cwd, COMPOSE_FILES[0]),)
        folder = os.path.dirname(folder)
    return (os.path.join(cwd, COMPOSE_FILES[0]),)


def image_of(commands: tuple[Unfolded, ...]) -> tuple[str, str] | None:
    """The image that the command runs in, and by which program; None where it runs in no container."""
    for here in commands:
        if (run := _docker(here)) is not None and run.container.image:
            return run.container.image, "docker run"
        if here.place.image is not None:
            return here.place.image, " ".join(here.layers[-1:])
    return None


def _unfolded(typed: Typed) -> tuple[Unfolded, ...]:
    inside = typed.inside
    where = Shell(Files(None), typed.environ, inside.folder if inside else typed.cwd, inside.read if inside else None)
    return alternatives(where, typed.argv)


def _docker(here: Unfolded) -> DockerRun | None:
    found = subcommand(here.words)
    if found is None or found[0] == "compose":
        return None
    return read_docker_run(found[1], here.shell.environ, here.shell.cwd)


def _launches(typed: Typed, here: Unfolded) -> list[Launch]:
    """The command of one way through the wrappers; several where a container's own script has several ways."""
    run = _docker(here)
    if run is None:
        return [_launch(typed, one, one.shell.environ, None) for one in _of_image(typed, here)]
    front = typed.entrypoint(run.container.image or "") if run.entrypoint is None else run.entrypoint
    read = inner_reader(volume_places(run.container.volumes, here.shell.cwd))
    where = Shell(Files(None), run.environ, run.folder, read)
    return [
        _launch(typed, _joined(here, run, inner), inner.shell.environ, run.container)
        for inner in alternatives(where, (*front, *run.command))
    ]


def _of_image(typed: Typed, here: Unfolded) -> tuple[Unfolded, ...]:
    """`apptainer run IMAGE --model M`: words that begin with an option are those of the image's own program."""
    front = (
        typed.entrypoint(here.place.image) if here.place.image and here.words[:1] and here.words[0][:1] == "-" else ()
    )
    if not front:
        return (here,)
    return tuple(
        replace(one, place=here.place, open=(*here.open, *one.open), layers=(*here.layers, *one.layers))
        for one in alternatives(here.shell, (*front, *here.words))
    )


def _of_words(said: tuple[str, ...], run: DockerRun) -> tuple[str, ...]:
    """Without what is said of docker's own options, such as `-e HF_TOKEN=$HF_TOKEN`: the engine never sees those."""
    inner = " ".join((*(run.entrypoint or ()), run.container.image or "", *run.command))
    return tuple(t for t in said if (found := _VALUE.match(t)) is None or _stands(found, inner, run))


def _stands(said: re.Match[str], inner: str, run: DockerRun) -> bool:
    """Whether the words of the container hold what is said to be unknown."""
    name = said["set"] or said["default"]
    if said["default"] and name in run.environ:  # its default stands where it was
        return False
    return bool(re.search(rf"\$\{{?{name}\b", inner)) if said["set"] else name is not None or said["computed"] in inner


def _joined(outer: Unfolded, run: DockerRun, inner: Unfolded) -> Unfolded:
    return replace(
        inner, set={**run.environ, **inner.set}, open=(*_of_words(outer.open, run), *run.open, *inner.open),
        source=inner.source or outer.source, guards=(*outer.guards, *inner.guards),
        place=inner.place if inner.place.machine or inner.place.environment else outer.place,
        guessed=outer.guessed or inner.guessed,
    )  # fmt: skip


_VALUE = late_pattern(  # what `shell_text.marks` says of a word
    r"the variable `\$(?P<set>\w+)` is not set here|`\$(?P<default>\w+)` may be set in the environment"
    r"|`(?P<computed>.+)` is known only when the script runs"
)
UNCOVERED = "a model server that the rules do not cover"


def _launch(typed: Typed, here: Unfolded, environ: Mapping[str, str], container: Container | None) -> Launch:
    program = Program() if here.mention else program_of(here.words)
    form = launched_as(program.name, program.module, program.subcommand)
    engine = form[0].name if form else _named(program)
    behind = len(form[1].subcommand) if form else 0
    own = program.rest[behind:]
    away = here.shell.inner is None and (here.place.machine or here.place.environment)
    raw = own if away or not form else with_config(own, here.shell, model_first=bool(form[1].subcommand))
    given = known(raw) if here.source else raw
    words = meant(given, engine, serve=form[1].serve or not form[1].module) if form else Meant(given)
    front = here.words[: len(here.words) - len(own)]
    ends = bool(raw) and typed.argv[-len(raw) :] == raw
    lead = typed.argv[: len(typed.argv) - len(raw)] if ends else typed.argv if not raw and not here.source else None
    launch = Launch(
        (*front, *words.words), engine, program.module, program.name, program.subcommand, here.shell.cwd, words.words,
        {**environ, **here.set}, here.source, typed.argv, container, tuple(one_line(t, 300) for t in here.open[:20]),
        lead=lead, doubled=words.doubled, unsplit=words.unsplit, machine=here.place.machine,
        elsewhere=here.place.environment, guessed=here.guessed, guards=here.guards[:MOST],
        cut=here.cut, literal=() if here.source else _literal(raw),
        front=_brief(here.front.words) if here.front else None,
        routes=tuple(Route(n, redact_text(url)) for n, url in (here.front.routes if here.front else ())),
    )  # fmt: skip
    launch = replace(launch, why=_why(here, launch, bool(form)))
    return launch if form else replace(launch, near=_near(here.words))


def _near(words: tuple[str, ...]) -> str | None:
    from doctor.launch.near import near_program

    return near_program(words)


def _literal(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words with a `$NAME` in them; JSON and texts may hold one that means something else."""
    plain = (w for w in words if not w.startswith(("{", "[")) and " " not in w)
    return tuple(w for w in plain if _UNEXPANDED.search(w))[:MOST]


def _named(program: Program) -> str | None:
    """An engine's package or command, though not in a form that starts a server."""
    name = (program.module or program.name or "").partition(".")[0]
    return next((e.name for e in engines() if name and name in (e.package, e.name)), None)


def _why(here: Unfolded, launch: Launch, found: bool) -> str:
    """How the command was found, or why none was: one sentence without its full stop."""
    shown = _brief(here.words)
    if found:
        start = one_line(" ".join(launch.argv[: len(launch.argv) - len(launch.arguments)]), 120)
        place = f", found in {here.source}" if here.source else ""
        behind = f", behind `{'`, `'.join(here.layers[:4])}`" if here.layers and not here.source else ""
        return f"`{start}` starts {launch.engine}{place or behind}"
    if here.open and not here.words:
        return here.open[-1]
    if not here.words:
        return "no command was given"
    if here.mention:
        return f"`{shown}` starts no server"
    if launch.engine is not None:
        return f"`{shown}` is a command of {launch.engine} that starts no server"
    if other := other_server(launch.program, launch.module):
        way = f"; {other.way}" if other.way else ""
        return f"`{shown}` starts {other.name}, {UNCOVERED}{way}"
    return f"`{shown}` is not a start command of an engine that is known here"


def _brief(words: tuple[str, ...]) -> str:
    """The program with up to two words behind it, up to the first that is a text of its own."""
    texts = (at for at, w in enumerate(words) if len(w.split()) != 1)
    return one_line(" ".join(hidden(words[: max(1, min(3, next(texts, 3)))])), 80)


def _here() -> str:
    """The working folder; the root where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep
