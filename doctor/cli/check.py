"""`qvl-doctor check`: will this start here?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from doctor.cli.answer.show import FORMATS, LANGUAGES
from doctor.cli.help import Helped
from doctor.cli.request.options import (
    codes,
    configuration_options,
    declared_request,
    launch_argument,
    question_options,
    target_options,
    target_request,
)

if TYPE_CHECKING:
    from doctor.api import Request
    from doctor.cli.config.applied import Asked
    from doctor.findings import Report


@click.command(cls=Helped, context_settings={"ignore_unknown_options": False})
@target_options
@click.option("--facts", "facts_file", metavar="FILE", help="check saved facts instead of this machine")
@question_options
@click.option("--gateway", metavar="FILE", help="LiteLLM, Prometheus or nginx config that points to this server")
@configuration_options
@click.option("--select", multiple=True, metavar="CODES", help="run only these rules: codes or prefixes")
@click.option("--ignore", multiple=True, metavar="CODES", help="skip these rules: codes or prefixes")
@click.option("--baseline", metavar="FILE", help="count only findings that are not in FILE")
@click.option("--write-baseline", metavar="FILE", help="write the findings to FILE, for --baseline; exit status 0")
@click.option("--fail-on", type=click.Choice(("error", "warning", "never")), default="error", show_default=True)
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
@click.option("--lang", type=click.Choice(LANGUAGES), help="headlines in this language, not the locale's")
@click.option("--no-cache", is_flag=True, help="ignore the cache and what earlier runs logged; read everything again")
@click.option("--offline", is_flag=True, help="do not use the network; a model that is not on this disk stays unknown")
@click.option("--deep", is_flag=True, help="also import the engine for real, in a process of the environment")
@click.option("--all-models", is_flag=True, help="check all modules of the engine, not only those of this launch")
@click.option("--verbose", "-v", is_flag=True, help="all evidence and every fix, notes, each open rule")
@click.option("--quiet", "-q", is_flag=True, help="one line: the verdict and its first cause")
@launch_argument
@click.pass_context
def check(ctx: click.Context, /, **options: Any) -> None:
    """Checks whether a server will start in this environment, and why not. Runs none of its code, except with --deep.

    Example:  qvl-doctor check -- lmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct

    Without a target and a command, checks what qvl-doctor.toml or [tool.qvl-doctor] in pyproject.toml names.

    Exit status: 0 nothing found, 1 findings, 2 usage error, 3 doctor failed, 4 no server command in what was given.
    """
    from doctor.cli.answer.language import choose
    from doctor.cli.answer.show import show_reports
    from doctor.cli.config.applied import asked

    choose(options.pop("lang"), options["form"])
    every = asked(ctx, options)
    if _may_be_kept(every):
        ctx.exit(_answered(every[0]))
    reports = [_report(one) for one in every]
    show_reports(reports, options["form"], options["output"], verbose=options["verbose"], quiet=options["quiet"])
    if baseline := options["write_baseline"]:
        from doctor.cli.config.baselines import write_baseline

        ctx.exit(write_baseline(baseline, reports))
    # a host that reads SARIF takes its verdict from the results, and any other status as a failed upload
    ctx.exit(0 if options["form"] == "sarif" else _status(every, reports))


def _may_be_kept(every: list[Asked]) -> bool:
    """Whether the question is one whose answer can be kept: of one launch here, printed for people."""
    options = every[0].options
    apart = ("facts_file", "output", "no_cache", "deep", "baseline", "write_baseline")
    for_people = options["form"] in ("terminal", "brief")
    asks_once = len(every) == 1 and not any(options[name] for name in apart) and not declared_request(dict(options))
    return asks_once and for_people and sys.platform != "win32"


def _answered(one: Asked) -> int:
    """Prints the answer to one question, from what is kept where it is there, and gives the exit status."""
    from doctor.cli.answer.kept import answer

    with _named(one):
        return answer(one, _request(one), lambda report: _status([one], [report]))


def _status(every: list[Asked], reports: list[Report]) -> int:
    """The worst of all: findings are worse than a command in which no server was found."""
    from doctor.cli.answer.output import FOUND, NO_SERVER, exit_code

    found = {exit_code(report, one.options["fail_on"]) for one, report in zip(every, reports, strict=True)}
    if every[0].options["facts_file"]:
        found.discard(NO_SERVER)  # replayed: nothing was given
    return next((status for status in (FOUND, NO_SERVER) if status in found), 0)


def _request(asked: Asked) -> Request:
    from doctor import api

    options = dict(asked.options)
    baseline = None
    if options["baseline"] and not options["write_baseline"]:
        from doctor.cli.config.baselines import read_baseline

        baseline = read_baseline(options["baseline"])
    target, declared = target_request(options), declared_request(options)
    return api.Request(
        target=target, launch=options["launch"], model=options["model"], gpu=options["gpu"], driver=options["driver"],
        deep=options["deep"], all_modules=options["all_models"], gateway=options["gateway"],
        select=codes(options["select"]), ignore=codes(options["ignore"]), use_cache=not options["no_cache"],
        declared=declared, online=not options["offline"], settings=asked.settings, baseline=baseline,
    )  # fmt: skip


def _report(asked: Asked) -> Report:
    from doctor import api
    from doctor.cli.request.load import load_facts, run

    request = _request(asked)
    if saved := asked.options["facts_file"]:
        return api.check_saved(load_facts(saved, not asked.options["no_cache"]), request)
    with _named(asked):
        return run(request)


@contextmanager
def _named(asked: Asked) -> Iterator[None]:
    """Says of a user's mistake in which launch of the configuration it is."""
    try:
        yield
    except click.UsageError as error:
        name = asked.settings.launch if asked.settings else ""
        raise click.UsageError(f"launch `{name}`: {error.message}" if name else error.message) from None
