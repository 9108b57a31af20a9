"""The run that a user means."""

from __future__ import annotations

import os
from pathlib import Path

from doctor.run.story.creation import Unusable, all_bases
from doctor.run.story.decode import read_meta
from doctor.run.story.listing import NAME, listing, trouble
from doctor.run.story.meta import MARKER


def is_run(folder: Path) -> bool:
    """Whether `folder` is a run folder of ours."""
    return read_meta(folder).kind == MARKER


def find(name: str, log_dir: str | None = None) -> Path:
    """The run that `name` means: a folder, an id, the beginning of one id, or `last`. Raises `Unusable`."""
    bases = [Path(log_dir)] if log_dir else all_bases()
    for folder in (Path(name), *(base / name for base in bases)):
        if os.path.isdir(folder) and is_run(folder):  # noqa: PTH112 - false for a name that is too long, too
            return folder.absolute()
        _refuse_damaged(folder)
    runs = [run for base in bases for run in listing(base).runs]
    if name == "last" and runs:
        return max(runs, key=lambda r: (r.started, r.folder.name)).folder
    hits = [run.folder for run in runs if run.folder.name.startswith(name)]
    if len(hits) == 1:
        return hits[0]
    raise Unusable(f"{len(hits)} runs begin with `{name}`" if hits else f"no run `{name}`: see `qvl-doctor runs`")


def _refuse_damaged(folder: Path) -> None:
    """A run's own folder that cannot be read as one: without `meta.json` nothing tells which words are secrets."""
    if not NAME.fullmatch(folder.name) or not folder.is_dir() or not (folder / "meta.json").exists():
        return
    if why := trouble(folder):
        raise Unusable(f"the run in `{folder}` cannot be used: {why}; its raw log is still there")
