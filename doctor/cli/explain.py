"""`qvl-doctor explain`: what a code means, or why a server crashed, from its log."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from doctor.facts import Facts
    from doctor.findings import Finding

_CODE = re.compile(r"[A-Za-z]{3}\d{3}")


@click.command()
@click.argument("subject", metavar="CODE|LOGFILE|RUN-ID|-")
@click.option("--facts", "facts_file", type=click.Path(exists=True, dir_okay=False), help="use these saved facts")
@click.option("--log-dir", type=click.Path(), help="folder that contains the runs")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
def explain(subject: str, facts_file: str | None, log_dir: str | None, form: str) -> None:
    """Explains why a server crashed, from its log (a file, a run, or `-` for stdin), or what a rule CODE means."""
    if _CODE.fullmatch(subject) and not Path(subject).exists():
        _meaning(subject.upper(), form)
        return
    facts = _facts(facts_file)
    try:
        findings = _explained(subject, log_dir, facts)
    except OSError as error:
        raise click.UsageError(f"cannot read {subject!r}: {error.strerror or error}") from error
    _print(findings, form)
    sys.exit(1 if any(f.severity == "error" for f in findings) else 0)


def _explained(subject: str, log_dir: str | None, facts: Facts | None) -> tuple[Finding, ...]:
    """The findings for whatever is meant. Raises OSError, click.UsageError."""
    from doctor.base.opening import is_handed_on
    from doctor.explain import explain_log
    from doctor.run.log.reading import Whole

    path = Path(subject)
    if subject == "-":
        return explain_log(sys.stdin.buffer, facts=facts)
    if is_handed_on(subject):
        with path.open("rb", buffering=0) as pipe:
            return explain_log(pipe, facts=facts)
    if path.is_file():
        with Whole(path) as log:
            return explain_log(log, facts=facts, finite=True)
    found = _of_folder(path, facts)
    return _of_run(subject, log_dir, facts) if found is None else found


def _of_folder(path: Path, facts: Facts | None) -> tuple[Finding, ...] | None:
    """What the logs in a folder say that is no run of ours; None for a run, or where there is no such folder."""
    from doctor.explain import explain_log
    from doctor.run.story import lookup

    if not path.exists() or lookup.is_run(path):
        return None
    if path.is_dir() and not any(path.glob("*.log")):
        raise click.UsageError(f"no log found in {str(path)!r}")
    return explain_log(path, facts=facts)


def _of_run(name: str, log_dir: str | None, facts: Facts | None) -> tuple[Finding, ...]:
    """What the logs say; where they hold no sure cause, how the run ended comes first."""
    from doctor.run.story import cause, creation, lookup

    try:
        folder = lookup.find(name, log_dir)
        found, end = cause.explained(folder, facts), cause.ending(folder)
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


def _print(findings: tuple[Finding, ...], form: str) -> None:
    if form == "json":
        from doctor import __version__
        from doctor.matrix.files.data import data_version
        from doctor.report.json import log_to_json

        data = log_to_json(findings, {"doctor": __version__, "matrix": data_version()})
        click.echo(json.dumps(data, ensure_ascii=True, indent=1))
        return
    from doctor.report.log import log_text

    click.echo(log_text(findings), nl=False)


def _meaning(code: str, form: str) -> None:
    from doctor.explain.catalog import find
    from doctor.rules import RULES

    rule = next((r for r in RULES if r.code == code), None)
    crash = None if rule else find(code)
    if rule is None and crash is None:
        raise click.UsageError(f"no rule and no known crash has the code {code}")
    name = rule.name if rule else crash.name if crash else ""
    text = rule.explanation if rule else crash.meaning if crash else ""
    if form == "json":
        click.echo(json.dumps({"schema": 1, "code": code, "name": name, "explanation": text}))
    else:
        click.echo(f"{code} {name}\n\n{text}")
