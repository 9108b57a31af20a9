"""Baselines on disk: read before a check, written after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from doctor.base.files import Files, Unreadable
from doctor.cli.answer.output import write

if TYPE_CHECKING:
    from doctor.findings import Report
    from doctor.pipeline.baseline import Baseline


def read_baseline(path: str) -> Baseline:
    """The baseline of a file. Raises click.UsageError where it is none."""
    from doctor.pipeline.baseline import LARGEST, baseline_from_json

    try:
        return baseline_from_json(json.loads(Files().read(path, LARGEST)))
    except Unreadable as error:
        raise click.UsageError(f"`{path}`, given as the baseline, {error}; `--write-baseline` makes one") from None
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"`{path}` is not a baseline of this version: {error}") from None


def write_baseline(path: str, reports: Sequence[Report]) -> int:
    """Keeps what was found and gives the exit status. Raises click.ClickException where the file cannot be written."""
    from doctor.pipeline.baseline import baseline_to_json

    data = baseline_to_json(reports)
    write(json.dumps(data, indent=2, ensure_ascii=False) + "\n", path)
    click.echo(f"{path}: {len(data['findings'])} findings written", err=True)
    return 0
