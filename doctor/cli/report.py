"""`qvl-doctor report`: the post-mortem of a run again."""

from __future__ import annotations

import click


@click.command()
@click.argument("run")
@click.option("--log-dir", type=click.Path(), help="Where to look for a run by its id.")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
def report(run: str, log_dir: str | None, form: str) -> None:
    """Tells how RUN (a folder, an id, or `last`) ended, from what is on disk."""
    from doctor.run.story import postmortem, runfolder, summary

    try:
        folder = runfolder.find(run, log_dir)
    except runfolder.Unusable as e:
        raise click.UsageError(str(e)) from e
    found = postmortem.rebuild(folder)
    click.echo(runfolder.dump(found) if form == "json" else summary.text(found), nl=False)
    click.get_current_context().exit(0 if found["exit_code"] == 0 or found["outcome"] == "running" else 1)
