"""`qvl-doctor probe`: asks a running server, and says what is wrong with its answers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from doctor.cli.help import Helped

if TYPE_CHECKING:
    from doctor.findings.probe import ProbeReport
    from doctor.probe.options import Options

FORMATS = ("terminal", "brief", "json")
CHECKS = ("health", "model", "text", "image", "schema", "speed", "metrics", "gpu")


@click.command(cls=Helped)
@click.argument("url")
@click.option("--model", metavar="NAME", help="the model to ask; else the first that the server lists")
@click.option("--api-key-env", "variable", metavar="VARIABLE", help="environment variable that holds the API key")
@click.option("--timeout", type=click.FloatRange(2, 3600), metavar="SECONDS", default=90.0,
              help="time limit of all checks together")
@click.option("--wait", type=click.FloatRange(0, 3600), metavar="SECONDS", default=20.0,
              help="how long to wait for a server that says it is not ready")
@click.option("--skip", multiple=True, type=click.Choice(CHECKS), help="skip this check; repeatable")
@click.option("--fail-on", type=click.Choice(("error", "warning", "never")), default="error", show_default=True)
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--output", metavar="FILE", help="write to this file: JSON, or what `--format` says")
@click.option("--quiet", is_flag=True, help="only the problems, one line each")
def probe(url: str, variable: str | None, fail_on: str, **more: Any) -> None:
    """Asks a running server: health, model, a text, a picture, a JSON schema, a stream, metrics, GPU.

    URL is the address of the server or the gateway.

    Example:  qvl-doctor probe http://localhost:8000
    """
    from doctor.cli.answer.output import notice
    from doctor.probe import probe as asked

    form, output, quiet = more.pop("form"), more.pop("output"), more.pop("quiet")
    options = _options(url, variable, more)
    notice(f"asking {options.address.shown} ...")
    report = asked(options)
    _show(report, form, output, quiet)
    sys.exit(_status(report, fail_on))


def _options(url: str, variable: str | None, more: dict[str, Any]) -> Options:
    """What is to be asked. Raises click.UsageError."""
    from doctor.probe.address import Address
    from doctor.probe.options import Options

    try:
        address = Address.of(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'URL'") from None
    key = None
    if variable is not None:
        key = os.environ.get(variable, "").strip()
        if not key:
            raise click.UsageError(f"`--api-key-env`: the variable `{variable}` is not set, or is empty")
        if not (key.isascii() and key.isprintable()):
            raise click.UsageError(f"`--api-key-env`: the value of `{variable}` cannot be sent in a header")
    return Options(address, key=key, variable=variable or "", **more)


def _show(report: ProbeReport, form: str, output: str | None, quiet: bool) -> None:
    from doctor.cli.answer.output import console, write
    from doctor.report.probe import print_probe, probe_to_json, problem_lines, summary_lines

    if form != "json" and (quiet or form == "brief"):
        lines = problem_lines(report) if quiet else summary_lines(report)
        write("".join(f"{line}\n" for line in lines), output)
    elif form == "json" or output is not None:
        from doctor import __version__
        from doctor.matrix.files.data import data_version
        from doctor.report.json import dumps

        write(dumps(probe_to_json(report, {"doctor": __version__, "matrix": data_version()})), output)
    else:
        print_probe(report, console())


def _status(report: ProbeReport, fail_on: str) -> int:
    """1 where a finding is at or above `fail_on`."""
    from doctor.cli.answer.output import FOUND

    return FOUND if fail_on != "never" and report.reaches(fail_on) else 0
