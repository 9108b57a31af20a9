"""`qvl-doctor link`: which modules of a distribution cannot be imported here, and why."""

from __future__ import annotations

from typing import Any

import click

from doctor.cli.help import Helped
from doctor.cli.request.options import configuration_options, declared_request, target_options, target_request


@click.command(cls=Helped)
@click.argument("names", nargs=-1, required=True, metavar="DISTRIBUTION...")
@target_options
@configuration_options
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.pass_context
def link(ctx: click.Context, /, names: tuple[str, ...], form: str, **given: Any) -> None:
    """Lists the modules of these distributions that cannot be imported here, and why. Runs none of them.

    Example:  qvl-doctor link lmdeploy --python ./venv
    """
    from doctor import api
    from doctor.cli.answer.output import FOUND, console, write
    from doctor.cli.config.applied import asked_once
    from doctor.cli.request.load import guarded
    from doctor.report.json import dumps, links_to_json
    from doctor.report.links import print_links

    options = asked_once(ctx, given).options
    if declared_request(options):
        raise click.UsageError("a declared environment has no files to link; use `check`")
    modules = guarded(api.Request(target_request(options)), lambda request: api.link(names, request))
    if form == "json":
        write(dumps(links_to_json(modules)), None)
    else:
        print_links(modules, console(), names)
    ctx.exit(FOUND if any(s.status == "fail" for s in modules.verdicts.values()) else 0)
