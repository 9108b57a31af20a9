"""`qvl-doctor matrix`: one release's evidence, what is covered, and new releases."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from packaging.version import InvalidVersion, Version

from doctor.base.text import clean
from doctor.cli.answer.output import CannotWork
from doctor.cli.request.options import target_options
from doctor.matrix import rows
from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.extract.projects.registry import PROJECTS, Project, project
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.names_file import NamesError
from doctor.matrix.update.build import Offer, cache_dir
from doctor.matrix.update.build import add as build
from doctor.remote.errors import IndexUnavailable, WheelError

_ERRORS = (IndexUnavailable, LayoutError, WheelError, NamesError, OSError)


@click.group()
def matrix() -> None:
    """Shows what published releases require, accept and provide, read from their wheels."""


@matrix.command()
@click.argument("release")
@click.argument("library", required=False)
@click.option("--model", metavar="ID|FAMILY|ARCHITECTURE", help="show the grid for this model")
@click.option("--format", "form", type=click.Choice(["terminal", "json", "csv", "html"]), default="terminal")
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
@target_options
def show(release: str, library: str | None, model: str | None, form: str, output: str | None, **options: Any) -> None:
    """Shows everything known about one RELEASE, or the grid of an engine's releases by a LIBRARY's.

    Examples:  qvl-doctor matrix show lmdeploy==0.11.1

               qvl-doctor matrix show lmdeploy transformers --model qwen_vl

               qvl-doctor matrix show 'vllm>=0.11' transformers --model Qwen/Qwen3-VL-8B-Instruct --format html
    """
    from doctor.cli.grid import one_release, the_grid

    if library is None and model is None and "==" in release and form in ("terminal", "json"):
        one_release(release, form, output)
    else:
        the_grid((release, library or "transformers"), model, form, output, options)


@matrix.command("list")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
def list_(form: str) -> None:
    """Lists the covered projects and releases."""
    found = {name: r for name in rows.projects() if (r := rows.releases(name))}
    if form == "json":
        shown = {n: {"releases": r.versions, "yanked": sorted(r.yanked)} for n, r in found.items()}
        click.echo(json.dumps({"schema": 1, "projects": shown}))
        return
    for name, covered in found.items():
        yanked = f", retracted: {' '.join(sorted(covered.yanked, key=Version))}" if covered.yanked else ""
        span = f"{covered.versions[0]} to {covered.versions[-1]}"
        click.echo(f"{name:28} {len(covered.versions):4} releases {span}{yanked}")


@matrix.command()
@click.argument("what", nargs=-1, required=True, metavar="NAME==VERSION|NAME...")
@click.option("--all-new", is_flag=True, help="every release that is not covered yet")
@click.option("--find-links", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a folder of wheels")
@click.option("--installed", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a .dist-info folder")
@click.option("--index-url", help="package index to use")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="write here instead of the built-in data")
@click.option("--gpu-code", is_flag=True, help="read which GPUs the releases have code for; streams large files")
@click.option("--refusals", is_flag=True, help="read where the releases raise errors; --all-new reads all")
def add(what: tuple[str, ...], all_new: bool, gpu_code: bool, refusals: bool, **options: Any) -> None:
    """Reads releases from their wheels and adds them: lmdeploy==0.19.0, or NAME with --all-new."""
    if refusals:
        from doctor.cli.refusals import add_refusals

        add_refusals(what, all_new, **options)
        return
    if gpu_code:
        from doctor.cli.gpu_code import add_gpu_code

        add_gpu_code(what, all_new, **options)
        return
    _add(what, all_new, **options)


def _add(
    what: tuple[str, ...],
    all_new: bool,
    find_links: Path | None,
    installed: Path | None,
    index_url: str | None,
    to: Path | None,
) -> None:
    from doctor.matrix.update import offers as sources

    for text in what:
        found, version = _asked(text, all_new or installed is not None)
        try:
            given = [sources.installed(found, installed)] if installed else None
            offers = given or _offers(found, version, find_links, index_url, elsewhere=to is not None)
            with click.progressbar(length=len(offers), label=found.name, file=sys.stderr) as bar:
                count = build(found, offers, to or data_dir() / "wheels", cache_dir(), bar.update)
        except _ERRORS as error:
            raise CannotWork(clean(str(error), 2000)) from error
        click.echo(f"{found.name}: {count} releases added")


@matrix.command()
@click.argument("names", nargs=-1, metavar="[NAME|NAME==VERSION]...")
@click.option("--sample", default=2, show_default=True, help="releases of each project to read again")
@click.option("--find-links", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a folder of wheels")
@click.option("--index-url", help="package index to use")
def verify(names: tuple[str, ...], sample: int, find_links: Path | None, index_url: str | None) -> None:
    """Reads a random sample of releases again and compares; exits with 1 if anything differs."""
    import random

    from doctor.matrix.update.verify import compare

    differences = 0
    for text in names or rows.projects():
        found, version = _asked(text, True)
        try:
            offers = _offers(found, version, find_links, index_url, covered=True)
            for offer in random.sample(offers, min(sample, len(offers))):
                wrong = compare(found, offer, data_dir() / "wheels")
                differences += len(wrong)
                click.echo(f"{found.name} {offer.version}: {len(wrong)} differences")
                for one in wrong[:20]:
                    click.echo(clean(f"  {one.kind} {one.key}: stored {one.written}, read {one.read}", 400))
        except _ERRORS as error:
            raise CannotWork(clean(str(error), 2000)) from error
    sys.exit(1 if differences else 0)


def _asked(text: str, whole: bool) -> tuple[Project, str | None]:
    name, _, version = text.partition("==")
    found = project(name)
    if found is None:
        names = ", ".join(p.name for p in PROJECTS)
        raise click.UsageError(f"{clean(name, 100)!r} is not a project of the matrix; expected one of {names}")
    if not version and not whole:
        raise click.UsageError(f"which release of {found.name}? NAME==VERSION, or --all-new")
    try:
        return found, str(Version(version)) if version else None
    except InvalidVersion as error:
        raise click.UsageError(f"{clean(version, 100)!r} is not a version") from error


def _offers(
    found: Project, version: str | None, folder: Path | None, index_url: str | None, covered: bool = False,
    elsewhere: bool = False,
) -> list[Offer]:  # fmt: skip
    """The offers meant: one release, or all that the data does (`covered`) or does not know yet; `elsewhere`: all."""
    from doctor.matrix.update.offers import chosen, in_folder, indexed

    offers = in_folder(found, folder) if folder else indexed(found, index_url)
    if version:
        return chosen(offers, [version])
    known = None if elsewhere else rows.releases(found.name)
    have = set(known.versions) if known else set()
    return [o for o in offers if (o.version in have) == covered]
