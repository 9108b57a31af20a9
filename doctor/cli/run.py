"""`qvl-doctor run`: starts a server and keeps everything it says."""

from __future__ import annotations

import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from doctor.cli.help import Helped
from doctor.cli.request.options import configuration_options

if TYPE_CHECKING:
    from doctor.findings import StartVerdict
    from doctor.findings.settings import Settings

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Bytes(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A number of bytes, with K, M, G or T for powers of 1024."""

    name = "bytes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`64M` as 67108864; anything else is a usage error."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,15})\s*([kmgt]?)i?b?", str(value).strip().lower())
        if not found:
            self.fail(f"{value!r} is not a number of bytes (64M, 2G, 0 for no limit)", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """`auto`, or an address that can be asked."""
    if value and value != "auto":
        from doctor.run.ready import Target

        try:
            Target.of_url(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None
    return value


@click.command(cls=Helped, context_settings={"allow_interspersed_args": False})
@click.option("--log-dir", type=click.Path(), help="folder in which to create the run folder")
@click.option("--grace", type=click.FloatRange(0), metavar="SECONDS", default=10.0,
              help="time between SIGTERM and SIGKILL")
@click.option("--max-log", type=Bytes(), default="512M", envvar="QVL_LOG_CAP", help="size limit of the log")
@click.option("--no-check", is_flag=True, help="start without checking first")
@click.option("--force", is_flag=True, help="start even if the check finds errors")
@click.option("--ready", metavar="URL|auto", callback=_address, help="report when the server answers")
@click.option("--ready-timeout", type=click.FloatRange(0), metavar="SECONDS", default=600.0, show_default=True,
              help="how long to wait for `--ready`")
@click.option("--silence", type=click.FloatRange(0), metavar="SECONDS", default=60.0, show_default=True,
              help="seconds of silence after which doctor says what the starting server waits for; 0: never")
@click.option("--require-gpu", is_flag=True, help="once ready, fail unless the server uses GPU memory")
@click.option("--probe", is_flag=True, help="once ready, ask the server: text, picture, JSON schema, speed, GPU")
@click.option("--stdin", type=click.Choice(["null", "inherit"]), default="null", show_default=True, help="server input")
@configuration_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(ctx: click.Context, /, no_check: bool, force: bool, command: tuple[str, ...], **options: Any) -> None:
    """Starts COMMAND, keeps its output, reports how it ended, and exits with its status.

    Example:  qvl-doctor run --ready auto -- lmdeploy serve api_server MODEL

    Without a command, starts what a launch in qvl-doctor.toml or pyproject.toml names.
    """
    from doctor.cli.config.applied import OWN, asked_once
    from doctor.run.start.begin import start
    from doctor.run.start.options import Options

    found = asked_once(ctx, {"launch": command, **{name: options.pop(name) for name in OWN}})
    command = tuple(found.options["launch"])
    if not command:
        named = f"launch `{found.settings.launch}` has no" if found.settings and found.settings.launch else "missing"
        raise click.UsageError(f"{named} command to start; give one after `--`")
    check = partial(_check, settings=found.settings)
    sys.exit(start(Options(command, **options), None if no_check else check, force))


def _check(argv: tuple[str, ...], settings: Settings | None) -> StartVerdict:
    """The check before the start; it is called in a child, and nothing of it is loaded here."""
    from doctor.api import precheck

    return precheck(argv, settings)
