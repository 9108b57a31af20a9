"""The launch command, taken apart as far as it can be without knowing the engines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from doctor.base.files import Files
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN, redact_argv, redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.base.text import one_line
from doctor.facts import Launch
from doctor.launch.container import DockerRun, compose_up, read_docker_run, subcommand
from doctor.launch.shell import Shell
from doctor.launch.starting import invoked
from doctor.launch.wrappers import Unfolded, unfolded
from doctor.matrix.engines import prefixes

_WORDS = 4
_MOST_VARIABLES = 200
# what a server of ours may look at; anything else of the environment is nobody's business
_BESIDE = (
    "CUDA", "NVIDIA", "NCCL", "GLOO", "HF", "HUGGINGFACE", "HUGGING_FACE", "TRANSFORMERS", "TORCH", "TORCHINDUCTOR",
    "PYTORCH", "TRITON", "RAY", "OMP", "MKL", "TOKENIZERS", "FLASHINFER", "MODELSCOPE", "XFORMERS", "TVM", "TIKTOKEN",
    "CUBLAS", "CUDNN",
)  # fmt: skip
_SINGLE = "PYTHONUNBUFFERED|PYTHONNOUSERSITE|LD_LIBRARY_PATH|LD_PRELOAD|XDG_CACHE_HOME"
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
Entrypoint = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class Composed:
    """`docker compose up`: the file, as given or found, and the service if one is named."""

    file: str
    service: str | None


def read_launch(
    argv: tuple[str, ...], environ: Mapping[str, str] | None = None, cwd: str | None = None,
    entrypoint: Entrypoint = lambda _: (),
) -> Launch:  # fmt: skip
    """What is started: the program or `python -m` module, and the words that follow it.

    Wrappers, scripts and `docker run` are taken off; `entrypoint` tells what an image runs before the words of a
    command. `arguments` are all words behind the program or module here: which of them are a subcommand, the engine
    tells.
    """
    ambient = dict(os.environ if environ is None else environ)
    folder = cwd or os.getcwd()
    here = unfolded(Shell(Files(None), ambient, folder), argv)
    container = None
    if run := _docker(here):
        container = run.container
        inner = (*(entrypoint(container.image or "") if run.entrypoint is None else run.entrypoint), *run.command)
        shell = Shell(Files(None), run.environ, "/")
        found = unfolded(shell, inner)
        here = replace(found, set={**run.environ, **found.set}, open=(*here.open, *run.open, *found.open),
                       source=found.source or here.source)  # fmt: skip
    words = here.words
    launch = _classified(words, here.shell.cwd)
    return replace(
        launch, argv=redact_argv(words), given=redact_argv(argv), source=here.source, container=container,
        environ=_shown({**here.shell.environ, **here.set}),
        unread=tuple(one_line(text, 300) for text in here.open[:20]),
    )  # fmt: skip


def composed(argv: tuple[str, ...], environ: Mapping[str, str], cwd: str) -> Composed | None:
    """The compose file and service that `docker compose up` starts; None for any other command."""
    here = unfolded(Shell(Files(None), dict(environ), cwd), argv)
    found = subcommand(here.words)
    asked = compose_up(found[1]) if found and found[0] == "compose" else None
    if asked is None:
        return None
    names = (asked[0],) if asked[0] else COMPOSE_FILES
    paths = [os.path.join(here.shell.cwd, name) for name in names]
    return Composed(next((p for p in paths if os.path.isfile(p)), paths[0]), asked[1])


def image_of(argv: tuple[str, ...], environ: Mapping[str, str], cwd: str) -> str | None:
    """The image that the command runs in, None where it runs in no container."""
    here = unfolded(Shell(Files(None), dict(environ), cwd), argv)
    run = _docker(here)
    return run.container.image if run else here.place.image


def _docker(here: Unfolded) -> DockerRun | None:
    found = subcommand(here.words)
    if found is None or found[0] == "compose":
        return None
    return read_docker_run(found[1], here.shell.environ, here.shell.cwd)


def _classified(words: tuple[str, ...], folder: str) -> Launch:
    run = invoked(words)
    return Launch((), workdir=folder) if run is None else _named(run.program, run.module, run.arguments, folder)


def _named(program: str | None, module: str | None, rest: tuple[str, ...], folder: str) -> Launch:
    bare = program.removesuffix(".exe") if program else None
    shown = redact_argv(rest)
    return Launch((), program=bare, module=module, subcommand=_subcommand(rest), workdir=folder, arguments=shown)


def _subcommand(words: tuple[str, ...]) -> tuple[str, ...]:
    out = []
    for word in words[:_WORDS]:
        if word.startswith("-"):
            break
        out.append(word)
    return redact_argv(tuple(out))


@cache
def _variable() -> re.Pattern[str]:
    """The name of a variable that may be told: an engine's own, or one of what it stands on."""
    beginnings = "|".join((*(re.escape(p) for p in prefixes(native=True)), *(f"{name}_" for name in _BESIDE)))
    return re.compile(rf"(?:{beginnings})[A-Z0-9_]{{1,80}}|{_SINGLE}")


def _shown(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that may be told, secrets hidden."""
    kept = [name for name in sorted(environ) if _variable().fullmatch(name)][:_MOST_VARIABLES]
    return {n: HIDDEN if is_secret_name(n) else one_line(redact_text(environ[n]), 1000) for n in kept}
