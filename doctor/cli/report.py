"""`qvl-doctor report`: the post-mortem of a run again, or the environment as a project's bug form asks for it."""

from __future__ import annotations

from typing import Any

import click

from doctor.cli.help import Helped
from doctor.cli.request.options import declared_request, question_options, target_options, target_request

PROJECTS = ("vllm", "lmdeploy", "sglang", "transformers")


@click.command(cls=Helped)
@click.option("--for", "project", type=click.Choice(PROJECTS), help="fill in this project's bug form, for pasting")
@click.option("--log-dir", type=click.Path(), help="folder that contains the runs")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
@target_options
@question_options
@click.option("--offline", is_flag=True, help="with --for: do not use the network")
@click.option("--output", metavar="FILE", help="with --for: write to FILE instead of stdout")
@click.argument("run", nargs=-1, type=click.UNPROCESSED, metavar="[RUN | -- LAUNCH COMMAND]")
def report(project: str | None, log_dir: str | None, form: str, run: tuple[str, ...], **options: Any) -> None:
    """Shows how RUN (a folder, an id, or `last`) ended, or with --for what a bug form asks for.

    Example:  qvl-doctor report --for vllm -- vllm serve Qwen/Qwen2-VL-7B-Instruct
    """
    if project is not None:
        _bug_form(project, run, options)
        return
    if len(run) != 1:
        raise click.UsageError("expected one RUN (a folder, an id, or `last`), or --for and a project")
    _run(run[0], log_dir, form)


def _bug_form(project: str, launch: tuple[str, ...], options: dict[str, Any]) -> None:
    from doctor import api
    from doctor.cli.answer.output import write
    from doctor.cli.request.load import guarded

    declared = declared_request(options)
    output, offline = options.pop("output"), options.pop("offline")
    asked = {name: options.pop(name) for name in ("model", "gpu", "driver")}
    request = api.Request(target_request(options), launch, **asked, declared=declared, online=not offline)
    write(guarded(request, lambda r: api.bug_form(project, r)), output)


def _run(run: str, log_dir: str | None, form: str) -> None:
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
