"""`qvl-doctor matrix update`: new releases of all covered projects, added to this user's own data."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from doctor.base.owned import data_folder
from doctor.base.text import clean
from doctor.cli.answer.output import CANNOT, CannotWork, progress
from doctor.cli.request.releases import asked, reason
from doctor.matrix.extract.projects.registry import PROJECTS, Project
from doctor.matrix.files import own_rows as kept
from doctor.matrix.files.merged import text_of
from doctor.matrix.files.names_file import NamesError
from doctor.matrix.update import own
from doctor.matrix.update.build import Offer
from doctor.matrix.update.origins import offers_of, origin
from doctor.remote.errors import IndexUnavailable, WheelError


def update_data(only: tuple[str, ...], where: str | None, seconds: float, dry: bool, form: str) -> None:
    """Reads what is new, says what was added, and ends with 3 where something could not be read."""
    named = dict(asked(text, True) for text in only) or dict.fromkeys(PROJECTS)
    try:
        folder, mine = data_folder(), kept.own_rows()
        if mine.problem:
            raise CannotWork(clean(f"{mine.problem}; remove it or correct its owner and mode"))
        offers = offers_of(list(named), origin(where, seconds))
        wanted = _wanted(named, offers, mine)
        if dry:
            _listed(wanted, form)
            return
        gone = {p.name: found for p in named if (found := own.retracted(p, offers[p.name]))}
        with own.alone(folder):
            outcome = _added(folder, wanted)
            _keep_retracted(folder, {**mine.retracted, **gone}, mine)
            own.tidy(folder)
    except (IndexUnavailable, WheelError, NamesError, OSError, RuntimeError) as error:
        raise CannotWork(reason(error)) from error
    _join(list(named))
    _report(outcome, form)
    sys.exit(CANNOT if outcome.failed else 0)


def _wanted(asked: dict[Project, str | None], offers: dict[str, list[Offer]], mine: kept.OwnRows) -> list[own.New]:
    out = []
    for one, version in asked.items():
        if version and all(offer.version != version for offer in offers[one.name]):
            raise IndexUnavailable(f"no wheel of {one.name} {version} was found")
        out += own.missing(one, offers[one.name], mine, version)
    return out


def _added(folder: Any, wanted: list[own.New]) -> own.Outcome:
    with progress("reading new releases:") as shown:
        read = 0

        def done(_: own.New, __: str | None) -> None:
            nonlocal read
            read += 1
            if shown:
                shown(read, len(wanted))

        if shown:
            shown(0, len(wanted))
        return own.add_all(wanted, folder, done)


def _keep_retracted(folder: Any, now: dict[str, Any], mine: kept.OwnRows) -> None:
    if {p: tuple(v) for p, v in now.items()} != mine.retracted:
        kept.keep_retracted(folder, now)


def _join(asked: list[Project]) -> None:
    """Joins the rows with the shipped data now, so that the next check does not have to."""
    kept.own_rows.cache_clear()
    text_of.cache_clear()
    for one in asked:
        if kept.own_rows().of(one.name) or kept.own_rows().retracted.get(one.name):
            text_of(one.name, "facts")
            if one.names:
                text_of(one.name, "names")


def _listed(wanted: list[own.New], form: str) -> None:
    if form == "json":
        click.echo(json.dumps({"schema": 1, "new": [_as_json(one) for one in wanted]}))
        return
    for one in wanted:
        size = f", {one.offer.size / 1e6:.1f} MB" if one.offer.size else ""
        click.echo(clean(f"{one.shown}  ({one.offer.filename}{size})"))
    click.echo(f"{_counted(len(wanted))} to read; nothing was written" if wanted else "nothing new")


def _report(outcome: own.Outcome, form: str) -> None:
    from doctor.matrix.files.data import data_version

    if form == "json":
        failed = [{**_as_json(one), "problem": problem} for one, problem in outcome.failed]
        added = [_as_json(one) for one in outcome.added]
        click.echo(json.dumps({"schema": 1, "added": added, "failed": failed, "matrix": data_version()}))
        return
    for one in outcome.added:
        click.echo(f"added {one.shown}")
    for one, problem in outcome.failed:
        click.echo(clean(f"{one.shown} was not added: {problem}", 1000), err=True)
    said = f"{_counted(len(outcome.added))} added" if outcome.added or outcome.failed else "nothing new"
    click.echo(f"{said}; the data is {'now ' if outcome.added else ''}{data_version()}")


def _counted(number: int) -> str:
    return f"{number} release" if number == 1 else f"{number} releases"


def _as_json(one: own.New) -> dict[str, Any]:
    return {
        "project": one.project.name, "version": one.offer.version, "filename": one.offer.filename,
        "sha256": one.offer.identity, "bytes": one.offer.size,
    }  # fmt: skip
