"""`qvl-doctor explain`: what a code means, or why a server crashed, from its log."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from doctor.facts import Facts
    from doctor.findings import Finding

_CODE = re.compile(r"[A-Za-z]{3}\d{3}")


@click.command()
@click.argument("subject", metavar="CODE|LOGFILE|RUN-ID|-")
@click.option("--facts", "facts_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="saved facts")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
def explain(subject: str, facts_file: Path | None, form: str) -> None:
    """What a rule's CODE means, or the root cause of a crash from its log (`-`: standard input)."""
    from doctor.explain import explain_log

    if _CODE.fullmatch(subject) and not Path(subject).exists():
        _meaning(subject.upper(), form)
        return
    facts = _facts(facts_file)
    try:
        findings = explain_log(sys.stdin.buffer if subject == "-" else _log(subject), facts=facts)
    except OSError as error:
        raise click.UsageError(f"cannot read {subject!r}: {error.strerror or error}") from error
    _print(findings, form)
    sys.exit(1 if any(f.severity == "error" for f in findings) else 0)


def _log(subject: str) -> Path:
    """The log that is meant: a file, or a run folder with the parts of its log."""
    path = Path(subject)
    if path.is_dir() and not any(path.glob("*.log")):
        raise click.UsageError(f"no log in the folder {subject!r}")
    if not path.exists():
        raise click.UsageError(f"{subject!r} is neither a code, nor a log, nor a run that is known here")
    return path


def _facts(path: Path | None) -> Facts | None:
    if path is None:
        return None
    from doctor.facts.codec import FactsError, facts_from_json

    try:
        return facts_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, FactsError) as error:
        raise click.UsageError(f"{path.name}: {error}") from error


def _print(findings: tuple[Finding, ...], form: str) -> None:
    from doctor.explain.render import log_json, log_text
    from doctor.matrix.data import data_version

    if form == "json":
        click.echo(json.dumps(log_json(findings, data_version()), ensure_ascii=True, indent=1))
    else:
        click.echo(log_text(findings), nl=False)


def _meaning(code: str, form: str) -> None:
    from doctor.explain.catalogue import find
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
