"""`qvl-doctor matrix add --gpu-code`: which GPUs releases have code for, read from their wheels."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from packaging.version import InvalidVersion, Version

from doctor.base.text import clean
from doctor.cli.answer.output import CannotWork
from doctor.facts import normalize
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.gpu_code import covered, gpu_libraries
from doctor.matrix.update.build import cache_dir
from doctor.pipeline.gpu_code import WheelOffer
from doctor.remote.errors import IndexUnavailable, WheelError

_ERRORS = (IndexUnavailable, WheelError, DataError, OSError)


def add_gpu_code(
    what: tuple[str, ...], all_new: bool, find_links: Path | None, installed: Path | None, index_url: str | None,
    to: Path | None,
) -> None:  # fmt: skip
    """Reads NAME==VERSION, or with `all_new` every release of NAME that is not covered. Raises click.UsageError."""
    from doctor.pipeline.gpu_code import add_gpu_code as build

    if installed is not None:
        raise click.UsageError("`--gpu-code` reads wheels; leave out `--installed`")
    for text in what:
        name, version = _asked(text, all_new)
        try:
            offers = _in_folder(name, find_links) if find_links else _indexed(name, index_url)
            wanted = [o for o in offers if o.version == version] if version else _uncovered(name, offers, to)
            if version and not wanted:
                raise IndexUnavailable(f"no wheel of {name} {version} for Linux on x86-64 was found")
            with click.progressbar(length=len(wanted), label=name, file=sys.stderr) as bar:
                count = build(name, wanted, to or data_dir() / "gpu_code", cache_dir(), bar.update)
        except _ERRORS as error:
            raise CannotWork(clean(str(error), 2000)) from error
        click.echo(f"{name}: GPU code of {count} releases added")


def _asked(text: str, whole: bool) -> tuple[str, str | None]:
    name, _, version = text.partition("==")
    names = sorted({d for row in gpu_libraries() for d in row.distributions})
    if normalize(name) not in names:
        raise click.UsageError(f"`{clean(name, 100)}` has no library that decides; expected one of {', '.join(names)}")
    if not version and not whole:
        raise click.UsageError(f"which release of {normalize(name)}? NAME==VERSION, or --all-new")
    try:
        return normalize(name), str(Version(version)) if version else None
    except InvalidVersion as error:
        raise click.UsageError(f"`{clean(version, 100)}` is not a version") from error


def _uncovered(name: str, offers: list[WheelOffer], to: Path | None) -> list[WheelOffer]:
    """What the data does not have yet, the newest first, so that a run that was stopped has the best of it."""
    have = {} if to else covered(name)
    return [o for o in reversed(offers) if o.version not in have and not Version(o.version).is_prerelease]


def _indexed(name: str, index_url: str | None) -> list[WheelOffer]:
    """The release's wheel for Linux on x86-64, of those that the index has."""
    from doctor.remote.http import session
    from doctor.remote.index import best_wheel, wheels
    from doctor.remote.index_json import IndexedWheel
    from doctor.remote.index_settings import index_settings
    from doctor.remote.remote_zip import remote_wheel

    settings = index_settings()
    http = session(settings.certificates)
    found: dict[str, list[IndexedWheel]] = {}
    for wheel in wheels(http, index_url or settings.url, name):
        if any("linux" in tag and "x86_64" in tag for tag in wheel.tags):
            found.setdefault(wheel.version, []).append(wheel)
    best = [best_wheel(offered) for offered in found.values()]
    return [
        WheelOffer(w.version, w.sha256 or w.filename, lambda w=w: remote_wheel(http, w.url, w.filename, w.sha256))  # type: ignore[misc]
        for w in best
    ]


def _in_folder(name: str, folder: Path) -> list[WheelOffer]:
    from doctor.remote.source import local_wheel, wheel_name

    out: list[WheelOffer] = []
    for path in sorted(folder.glob("*.whl")):
        try:
            project, version, tags = wheel_name(path.name)
        except WheelError:
            continue
        if project == name and any("linux" in tag and "x86_64" in tag for tag in tags):
            digest = f"{path.stat().st_size}-{path.stat().st_mtime_ns}"
            out.append(WheelOffer(version, digest, lambda p=path: local_wheel(p)))  # type: ignore[misc]
    return out
