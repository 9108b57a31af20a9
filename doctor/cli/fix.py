"""`qvl-doctor fix`: the way out, proven before it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from doctor.cli.options import declared_request, question_options, target_options, target_request

if TYPE_CHECKING:
    from doctor.pipeline.fix import Answer

FORMS = ("terminal", "json", "sh", "requirements", "dockerfile", "compose")
MODES = ("--plan", "--apply", "--recover", "--undo")


@click.command()
@target_options
@click.option("--facts", "facts_file", metavar="FILE", help="facts saved elsewhere; nothing else is read")
@question_options
@click.option("--plan", "mode", flag_value="--plan", help="only print the way out; changes nothing")
@click.option("--keep", multiple=True, metavar="NAME", help="a distribution that stays as it is; repeatable")
@click.option("--prefer", type=click.Choice(("minimal", "newest", "attested")), default="minimal", show_default=True)
@click.option("--format", "form", type=click.Choice(FORMS), default="terminal", show_default=True)
@click.option("--with", "beside", metavar="LIST", help="beside the server, for compose: gateway,metrics")
@click.option("--output", metavar="FILE", help="instead of stdout")
@click.option("--offline", is_flag=True, help="no network: solved from the matrix alone, and said so")
@click.argument("launch", nargs=-1, type=click.UNPROCESSED, metavar="[-- LAUNCH COMMAND]")
@click.pass_context
def fix(ctx: click.Context, /, **options: Any) -> None:
    """Finds the smallest change after which a server starts, and proves it before it is printed.

    Example:  qvl-doctor fix --plan -- lmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct
    """
    if options["mode"] is None:
        raise click.UsageError(f"say what to do: one of {', '.join(MODES)}")
    from doctor.cli.fixing import made, show, status

    answer: Answer = made(options, target_request(options), declared_request(options))
    show(answer, options)
    ctx.exit(status(answer))
