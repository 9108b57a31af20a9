"""Options that several commands share, and what they mean to the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from doctor.collect.declared.request import DeclaredRequest
    from doctor.collect.python.target import TargetRequest

F = TypeVar("F", bound=Callable[..., Any])
_TARGET = (
    click.option("--python", metavar="EXE|DIR", help="target: an interpreter, a venv or a conda prefix"),
    click.option("--path", "paths", multiple=True, metavar="DIR", help="target: a sys.path entry; repeatable"),
    click.option("--python-version", metavar="X.Y", help="Python version, if the target does not say it"),
    click.option("--platform", metavar="TAG", help="platform such as linux-x86_64, if the target does not say it"),
    click.option("--requirements", multiple=True, metavar="FILE", help="not installed yet: list, lock or Dockerfile"),
    click.option("--image", metavar="REF", help="not installed yet: image such as vllm/vllm-openai:v0.11.0"),
    click.option("--compose", multiple=True, metavar="FILE", help="not installed yet: a compose service; repeatable"),
    click.option("--env-file", "env_files", multiple=True, metavar="FILE", help="variables for --compose, not .env"),
    click.option("--deployment", "deployments", multiple=True, metavar="FILE", help="manifest, chart, compose, unit"),
    click.option("--values", "values_files", multiple=True, metavar="FILE", help="values of a Helm chart; repeatable"),
    click.option("--service", metavar="NAME", help="only this service of the compose file or deployment"),
    click.option("--root", metavar="DIR", help="another root file system; /proc, /etc and /usr are read below it"),
)  # fmt: skip
_QUESTION = (
    click.option("--model", metavar="ID|DIR", help="a model folder, or a model's name on the hub"),
    click.option(
        "--gpu",
        metavar="SPEC",
        multiple=True,
        callback=lambda _, __, given: ";".join(given) or None,
        help="assume this GPU: 'RTX 4090x2', 'RTX 4090:24GB:8.9x2'; repeatable for GPUs that differ",
    ),
    click.option("--driver", metavar="VERSION", help="assume this driver: 580, 570.86"),
)


_CONFIGURATION = (
    click.option("--launch", "named", multiple=True, metavar="NAME", help="a launch of the configuration file"),
    click.option("--config", metavar="FILE", help="use this configuration, not qvl-doctor.toml or pyproject.toml"),
    click.option("--no-config", is_flag=True, help="use no configuration file"),
)


def launch_argument(command: F) -> F:
    """The launch command behind `--`: its words, or all of it in quotes, as one pastes it."""
    form = "[-- LAUNCH COMMAND]"
    return click.argument("launch", nargs=-1, type=click.UNPROCESSED, metavar=form, callback=_as_words)(command)


def _as_words(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """A command that is one word with spaces was put in quotes; a program's own path may have spaces, too."""
    if len(given) != 1 or len(given[0].split()) < 2 or _is_there(given[0]):
        return given
    from doctor.launch.typed_line import argv_of

    try:
        return argv_of(given[0])
    except ValueError as error:
        raise click.UsageError(f"the command after `--` cannot be read: {error}") from None


def _is_there(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # longer than a name can be
        return False


def configuration_options(command: F) -> F:
    """The options that say which configuration file counts, and which launch of it."""
    for option in reversed(_CONFIGURATION):
        command = option(command)
    return command


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
    from doctor.collect.declared.request import Composing, DeclaredRequest

    first, *others = options.pop("compose") or (None,)
    composing = Composing(tuple(others), tuple(options.pop("env_files")))
    if composing.env_files and first is None:
        raise click.UsageError("`--env-file` requires `--compose`")
    return DeclaredRequest(
        tuple(options.pop("requirements")), options.pop("image"), first, options.pop("service"), composing=composing,
        deployments=_deployments(options),
    )  # fmt: skip


def _deployments(options: dict[str, Any]) -> tuple[str, ...]:
    """The deployment files, Helm's charts as manifests; their options are taken out of `options`."""
    files, values = tuple(options.pop("deployments")), tuple(options.pop("values_files"))
    if not files and not values:
        return ()
    from doctor.cli.request.charts import manifests_of, rendered

    return rendered(tuple(file for name in files for file in manifests_of(name)), values)


def codes(values: tuple[str, ...]) -> tuple[str, ...]:
    """Rule codes or their beginnings, from comma-separated and repeated options. Raises click.UsageError."""
    out = tuple(part.strip().upper() for value in values for part in value.split(",") if part.strip())
    if out:
        from doctor.rules import RULES

        for code in out:
            if not any(rule.code.startswith(code) for rule in RULES):
                raise click.UsageError(f"no rule has the code {code!r}; `qvl-doctor rules` lists them")
    return out
