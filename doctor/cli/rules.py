"""`qvl-doctor rules`: every rule."""

from __future__ import annotations

import click

from doctor.cli.help import Helped


@click.command(cls=Helped)
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
def rules(form: str) -> None:
    """Lists every rule with its code, name and usual severity; `qvl-doctor explain CODE` describes one.

    Example:  qvl-doctor rules --format json
    """
    from doctor.cli.answer.output import console, write
    from doctor.rules.fleet import EVERY_RULE

    if form == "json":
        from doctor.report.json import dumps

        listed = [
            {"code": r.code, "name": r.name, "severity": r.severity, "since": r.since, "explanation": r.explanation}
            for r in EVERY_RULE
        ]
        write(dumps({"schema": 1, "rules": listed}), None)
        return
    from rich.text import Text

    out = console()
    for rule in EVERY_RULE:
        first = rule.explanation.partition("\n")[0]
        out.print(Text(f"{rule.code}  {rule.severity:<8} {rule.name:<26} {first}"), overflow="ellipsis", no_wrap=True)
