"""What the hub said of a repository, for an hour: a check that is run again shall not wait for the network again."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from doctor import __version__
from doctor.collect import cache
from doctor.facts import Model

SECONDS = 3600


def recall(repository: str, endpoint: str) -> Model | None:
    """The facts, while they are fresh."""
    path = _path(repository, endpoint)
    try:
        if path is None or not 0 <= time.time() - path.stat().st_mtime < SECONDS:
            return None
    except OSError:
        return None
    return cache.load(path, Model)


def remember(repository: str, endpoint: str, model: Model) -> None:
    """Keeps the facts, where there is a place for them."""
    path = _path(repository, endpoint)
    if path is not None:
        cache.save(path, model, {})


def _path(repository: str, endpoint: str) -> Path | None:
    question = json.dumps([__version__, endpoint, repository])
    try:
        return cache.folder() / "hub" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"
    except RuntimeError:  # no home folder
        return None
