"""`qvl-doctor report`: the post-mortem of a run again."""

from __future__ import annotations

import click


@click.command()
@click.argument("run")
@click.option("--log-dir", type=click.Path(), help="folder that contains the runs")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
def report(run: str, log_dir: str | None, form: str) -> None:
    """Shows how RUN (a folder, an id, or `last`) ended, from the files on disk."""
    from doctor.report.run.json import run_report_to_json
    from doctor.report.run.text import run_text
    from doctor.run.story import creation, lookup, postmortem, runfolder

    try:
        folder = lookup.find(run, log_dir)
    except creation.Unusable as e:
        raise click.UsageError(str(e)) from e
    found = postmortem.rebuild(folder)
    click.echo(runfolder.dump(run_report_to_json(found)) if form == "json" else run_text(found), nl=False)
    click.get_current_context().exit(0 if found.exit_code == 0 or found.outcome == "running" else 1)
