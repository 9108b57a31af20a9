"""Options that several commands share, and what they mean to the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from doctor.collect.declared.request import DeclaredRequest
    from doctor.collect.python.target import TargetRequest

F = TypeVar("F", bound=Callable[..., Any])
_TARGET = (
    click.option("--python", metavar="EXE|DIR", help="an interpreter, a venv or conda prefix"),
    click.option("--path", "paths", multiple=True, metavar="DIR", help="an entry as on sys.path; repeatable"),
    click.option("--python-version", metavar="X.Y", help="for targets that do not say it themselves"),
    click.option("--platform", metavar="TAG", help="such as linux-x86_64; for targets that do not say it themselves"),
    click.option("--requirements", multiple=True, metavar="FILE", help="not installed: pins of a file or a Dockerfile"),
    click.option("--image", metavar="REF", help="not installed: a container image, such as vllm/vllm-openai:v0.11.0"),
    click.option("--compose", metavar="FILE", help="not installed: a compose file's service"),
    click.option("--service", metavar="NAME", help="which service of the compose file"),
    click.option("--root", metavar="DIR", help="another root file system: /proc, /etc and /usr are read below it"),
)  # fmt: skip
_QUESTION = (
    click.option("--model", metavar="ID|DIR", help="a model's folder, or its name on the hub"),
    click.option("--gpu", metavar="SPEC", help="a GPU one does not have: 'RTX 4090:24GB:8.9x2'"),
    click.option("--driver", metavar="VERSION", help="a driver one does not have: 570.86"),
)


def question_options(command: F) -> F:
    """The options that say what the environment is to serve, and on which machine."""
    for option in reversed(_QUESTION):
        command = option(command)
    return command


def target_options(command: F) -> F:
    """The options that name the environment."""
    for option in reversed(_TARGET):
        command = option(command)
    return command


def target_request(options: dict[str, Any]) -> TargetRequest:
    """The request that the target options make; they are taken out of `options`."""
    from doctor.collect.python.target import TargetRequest

    return TargetRequest(
        python=options.pop("python"), paths=tuple(options.pop("paths")),
        python_version=options.pop("python_version"), platform=options.pop("platform"), root=options.pop("root"),
    )  # fmt: skip


def declared_request(options: dict[str, Any]) -> DeclaredRequest:
    """The declared environment that the options name, if any; they are taken out of `options`."""
    from doctor.collect.declared.request import DeclaredRequest

    return DeclaredRequest(
        tuple(options.pop("requirements")), options.pop("image"), options.pop("compose"), options.pop("service")
    )


def codes(values: tuple[str, ...]) -> tuple[str, ...]:
    """Rule codes or their beginnings, from comma-separated and repeated options. Raises click.UsageError."""
    out = tuple(part.strip().upper() for value in values for part in value.split(",") if part.strip())
    if out:
        from doctor.rules import RULES

        for code in out:
            if not any(rule.code.startswith(code) for rule in RULES):
                raise click.UsageError(f"no rule has the code {code!r}; `qvl-doctor rules` lists them")
    return out
