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


def recall(repository: str, endpoint: str, *, at_any_age: bool = False) -> Model | None:
    """The facts, while they are fresh; `at_any_age` where the hub may not be asked anyway."""
    path = _path(repository, endpoint)
    try:
        if path is None or not (at_any_age or 0 <= time.time() - path.stat().st_mtime < SECONDS):
            return None
    except OSError:
        return None
    found = cache.load(path, Model)
    return found if found is not None and (found.folder is None or Path(found.folder).is_dir()) else None


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
