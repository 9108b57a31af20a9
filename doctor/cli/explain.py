"""`qvl-doctor explain`: what a code means, or why a server crashed, from its log."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from doctor.explain.beginning import Beginning

if TYPE_CHECKING:
    from doctor.facts import Facts
    from doctor.findings import Finding, Report

FORMATS = ("terminal", "json", "markdown")
_CODE = re.compile(r"[A-Za-z]{3}\d{3}")


@click.command()
@click.argument("subject", metavar="CODE|LOGFILE|RUN-ID|-")
@click.option("--facts", "facts_file", type=click.Path(exists=True, dir_okay=False), help="use these saved facts")
@click.option("--log-dir", type=click.Path(), help="folder that contains the runs")
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
def explain(subject: str, facts_file: str | None, log_dir: str | None, form: str) -> None:
    """Explains why a server crashed, from its log (a file, a run, or `-` for stdin), or what a rule CODE means.

    A bug report is read, too: what it states of packages, GPUs and the command is checked by the rules of `check`.
    """
    if _CODE.fullmatch(subject) and not Path(subject).exists():
        _meaning(subject.upper(), form)
        return
    facts, beginning = _facts(facts_file), Beginning()
    try:
        findings = _explained(subject, log_dir, facts, beginning)
    except OSError as error:
        raise click.UsageError(f"cannot read {subject!r}: {error.strerror or error}") from error
    from doctor.explain.prose import is_prose, without_prose

    stated, wrong = _stated(subject, findings, beginning) if facts is None else (None, ())
    if stated is not None or is_prose(beginning.text):
        findings = without_prose(findings, beginning.text)
    failed = any(f.severity == "error" for f in findings)
    _print((*findings, *wrong) if failed else (*wrong, *findings), stated, form)
    every = (*findings, *(stated.findings if stated else ()))
    sys.exit(1 if any(f.severity == "error" for f in every) else 0)


def _explained(subject: str, log_dir: str | None, facts: Facts | None, beginning: Beginning) -> tuple[Finding, ...]:
    """The findings for whatever is meant. Raises OSError, click.UsageError."""
    from doctor.base.opening import is_handed_on
    from doctor.explain import explain_log
    from doctor.run.log.reading import Whole

    path = Path(subject)
    if subject == "-":
        return explain_log(beginning.of(sys.stdin.buffer), facts=facts)
    if is_handed_on(subject):
        with path.open("rb", buffering=0) as pipe:
            return explain_log(beginning.of(pipe), facts=facts)
    if path.is_file():
        with Whole(path) as log:
            return explain_log(beginning.of(log), facts=facts, finite=True)
    found = _of_folder(subject, facts)
    return _of_run(subject, log_dir, facts) if found is None else found


def _stated(
    subject: str, findings: tuple[Finding, ...], beginning: Beginning
) -> tuple[Report | None, tuple[Finding, ...]]:
    """What the rules say of the environment that a text states, and where it contradicts itself.

    A server that did well needs no advice.
    """
    from doctor.explain.life.outcome import DONE_WELL

    if not beginning.data or (findings and findings[0].rule in DONE_WELL):
        return None, ()
    from doctor.findings.redacted import redacted
    from doctor.pipeline.reported import judged

    report, wrong = judged(beginning.text, "the text" if subject == "-" else Path(subject).name)
    if report is not None:
        results = (replace(r, findings=tuple(map(redacted, r.findings))) for r in report.results)
        report = replace(report, results=tuple(results))
    return report, tuple(map(redacted, wrong))


def _of_folder(subject: str, facts: Facts | None) -> tuple[Finding, ...] | None:
    """What the logs in a folder say that is no run of ours; None for a run, or where there is no such folder."""
    from doctor.base.files import BARRED, Files
    from doctor.explain import explain_log
    from doctor.run.story import lookup

    path = Path(subject)
    if not path.exists() or lookup.is_run(path):
        return None
    if Files().barred(subject):
        raise click.UsageError(f"{subject!r} {BARRED}")
    if path.is_dir() and not any(path.glob("*.log")):
        raise click.UsageError(f"no log found in {str(path)!r}")
    return explain_log(path, facts=facts)


def _of_run(name: str, log_dir: str | None, facts: Facts | None) -> tuple[Finding, ...]:
    """What the logs say; where they hold no sure cause, how the run ended comes first."""
    from doctor.findings.redacted import redacted
    from doctor.run.story import cause, creation, lookup, postmortem

    try:
        folder = lookup.find(name, log_dir)
        hide = postmortem.redactor_for(folder).text  # this run's secrets are known, however they are printed
        found, end = tuple(redacted(f, hide) for f in cause.explained(folder, facts)), cause.ending(folder)
        if end is None or any(f.confidence == "high" for f in found):
            return found
        return (end, *(replace(f, primary=False) for f in found if f.severity == "error"))
    except creation.Unusable as error:
        why = f"{name!r} is not a code, a log or a known run ({error})"
        raise click.UsageError(why) from None


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
    from doctor.explain.catalog import find
    from doctor.matrix.answers import explained
    from doctor.rules import RULES

    rule = next((r for r in RULES if r.code == code), None)
    crash = None if rule else find(code) or explained(code)
    if rule is None and crash is None:
        raise click.UsageError(f"no rule and no known crash has the code {code}")
    name = rule.name if rule else crash.name if crash else ""
    text = rule.explanation if rule else crash.meaning if crash else ""
    if form == "json":
        click.echo(json.dumps({"schema": 1, "code": code, "name": name, "explanation": text}))
    else:
        click.echo(f"{code} {name}\n\n{text}")
