"""`qvl-doctor matrix add --refusals`: where releases raise errors and on which condition, read from their wheels."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from packaging.version import Version

from doctor.base.text import clean
from doctor.cli.answer.output import CannotWork
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.extract.raising.projects import NAMES, last_of_minors, project
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.raise_sites import FOLDER, read
from doctor.matrix.update.build import Offer, cache_dir
from doctor.matrix.update.raising import read_all, write
from doctor.remote.errors import IndexUnavailable, WheelError

_ERRORS = (IndexUnavailable, WheelError, DataError, OSError, ValueError)


def add_refusals(
    what: tuple[str, ...], all_new: bool, find_links: Path | None, installed: Path | None, index_url: str | None,
    to: Path | None,
) -> None:  # fmt: skip
    """Reads NAME==VERSION, or of NAME the newest and the last of each minor series, with `all_new` all others too."""
    for text in what:
        name, _, version = text.partition("==")
        found = project(name)
        if found is None:
            known = ", ".join(NAMES)
            raise click.UsageError(f"the refusals of `{clean(name, 100)}` are not read; expected one of {known}")
        folder = to or data_dir() / FOLDER
        try:
            offers = _offers(found, find_links, installed, index_url)
            wanted = _wanted(offers, version, all_new or bool(find_links or installed), folder / f"{found.name}.z")
            with click.progressbar(length=len(wanted), label=found.name, file=sys.stderr) as bar:
                results = read_all(found, wanted, cache_dir(), bar.update)
            size = write(found, results, {o.version for o in offers if o.yanked}, folder)
        except _ERRORS as error:
            raise CannotWork(clean(str(error), 2000)) from error
        click.echo(f"{found.name}: refusals of {len(wanted)} releases added, {size} bytes in all")


def _offers(found: Project, find_links: Path | None, installed: Path | None, index_url: str | None) -> list[Offer]:
    from doctor.matrix.update import offers as sources

    if installed:
        return [sources.installed(found, installed)]
    return sources.in_folder(found, find_links) if find_links else sources.indexed(found, index_url)


def _wanted(offers: list[Offer], version: str, whole: bool, path: Path) -> list[Offer]:
    """The offers to be read, the newest first: the best of a run that is stopped is there."""
    by_version = {o.version: o for o in offers}
    if version:
        exact = by_version.get(str(Version(version)))
        if exact is None:
            raise IndexUnavailable(f"no wheel of release {version} was found")
        return [exact]
    final = sorted((v for v in by_version if not Version(v).is_prerelease), key=Version, reverse=True)
    have = read(path).releases.versions if path.is_file() else ()
    return [by_version[v] for v in (final if whole else last_of_minors(final)) if v not in have]
