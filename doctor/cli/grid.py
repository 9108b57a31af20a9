"""What `qvl-doctor matrix show` gives: one release's row, or the grid of two projects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from doctor.base.text import clean

if TYPE_CHECKING:
    from doctor.matrix.grid.cells import Grid



def one_release(release: str, form: str, output: str | None) -> None:
    """Everything known of NAME==VERSION."""
    from doctor.cli.answer.output import write
    from doctor.matrix import rows
    from doctor.matrix.grid.show import release as shown
    from doctor.matrix.grid.show import text

    name, _, version = release.partition("==")
    found = shown(name, version)
    if found is None:
        known = rows.releases(name)
        raise click.UsageError(
            f"the matrix does not cover {clean(release, 200)}; expected NAME==VERSION"
            + (f" with a release from {known.versions[0]} to {known.versions[-1]}" if known and known.versions else
               f" with NAME one of {', '.join(rows.projects())}")
        )  # fmt: skip
    said = json.dumps(found, indent=1, ensure_ascii=True) if form == "json" else text(found)
    write(said + "\n", output)


def the_grid(names: tuple[str, str], model: str | None, form: str, output: str | None, options: dict[str, Any]) -> None:
    """The grid of the first project's releases by the second's, in the form asked for."""
    from doctor.cli.answer.output import console, write
    from doctor.matrix.files.data import DataError

    try:
        found = _grid(names, model, options)
    except DataError as error:
        from doctor.cli.answer.output import failure

        raise failure(f"the data of qvl-doctor is damaged: {error}") from None
    if form == "terminal" and output is None:
        from doctor.report.grid.terminal import print_grid

        print_grid(found, console())
    else:
        write(_text(found, form), output)


def _text(found: Grid, form: str) -> str:
    if form == "html":
        from doctor.matrix.files.data import data_version
        from doctor.report.grid.html import grid_to_html

        return grid_to_html(found, data_version())
    if form == "terminal":
        from doctor.report.grid.terminal import grid_to_text

        return grid_to_text(found)
    from doctor.report.grid.data import grid_to_csv, grid_to_json

    return grid_to_csv(found) if form == "csv" else grid_to_json(found)


def _grid(names: tuple[str, str], model: str | None, options: dict[str, Any]) -> Grid:
    from doctor.matrix.grid.asked import asked_grid, axis
    from doctor.matrix.grid.cells import GridError

    try:
        engine, library = (axis(n) for n in names)
        here, why = _here(engine.project, library.project, options)
        return asked_grid(names, model, here, why)
    except GridError as error:
        raise click.UsageError(clean(str(error), 1000)) from None


def _here(engine: str, library: str, options: dict[str, Any]) -> tuple[tuple[str | None, str | None], str]:
    """The installed versions in the target; nothing where no environment was named and none is found."""
    from doctor.cli.request.options import target_request
    from doctor.collect.packages.distributions import read_distributions
    from doctor.collect.python.target import TargetError, find_target

    request = target_request(options)
    try:
        target = find_target(request)
    except TargetError as error:
        if request.python or request.paths or request.root:
            raise click.UsageError(str(error)) from None
        return (None, None), ""
    installed = read_distributions(target)
    return (installed.version(engine), installed.version(library)), target.why
