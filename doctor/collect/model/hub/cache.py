"""The hub client's cache on this disk: where it is, and what it holds of a repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from doctor.base.files import Files
from doctor.base.late import late_pattern

REPOSITORY = late_pattern(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}\Z")
SNAPSHOTS = 20


def caches(files: Files, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The folder in which the client keeps repositories, by the variables that the client itself reads."""
    base = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    home = environ.get("HF_HOME") or os.path.join(
        environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".cache"),
        "huggingface",
    )
    return (files.inside(base or os.path.join(home, "hub")),)


def snapshots(files: Files, cache: str, repository: str) -> Iterator[str]:
    """The folders of a repository in the cache: that of its main branch first, then whichever were fetched."""
    if not REPOSITORY.match(repository):
        return
    folder = os.path.join(cache, f"models--{repository.replace('/', '--')}")
    main = (files.text(os.path.join(folder, "refs", "main"), 256) or "").strip()
    commits = os.path.join(folder, "snapshots")
    if re.fullmatch(r"[0-9a-f]{6,64}", main):
        yield os.path.join(commits, main)
    yield from (os.path.join(commits, name) for name in files.names(commits)[:SNAPSHOTS] if name != main)
