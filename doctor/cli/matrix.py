"""`qvl-doctor matrix`: one release's evidence, what is covered, and new releases."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from packaging.version import Version

from doctor.base.text import clean
from doctor.cli.answer.output import CannotWork
from doctor.cli.help import HelpedGroup
from doctor.cli.request.options import target_options
from doctor.cli.request.releases import asked, reason
from doctor.matrix import rows
from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.names_file import NamesError
from doctor.matrix.update.build import Offer, cache_dir
from doctor.matrix.update.build import add as build
from doctor.matrix.update.offers import SECONDS
from doctor.remote.errors import IndexUnavailable, WheelError

TIMEOUT = "how long to wait for the index, again for each release"
_ERRORS = (IndexUnavailable, LayoutError, WheelError, NamesError, OSError)


@click.group(cls=HelpedGroup)
def matrix() -> None:
    """Shows what published releases require, accept and provide, read from their wheels.

    Example:  qvl-doctor matrix show lmdeploy==0.11.1
    """


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
    """Lists the covered projects and releases.

    Example:  qvl-doctor matrix list
    """
    from doctor.matrix.files.data import data_version

    found = {name: r for name in rows.projects() if (r := rows.releases(name))}
    if form == "json":
        shown = {n: {"releases": r.versions, "yanked": sorted(r.yanked)} for n, r in found.items()}
        click.echo(json.dumps({"schema": 1, "matrix": data_version(), "projects": shown}))
        return
    for name, covered in found.items():
        yanked = f", retracted: {' '.join(sorted(covered.yanked, key=Version))}" if covered.yanked else ""
        span = f"{covered.versions[0]} to {covered.versions[-1]}"
        click.echo(f"{name:28} {len(covered.versions):4} releases {span}{yanked}")
    click.echo(f"data {data_version()}")


@matrix.command()
@click.argument("what", nargs=-1, required=True, metavar="NAME==VERSION|NAME...")
@click.option("--all-new", is_flag=True, help="every release that is not covered yet")
@click.option("--find-links", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a folder of wheels")
@click.option("--installed", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a .dist-info folder")
@click.option("--index-url", help="package index to use")
@click.option("--timeout", "seconds", type=click.FloatRange(1), default=SECONDS, metavar="SECONDS", help=TIMEOUT)
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="write here instead of the built-in data")
@click.option("--gpu-code", is_flag=True, help="read which GPUs the releases have code for; streams large files")
@click.option("--refusals", is_flag=True, help="read where the releases raise errors; --all-new reads all")
def add(
    what: tuple[str, ...], all_new: bool, gpu_code: bool, refusals: bool, seconds: float, **options: Any
) -> None:  # fmt: skip
    """Reads releases from their wheels and adds them to the built-in data; NAME alone with --all-new.

    Example:  qvl-doctor matrix add lmdeploy==0.19.0
    """
    if refusals:
        from doctor.cli.refusals import add_refusals

        add_refusals(what, all_new, **options)
        return
    if gpu_code:
        from doctor.cli.gpu_code import add_gpu_code

        add_gpu_code(what, all_new, **options)
        return
    _add(what, all_new, Where(seconds, options.pop("find_links"), options.pop("index_url")), **options)


@dataclass(frozen=True)
class Where:
    """Where releases are read: a folder of wheels, or an index and the seconds that it is waited for."""

    seconds: float
    folder: Path | None = None
    index_url: str | None = None


def _add(what: tuple[str, ...], all_new: bool, where: Where, installed: Path | None, to: Path | None) -> None:
    from doctor.matrix.files.stamp import stamp
    from doctor.matrix.update import offers as sources

    for text in what:
        found, version = asked(text, all_new or installed is not None)
        try:
            given = [sources.installed(found, installed)] if installed else None
            offers = given or _offers(found, version, where, elsewhere=to is not None)
            with click.progressbar(length=len(offers), label=found.name, file=sys.stderr) as bar:
                count = build(found, offers, to or data_dir() / "wheels", cache_dir(), bar.update)
            if to is None:
                stamp(data_dir())
        except _ERRORS as error:
            raise CannotWork(reason(error)) from error
        click.echo(f"{found.name}: {count} releases added")


@matrix.command()
@click.option("--only", multiple=True, metavar="NAME[==VERSION]", help="only this project or release (repeatable)")
@click.option("--from", "where", metavar="DIR|URL", help="a folder of wheels or rows, a mirror, or another index")
@click.option("--timeout", "seconds", type=click.FloatRange(1), default=SECONDS, metavar="SECONDS", help=TIMEOUT)
@click.option("--dry-run", "dry", is_flag=True, help="list what is new and write nothing")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
def update(only: tuple[str, ...], where: str | None, seconds: float, dry: bool, form: str) -> None:
    """Reads releases that are newer than the data, and keeps them in your own data folder, which every command reads.

    Examples:  qvl-doctor matrix update

               qvl-doctor matrix update --only transformers --dry-run

               qvl-doctor matrix update --from /media/usb/qvl-doctor
    """
    from doctor.cli.update import update_data

    update_data(only, where, seconds, dry, form)


@matrix.command()
@click.argument("names", nargs=-1, metavar="[NAME|NAME==VERSION]...")
@click.option("--sample", default=2, show_default=True, help="releases of each project to read again")
@click.option("--find-links", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a folder of wheels")
@click.option("--index-url", help="package index to use")
def verify(names: tuple[str, ...], sample: int, find_links: Path | None, index_url: str | None) -> None:
    """Reads a random sample of releases again and compares; exits with 1 if one differs or is not covered.

    Example:  qvl-doctor matrix verify lmdeploy --sample 5
    """
    import random

    from doctor.matrix.update.verify import compare
    differences = 0
    for found, version in (asked(text, True) for text in names or rows.projects()):
        if version and not rows.covers(found.name, version):
            differences += 1
            click.echo(f"{found.name} {version}: not covered")
            continue
        try:
            offers = _offers(found, version, Where(SECONDS, find_links, index_url), covered=True)
            for offer in random.sample(offers, min(sample, len(offers))):
                wrong = compare(found, offer)
                differences += len(wrong)
                click.echo(f"{found.name} {offer.version}: {len(wrong)} differences")
                for one in wrong[:20]:
                    click.echo(clean(f"  {one.kind} {one.key}: stored {one.written}, read {one.read}", 400))
        except _ERRORS as error:
            raise CannotWork(reason(error)) from error
    sys.exit(1 if differences else 0)


def _offers(
    found: Project, version: str | None, where: Where, covered: bool = False, elsewhere: bool = False
) -> list[Offer]:
    """The offers meant: one release, or all that the data does (`covered`) or does not know yet; `elsewhere`: all."""
    from doctor.matrix.update.offers import chosen, in_folder, indexed
    from doctor.matrix.update.own import shipped

    offers = in_folder(found, where.folder) if where.folder else indexed(found, where.index_url, where.seconds)
    if version:
        return chosen(offers, [version])
    known = None if elsewhere else rows.releases(found.name) if covered else shipped(found)
    have = set(known.versions) if known else set()
    return [o for o in offers if (o.version in have) == covered]
