"""`qvl-doctor runs`: the runs so far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from doctor.base.text import one_line
from doctor.cli.help import HelpedGroup

if TYPE_CHECKING:
    from doctor.run.story.listing import Listing

_DIR = click.option("--log-dir", type=click.Path(), help="folder that contains the runs")


@click.group(cls=HelpedGroup, invoke_without_command=True)
@click.pass_context
def runs(ctx: click.Context) -> None:
    """Manages earlier runs: list (the default), show, follow, prune, export.

    Example:  qvl-doctor runs show last
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


def _find(run: str, log_dir: str | None) -> Path:
    from doctor.run.story import creation, lookup

    try:
        return lookup.find(run, log_dir)
    except creation.Unusable as e:
        raise click.UsageError(str(e)) from e


@runs.command("list")
@_DIR
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
def list_(log_dir: str | None = None, form: str = "terminal") -> None:
    """Lists the runs, one per line, newest last.

    Example:  qvl-doctor runs list --format json
    """
    from doctor.report.run.units import size
    from doctor.run.story import history, runfolder

    found = history.runs(log_dir)
    _name_damaged(found)
    if form == "json":
        rows = [{"id": r.folder.name, "folder": str(r.folder), "started": r.started, "state": r.state,
                 "exit_code": r.exit_code, "command": r.command, "bytes": r.size} for r in found.runs]  # fmt: skip
        bad = [{"id": d.folder.name, "folder": str(d.folder), "reason": d.reason} for d in found.damaged]
        click.echo(runfolder.dump({"schema": 1, "runs": rows, "damaged": bad}), nl=False)
        return
    lines = []
    for r in found.runs:
        code = "" if r.exit_code is None else str(r.exit_code)
        lines.append(f"{r.folder.name:28} {r.state:11} {code:>3}  {size(r.size):>10}  {one_line(r.command, 80)}\n")
    click.echo("".join(lines), nl=False)
    if not found.runs:
        click.echo("no runs yet; start one with `qvl-doctor run -- COMMAND`", err=True)


def _name_damaged(found: Listing) -> None:
    """One line on stderr for each folder that was skipped."""
    for bad in found.damaged:
        click.echo(f"warning: skipped `{one_line(str(bad.folder), 300)}`: {one_line(bad.reason, 200)}", err=True)


@runs.command()
@click.argument("run", default="last")
@_DIR
def show(run: str, log_dir: str | None) -> None:
    """Shows how RUN ended (a folder, an id, an id prefix, or `last`).

    Example:  qvl-doctor runs show last
    """
    from doctor.report.run.text import run_text
    from doctor.run.story import postmortem

    folder = _find(run, log_dir)
    click.echo(f"{one_line(str(folder), 4000)}\n{run_text(postmortem.rebuild(folder))}", nl=False)


@runs.command()
@click.argument("run", default="last")
@_DIR
@click.option("--raw", is_flag=True, help="print the server's output unchanged, including colors")
def follow(run: str, log_dir: str | None, raw: bool) -> None:
    """Follows the log of RUN until the server ends. Ctrl-C stops following, not the server.

    Example:  qvl-doctor runs follow
    """
    import codecs
    import sys

    from doctor.base.text import plain
    from doctor.run.story import history

    out = sys.stdout.buffer
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        for block in history.follow(_find(run, log_dir)):
            out.write(block if raw else plain(decoder.decode(block)).encode())
            out.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        click.get_current_context().exit(0)


@runs.command()
@click.option("--keep", type=click.IntRange(0), metavar="N", default=20, help="number of newest runs to keep")
@click.option("--older-than", type=click.FloatRange(0), metavar="DAYS", help="remove by age instead")
@_DIR
def prune(keep: int, older_than: float | None, log_dir: str | None) -> None:
    """Removes old runs; never one that is still running.

    Example:  qvl-doctor runs prune --keep 5
    """
    from doctor.report.run.units import size
    from doctor.run.story import history

    done = history.prune(keep, None if older_than is None else older_than * 86400, log_dir)
    _name_damaged(done.listing)
    for run, why in done.stayed:
        click.echo(one_line(f"warning: `{run.folder}` was not removed: {why}", 4000), err=True)
    click.echo(f"{len(done.gone)} runs removed, {size(sum(r.size for r in done.gone))} freed")


@runs.command()
@click.argument("run", default="last")
@_DIR
@click.option("--output", type=click.Path(dir_okay=False), help="archive to write (default: ID.tar.gz here)")
@click.option("--observation", metavar="FILE", type=click.Path(dir_okay=False),
              help="append predicted and logged GPU memory to FILE (JSON lines) instead")
def export(run: str, log_dir: str | None, output: str | None, observation: str | None) -> None:
    """Packs RUN into an archive for a bug report; secrets, user names and addresses are replaced.

    Example:  qvl-doctor runs export last --output run.tar.gz
    """
    from doctor.run.story import bundle

    folder = _find(run, log_dir)
    target = Path(observation or output or f"qvl-doctor-{folder.name}.tar.gz")
    try:
        if observation:
            _observe(folder, target)
            return
        names = bundle.export(folder, target)
    except OSError as e:
        raise click.ClickException(f"`{target}` cannot be written: {e.strerror or e}") from e
    click.echo(one_line(f"{target}: {', '.join(names)}", 4000))
    click.echo("Review it before you post it: a secret that looks like an ordinary word is not hidden.")


def _observe(folder: Path, target: Path) -> None:
    from doctor.run.story import creation, observation

    try:
        row = observation.add(folder, target)
    except creation.Unusable as e:
        raise click.ClickException(str(e)) from e
    click.echo(one_line(f"{target}: {row['id']}, {row['engine']} {row['version']}", 4000))
