"""`qvl-doctor fix`: the way out, proven before it is printed, and carried out so that nothing is left half-way."""

from __future__ import annotations

from typing import Any

import click

from doctor.cli.help import Helped
from doctor.cli.request.options import (
    configuration_options,
    declared_request,
    launch_argument,
    question_options,
    target_options,
    target_request,
)

FORMS = ("terminal", "brief", "json", "sh", "requirements", "dockerfile", "compose", "kubernetes")
ACTIONS = ("--plan", "--apply", "--recover", "--undo", "--list")


class OneAction(Helped):
    """A command that does one of several things: two of them together are a mistake, not the last one's word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does. Raises click.UsageError."""
        own = args[: args.index("--")] if "--" in args else args
        asked = sorted({a for a in own if a in ACTIONS})
        if len(asked) > 1:
            raise click.UsageError(f"{' and '.join(asked)} cannot be used together", ctx)
        return super().parse_args(ctx, args)


@click.command(cls=OneAction)
@target_options
@click.option("--facts", "facts_file", metavar="FILE", help="with --plan: use saved facts instead of this machine")
@question_options
@configuration_options
@click.option("--plan", "do", flag_value="plan", help="print the fix; change nothing")
@click.option("--apply", "do", flag_value="apply", help="apply the fix in a new environment next to the old one")
@click.option("--recover", "do", flag_value="recover", help="clean up after an interrupted `--in-place`")
@click.option("--undo", "do", flag_value="undo", help="undo the last `--in-place`; again for the one before")
@click.option("--list", "do", flag_value="list", help="list the earlier environments that `--undo` goes back to")
@click.option("--in-place", is_flag=True, help="with --apply: replace the environment at its own path, in one step")
@click.option("--yes", is_flag=True, help="do not ask for confirmation")
@click.option(
    "--generations",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    metavar="N",
    help="with --in-place: how many earlier environments to keep",
)
@click.option("--to", metavar="FILE", help="install these exact pins instead of a solved plan")
@click.option("--find-links", metavar="DIR", help="a folder of wheels; searched before the package index")
@click.option("--offline", is_flag=True, help="do not use the network; wheels come from --find-links and uv's cache")
@click.option("--keep", multiple=True, metavar="NAME", help="do not change this distribution; repeatable")
@click.option("--prefer", type=click.Choice(("minimal", "newest", "attested")), default="minimal", show_default=True)
@click.option("--format", "form", type=click.Choice(FORMS), default="terminal", show_default=True)
@click.option("--with", "beside", multiple=True, metavar="LIST", help="also run in a deployment: gateway,metrics")
@click.option("--output", metavar="FILE", help="with --plan: write to FILE instead of stdout")
@launch_argument
@click.pass_context
def fix(ctx: click.Context, /, do: str | None, **given: Any) -> None:
    """Finds the smallest change after which a server starts, proves it, and applies it with --apply.

    Example:  qvl-doctor fix --plan -- lmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct
    """
    from doctor.cli.config.applied import asked_once
    from doctor.cli.fixing import plan
    from doctor.cli.repair import Wanted, carry_out

    if do in ("recover", "undo", "list") and not given["launch"]:
        del given["launch"]  # they are about an environment
    options = {"launch": (), **asked_once(ctx, given).options}
    if do == "plan":
        if options["to"] is not None:
            raise click.UsageError("`--to` takes the place of a plan: use it with --apply, which shows what it changes")
        ctx.exit(plan(options, target_request(options), declared_request(options)))
    if declared_request(options) or options["facts_file"]:
        raise click.UsageError("a declared environment is not installed, so there is nothing to change; use `--plan`")
    if options["form"] not in ("terminal", "json"):
        raise click.UsageError(f"`--format {options['form']}` requires --plan")
    carry_out(ctx, do or "", Wanted.of(options))
