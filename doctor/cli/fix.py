"""`qvl-doctor fix`: the way out, carried out so that no interruption leaves an environment half-way."""

from __future__ import annotations

from typing import Any

import click

from doctor.cli.options import declared_request, question_options, target_options


@click.command()
@target_options
@question_options
@click.option("--apply", "do", flag_value="apply", help="make the change: in a new environment beside the old one")
@click.option("--recover", "do", flag_value="recover", help="tidy up after an interrupted `--in-place`")
@click.option("--undo", "do", flag_value="undo", help="take the last `--in-place` back")
@click.option("--in-place", is_flag=True, help="with --apply: switch the environment at its own path, in one step")
@click.option("--yes", is_flag=True, help="do not ask")
@click.option("--to", metavar="FILE", help="exact pins to bring the environment to, instead of a solved plan")
@click.option("--find-links", metavar="DIR", help="a folder of wheels; asked before the package index")
@click.option("--offline", is_flag=True, help="no network: wheels come from --find-links and uv's cache")
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.argument("launch", nargs=-1, type=click.UNPROCESSED, metavar="[-- LAUNCH COMMAND]")
@click.pass_context
def fix(ctx: click.Context, /, do: str | None, **options: Any) -> None:
    """Changes an environment to what was planned, or to the pins of --to, and takes that back.

    Example:  qvl-doctor fix --apply --in-place --python .venv --to pins.txt
    """
    from doctor.cli.repair import Wanted, carry_out

    if declared_request(options):
        raise click.UsageError("a declared environment is not installed: there is nothing to change")
    carry_out(ctx, do or "", Wanted.of(options))
