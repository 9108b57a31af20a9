"""`qvl-doctor explain`: what a code means, or why a server crashed, from its log."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from doctor.cli.help import Helped

if TYPE_CHECKING:
    from doctor.facts import Facts
    from doctor.findings import Finding, Report
    from doctor.run.explained import Explanation

FORMATS = ("terminal", "brief", "json", "markdown")


@click.command(cls=Helped)
@click.argument("subject", metavar="CODE|LOGFILE|RUN-ID|-")
@click.option("--facts", "facts_file", type=click.Path(exists=True, dir_okay=False), help="use these saved facts")
@click.option("--log-dir", type=click.Path(), help="folder that contains the runs")
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
def explain(subject: str, facts_file: str | None, log_dir: str | None, form: str) -> None:
    """Explains why a server crashed, from its log (a file, a run, or `-` for stdin), or what a rule CODE means.

    Examples:  qvl-doctor explain server.log

               docker logs vlm 2>&1 | qvl-doctor explain -

               qvl-doctor explain MEM001

    A bug report is read, too: what it states of packages, GPUs and the command is checked by the rules of `check`.
    """
    from doctor.api import code_of

    if (code := code_of(subject)) is not None:
        _meaning(code, form)
        return
    found = _explained(subject, _facts(facts_file), log_dir)
    _print(found.findings, found.stated, form)
    every = (*found.findings, *(found.stated.findings if found.stated else ()))
    sys.exit(1 if any(f.severity == "error" for f in every) else 0)


def _explained(subject: str, facts: Facts | None, log_dir: str | None) -> Explanation:
    """The explanation of whatever is meant. Raises click.UsageError."""
    from doctor import api
    from doctor.run.explained import ExplainError

    try:
        return api.explain(sys.stdin.buffer if subject == "-" else subject, facts, log_dir)
    except OSError as error:
        raise click.UsageError(f"cannot read {subject!r}: {error.strerror or error}") from error
    except ExplainError as error:
        raise click.UsageError(str(error)) from None


def _facts(path: str | None) -> Facts | None:
    if path is None:
        return None
    from doctor.cli.request.load import load_facts

    return load_facts(path)


def _print(findings: tuple[Finding, ...], stated: Report | None, form: str) -> None:
    if form == "json":
        from doctor import __version__
        from doctor.matrix.files.data import data_version
        from doctor.report.json import log_to_json

        data = log_to_json(findings, {"doctor": __version__, "matrix": data_version()}, stated)
        click.echo(json.dumps(data, ensure_ascii=True, indent=1))
    elif form == "brief":
        from doctor.report.brief import log_to_brief

        click.echo(log_to_brief(findings, stated), nl=False)
    elif form == "markdown":
        from doctor.report.markdown import log_to_markdown

        click.echo(log_to_markdown(findings, stated), nl=False)
    else:
        _to_terminal(findings, stated)


def _to_terminal(findings: tuple[Finding, ...], stated: Report | None) -> None:
    """Where the log holds no failure, what `check` says of what it states comes whole, else its errors alone."""
    from doctor.cli.answer.show import show_report
    from doctor.report.log import log_text, stated_text

    failed = any(f.severity == "error" for f in findings)
    if stated is None or failed or not stated.count("error"):
        click.echo(log_text(findings) + (stated_text(stated) if stated is not None and failed else ""), nl=False)
    else:
        contradictions = tuple(f for f in findings if f.severity == "warning")
        click.echo("No failure is written here. What the text states of its environment was checked:\n")
        click.echo(f"{log_text(contradictions)}\n" if contradictions else "", nl=False)
    if stated is not None and not failed:
        click.echo(nl=not stated.count("error"))
        show_report(stated, "terminal", None)


def _meaning(code: str, form: str) -> None:
    from doctor import api
    from doctor.base.documentation import help_of, page_of

    found = api.meaning(code)
    if found is None:
        raise click.UsageError(f"no rule and no known crash has the code {code}")
    if form == "json":
        data = {"schema": 1, "code": code, "name": found.name, "explanation": found.explanation, "help": help_of(code)}
        click.echo(json.dumps(data))
    else:
        page = f"\n\n{found_at}" if (found_at := page_of(code)) else ""
        click.echo(f"{code} {found.name}\n\n{found.explanation}{page}")
