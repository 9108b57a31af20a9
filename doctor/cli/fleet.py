"""`qvl-doctor fleet`: several nodes that serve one model together."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from doctor.cli.help import HelpedGroup
from doctor.cli.request.options import question_options, target_options, target_request

if TYPE_CHECKING:
    from doctor.findings.fleet import FleetReport
    from doctor.fleet.places import Asking, How

FORMATS = ("terminal", "brief", "json", "markdown", "html")
_WHERE = (
    click.option("--nodes", "nodes_file", metavar="FILE", help="a file with a node on each line, reached by ssh"),
    click.option("--hosts", metavar="A,B", help="nodes reached by ssh: host, user@host, host:port"),
    click.option("--through", metavar="WORDS", help="reach them by this instead of ssh, such as 'docker exec -i {}'"),
    click.option("--ray", metavar="ADDRESS", is_flag=False, flag_value="auto",
                 help="the nodes of a Ray cluster: its dashboard, http://HEAD:8265; without one, RAY_ADDRESS"),
    click.option("--kubectl", metavar="SELECTOR", help="running pods with these labels: app=vllm, namespace/app=vllm"),
    click.option("--slurm", metavar="JOB|PARTITION", help="the nodes of a running Slurm job, or of a partition"),
    click.option("--node-python", metavar="EXE", help="the Python (3.10 or newer) that runs doctor on the nodes"),
    click.option("--fan-out", type=click.IntRange(1, 256), metavar="N", default=32, show_default=True,
                 help="nodes at once"),
    click.option("--timeout", type=click.FloatRange(5, 3600), metavar="SECONDS", default=180.0, show_default=True,
                 help="how long to wait for the facts of one node"),
    click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", default=0,
                 help="try connections on this port; 0: any"),
)  # fmt: skip


@click.group(cls=HelpedGroup)
def fleet() -> None:
    """Checks several nodes that serve one model together.

    Example:  qvl-doctor fleet check --hosts n1,n2 -- vllm serve MODEL --nnodes 2 --master-addr n1
    """


def where_options(command: Any) -> Any:
    """The options that name the nodes, and how doctor comes to them."""
    for option in reversed(_WHERE):
        command = option(command)
    return command


@fleet.command()
@where_options
@target_options
@question_options
@click.option("--fail-on", type=click.Choice(("error", "warning", "never")), default="error", show_default=True)
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
@click.option("--verbose", "-v", is_flag=True, help="notes, and the launch line of every node")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[FACTS FILE]... [-- LAUNCH COMMAND]")
@click.pass_context
def check(ctx: click.Context, /, **options: Any) -> None:
    """Checks whether the nodes can serve together, and which of them is unlike the others.

    Example:  qvl-doctor fleet check --hosts n1,n2 --python /opt/vllm -- vllm serve MODEL --nnodes 2 --master-addr n1

    Saved facts (`qvl-doctor facts --output FILE` on each node) can be given instead of --nodes or --hosts. The order
    of the nodes is that of their ranks. A node that does not answer is `open`, and the others are checked.
    """
    fail_on, form, output, verbose = (options.pop(n) for n in ("fail_on", "form", "output", "verbose"))
    from doctor.cli.request.fleet import asking

    report = _answer(asking(options))
    _show(report, form, output, verbose)
    ctx.exit(_status(report, fail_on))


@fleet.command()
@where_options
@target_options
@question_options
@click.option("--grace", type=click.FloatRange(0, 600), metavar="SECONDS", default=10.0,
              help="seconds between SIGTERM and SIGKILL")
@click.option("--patience", type=click.FloatRange(0, 3600), metavar="SECONDS", default=30.0,
              help="seconds for the other ranks to end by themselves once one has failed")
@click.option("--log-dir", metavar="DIR", help="where each node keeps its run folder")
@click.option("--no-check", is_flag=True, help="start without `fleet check`")
@click.option("--force", is_flag=True, help="start even if `fleet check` finds errors")
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- LAUNCH COMMAND")
@click.pass_context
def run(ctx: click.Context, /, **options: Any) -> None:
    """Starts the launch of each rank on its node under `qvl-doctor run`, and says which rank failed first.

    Checks the nodes first; errors stop it. Their output comes with the node's name on stderr. When this command ends,
    for any reason, the servers on the nodes end.

    Example:  qvl-doctor fleet run --hosts n1,n2 -- vllm serve MODEL --nnodes 2 --master-addr n1
    """
    from doctor.cli.request.fleet import starting

    check_first = not options.pop("no_check")
    force, form, output = (options.pop(n) for n in ("force", "form", "output"))
    asked, how = starting(options)
    if check_first and _refused(asked) and not force:
        ctx.exit(125)
    ctx.exit(_started(asked, how, form, output))


def _refused(asked: Asking) -> bool:
    """Whether the check before the start finds errors, which are then shown."""
    report = _answer(asked)
    if report.reaches("error") or report.silent:
        from rich.console import Console

        from doctor.report.fleet.terminal import print_fleet

        print_fleet(report, Console(stderr=True, markup=False, highlight=False))
        return True
    return False


def _started(asked: Asking, how: How, form: str, output: str | None) -> int:
    from doctor.cli.answer.output import console, failure, write
    from doctor.fleet.carriers import CarrierError
    from doctor.fleet.start import start_fleet
    from doctor.report.fleet.run import print_run, run_to_json
    from doctor.report.json import dumps

    try:
        ended = start_fleet(asked, how, lambda node, line: click.echo(f"{node}| {line}", err=True))
    except CarrierError as error:
        raise failure(str(error)) from None
    if form == "json":
        write(dumps(run_to_json(ended)), output)
    else:
        print_run(ended, console())
    return ended.status


@fleet.command(hidden=True)
@target_options
@question_options
@click.option("--once", metavar="QUESTION", help="answer this question instead of those on stdin")
@click.option("--hold", type=float, default=0.0, help="stay this long after --once")
@click.argument("launch", nargs=-1, type=click.UNPROCESSED, metavar="[-- LAUNCH COMMAND]")
def node(launch: tuple[str, ...], **options: Any) -> None:
    """The side of a node: answers `fleet check` on stdin and stdout."""
    from doctor.cli.request.options import declared_request
    from doctor.fleet.node import node_for

    once, hold, declared = options.pop("once"), options.pop("hold"), declared_request(options)
    asked = {name: options.pop(name) for name in ("model", "gpu", "driver")}
    here = node_for(target_request(options), launch, declared, **asked)
    if once is not None:
        here.once(once.encode(), sys.stdout.buffer, hold)
    else:
        here.serve(sys.stdin.buffer, sys.stdout.buffer)


def _answer(asked: Asking) -> FleetReport:
    from doctor.cli.answer.output import failure
    from doctor.cli.request.load import mistakes
    from doctor.fleet.carriers import CarrierError
    from doctor.fleet.check import check_fleet

    with mistakes():
        try:
            return check_fleet(asked, _progress)
        except CarrierError as error:
            raise failure(str(error)) from None


def _progress(sentence: str) -> None:
    """One line of a terminal's stderr, written over by the next."""
    if sys.stderr.isatty():
        from doctor.base.text import one_line

        click.echo(f"\r\x1b[2K{one_line(sentence, 78)}" if sentence else "\r\x1b[2K", err=True, nl=False)


def _show(report: FleetReport, form: str, output: str | None, verbose: bool) -> None:
    from doctor.cli.answer.output import as_text, console, write
    from doctor.report.fleet.terminal import print_fleet, verdict_of

    if form == "brief":
        write(verdict_of(report) + "\n", output)
    elif form == "terminal" and output is None:
        print_fleet(report, console(), verbose=verbose)
    elif form == "terminal":
        write(as_text(lambda out: print_fleet(report, out, verbose=verbose)), output)
    else:
        write(_document(report, form), output)


def _document(report: FleetReport, form: str) -> str:
    if form == "markdown":
        from doctor.report.fleet.markdown import fleet_to_markdown

        return fleet_to_markdown(report)
    if form == "html":
        from doctor.report.fleet.html import fleet_to_html

        return fleet_to_html(report)
    from doctor.report.fleet.json import fleet_to_json
    from doctor.report.json import dumps

    return dumps(fleet_to_json(report))


def _status(report: FleetReport, fail_on: str) -> int:
    """1 where a finding is at or above `fail_on`, 3 where no node answered, else 0."""
    from doctor.cli.answer.output import CANNOT, FOUND

    if fail_on != "never" and report.reaches(fail_on):
        return FOUND
    return CANNOT if not report.kinds else 0
