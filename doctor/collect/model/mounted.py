"""Paths inside a container as paths of this machine: a model that the command names may lie in a mounted folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

from doctor.facts import Launch
from doctor.facts.launch import HUB_HOME
from doctor.launch.inner import volume_places

MOST = 64


def outside(launch: Launch, path: str) -> str | None:
    """`/models/owl` as the folder that is mounted there (`./models:/models:ro`); None for one that is not mounted."""
    if launch.container is None or not path.startswith("/"):
        return None
    best: tuple[int, str] | None = None
    for source, target in _mounts(launch):
        if f"{os.path.normpath(path)}/".startswith(f"{target.rstrip('/')}/") and (not best or len(target) > best[0]):
            rest = os.path.normpath(path)[len(target.rstrip("/")) :].lstrip("/")
            best = len(target), os.path.normpath(os.path.join(source, rest))
    return best[1] if best else None


def cache(launch: Launch) -> str | None:
    """The hub's cache that the container sees, as a folder here; None where none is mounted."""
    told = launch.environ
    inside = told.get("HF_HUB_CACHE") or os.path.join(told.get("HF_HOME") or HUB_HOME, "hub")
    return outside(launch, inside)


def _mounts(launch: Launch) -> Iterator[tuple[str, str]]:
    """Folders of this machine with the place where they are mounted; volumes that docker keeps are left out."""
    volumes = launch.container.volumes if launch.container else ()
    for inside, here in volume_places(volumes[:MOST], os.getcwd()):
        yield here, os.path.normpath(inside)
