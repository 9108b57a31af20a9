"""`qvl-doctor facts`: saves what check saw."""

from __future__ import annotations

from typing import Any

import click

from doctor.cli.options import declared_request, target_options, target_request


@click.command()
@target_options
@click.option("--gpu", metavar="SPEC", help="a GPU one does not have: 'RTX 4090:24GB:8.9x2'")
@click.option("--driver", metavar="VERSION", help="a driver one does not have: 570.86")
@click.option("--output", metavar="FILE", help="instead of stdout")
@click.argument("launch", nargs=-1, type=click.UNPROCESSED, metavar="[-- LAUNCH COMMAND]")
def facts(gpu: str | None, driver: str | None, output: str | None, launch: tuple[str, ...], **options: Any) -> None:
    """Saves what `check` sees, with secrets hidden, so that `check --facts FILE` can judge it on another machine."""
    import json

    from doctor.cli.load import guarded
    from doctor.cli.output import write
    from doctor.facts.codec import to_json
    from doctor.pipeline import Request, collect

    declared = declared_request(options)
    seen = guarded(Request(target_request(options), launch, gpu, driver, declared=declared), collect)
    write(json.dumps(to_json(seen), indent=1, ensure_ascii=True) + "\n", output)
