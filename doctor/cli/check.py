"""`qvl-doctor check`: will this start here?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from doctor.cli.answer.show import FORMATS
from doctor.cli.request.options import codes, declared_request, question_options, target_options, target_request

if TYPE_CHECKING:
    from doctor.findings import Report


@click.command(context_settings={"ignore_unknown_options": False})
@target_options
@click.option("--facts", "facts_file", metavar="FILE", help="check saved facts instead of this machine")
@question_options
@click.option("--gateway", metavar="FILE", help="LiteLLM, Prometheus or nginx config that points to this server")
@click.option("--select", multiple=True, metavar="CODES", help="run only these rules: codes or prefixes")
@click.option("--ignore", multiple=True, metavar="CODES", help="skip these rules: codes or prefixes")
@click.option("--fail-on", type=click.Choice(("error", "warning", "never")), default="error", show_default=True)
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
@click.option("--no-cache", is_flag=True, help="ignore the cache and what earlier runs logged; read everything again")
@click.option("--offline", is_flag=True, help="do not use the network; a model that is not on this disk stays unknown")
@click.option("--deep", is_flag=True, help="also import the engine for real, in a process of the environment")
@click.option("--all-models", is_flag=True, help="check all modules of the engine, not only those of this launch")
@click.option("--verbose", "-v", is_flag=True, help="all evidence and every fix, notes, each open rule")
@click.option("--quiet", "-q", is_flag=True, help="one line: the verdict and its first cause")
@click.argument("launch", nargs=-1, type=click.UNPROCESSED, metavar="[-- LAUNCH COMMAND]")
@click.pass_context
def check(ctx: click.Context, /, **options: Any) -> None:
    """Checks whether a server will start in this environment, and why not. Runs none of its code, except with --deep.

    Example:  qvl-doctor check -- lmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct

    Exit status: 0 nothing found, 1 findings, 2 usage error, 3 doctor failed, 4 no server command in what was given.
    """
    from doctor.cli.answer.output import NO_SERVER, exit_code
    from doctor.cli.answer.show import show_report

    report = _report(options)
    show_report(report, options["form"], options["output"], verbose=options["verbose"], quiet=options["quiet"])
    # a host that reads SARIF takes its verdict from the results, and any other status as a failed upload
    status = exit_code(report, options["fail_on"])
    replayed = options["facts_file"] and status == NO_SERVER
    ctx.exit(0 if options["form"] == "sarif" or replayed else status)


def _report(options: dict[str, Any]) -> Report:
    from doctor import api
    from doctor.cli.request.load import load_facts, run

    select, ignore = codes(options["select"]), codes(options["ignore"])
    target, declared = target_request(options), declared_request(options)
    if options["facts_file"]:
        return api.check(load_facts(options["facts_file"], not options["no_cache"]), select, ignore)
    return run(api.Request(
        target=target, launch=options["launch"], model=options["model"], gpu=options["gpu"], driver=options["driver"],
        deep=options["deep"], all_modules=options["all_models"], gateway=options["gateway"],
        select=select, ignore=ignore, use_cache=not options["no_cache"], declared=declared,
        online=not options["offline"],
    ))  # fmt: skip
