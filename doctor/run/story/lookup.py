"""The runs that are there, and the one that a user means."""

from __future__ import annotations

import os
import re
from pathlib import Path

from doctor.base.files import BARRED, Files
from doctor.run.story.creation import Unusable, default_bases, fallback_base
from doctor.run.story.decode import read_meta
from doctor.run.story.meta import MARKER
from doctor.run.watch.proc import read_stat

_NAME = re.compile(r"\d{8}T\d{6}Z-(?P<pid>\d{1,9})(?:-\d{1,2})?")


def is_run(folder: Path) -> bool:
    """Whether `folder` is a run folder of ours."""
    return read_meta(folder).kind == MARKER


def runs_in(base: Path) -> list[Path]:
    """The run folders below `base`, the oldest first."""
    try:
        found = [p for p in base.iterdir() if p.is_dir() and not p.is_symlink()]
    except OSError:
        return []
    return sorted((p for p in found if is_run(p)), key=lambda p: (read_meta(p).started, p.name))


def orphans_in(base: Path) -> list[Path]:
    """Folders of runs that ended before they had begun: of a process that is gone, without `meta.json`."""
    try:
        named = [(p, _NAME.fullmatch(p.name)) for p in base.iterdir() if p.is_dir() and not p.is_symlink()]
    except OSError:
        return []
    return [p for p, n in named if n and not (p / "meta.json").exists() and read_stat(int(n["pid"])) is None]


def find(name: str, log_dir: str | None = None) -> Path:
    """The run that `name` means: a folder, an id, the beginning of one id, or `last`. Raises `Unusable`."""
    if os.path.isdir(name) and is_run(Path(name)):  # noqa: PTH112 - false for a name that is too long, too
        return Path(name).absolute()
    if os.path.isdir(name) and Files().barred(name):  # noqa: PTH112 - as above
        raise Unusable(f"`{name}` {BARRED}")
    bases = [Path(log_dir)] if log_dir else [*default_bases(), fallback_base()]
    runs = [run for base in bases for run in runs_in(base)]
    if name == "last" and runs:
        return max(runs, key=lambda p: (read_meta(p).started, p.name))
    exact = [run for run in runs if run.name == name]
    hits = exact or [run for run in runs if run.name.startswith(name)]
    if len(hits) == 1:
        return hits[0]
    raise Unusable(f"{len(hits)} runs begin with `{name}`" if hits else f"no run `{name}`: see `qvl-doctor runs`")
