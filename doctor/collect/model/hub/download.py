"""A model on the hub: its small files through the hub's own client, the headers of its weights by range.

The client's settings are its own (`HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, `HF_HOME`): small files land in its
cache, where the engine finds them again. Weights are never fetched, nor is any file whose size is not known to be
small. Everything has an end: what the hub has not answered after some twenty seconds stays open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from doctor.base.files import Files
from doctor.base.text import clean
from doctor.collect.model.hub.remembered import recall, remember
from doctor.collect.model.hub.repository import HubPlace, Refused
from doctor.collect.model.reading import build
from doctor.facts import Model, Unavailable

SECONDS = 20.0
_TRUE = ("1", "on", "yes", "true")
# class of the client's error (or of one it derives from) -> what it means
_MEANING = (
    ("OfflineModeIsEnabled", "the hub was not asked: its client is set to work offline"),
    ("GatedRepoError", "is gated: accept its terms on the hub and set HF_TOKEN"),
    ("RepositoryNotFoundError", "is not on the hub, or it is private; for a private one, set HF_TOKEN"),
    ("RevisionNotFoundError", "has no such revision on the hub"),
    ("LocalEntryNotFoundError", "is not available: the connection to the hub failed"),
    ("EntryNotFoundError", "does not have a file that the hub lists"),
    ("Timeout", "is not available: the hub did not answer in time"),
    ("TimeoutException", "is not available: the hub did not answer in time"),
    ("ConnectionError", "is not available: there is no connection to the hub"),
    ("ConnectError", "is not available: there is no connection to the hub"),
    ("HTTPError", "is not available: the hub answered with an error"),
    ("OSError", "is not available: the connection to the hub failed"),
)


def hub_model(
    repository: str, files: Files, environ: Mapping[str, str], use_cache: bool, tell: Callable[[str], None] | None
) -> Model | Unavailable:
    """The facts of a repository; Unavailable, with the reason, where the hub does not give them."""
    shown = clean(repository, 200)
    if any(environ.get(name, "").lower() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        return Unavailable("failed", f"`{shown}` is not on this disk, and HF_HUB_OFFLINE disables the hub")
    endpoint = environ.get("HF_ENDPOINT", "")
    known = recall(repository, endpoint) if use_cache else None
    if known is not None:
        return known
    if tell is not None:
        tell(f"asking the hub about {shown}")
    found = _within(SECONDS, lambda: _read(repository, files))
    if isinstance(found, Model):
        remember(repository, endpoint, found)
        return found
    if found is None:
        return Unavailable("timed_out", f"`{shown}`: the hub gave no complete answer within {SECONDS:.0f} seconds")
    return Unavailable("failed", f"`{shown}` {_said(found)}")


def _read(repository: str, files: Files) -> Model:
    place = HubPlace.open(repository, files)
    place.prefetch()
    return build(place, repository)


def _within(seconds: float, action: Callable[[], Model]) -> Model | BaseException | None:
    """What `action` gives or raises; None where it takes longer: it is left to a thread that ends with us."""
    out: list[Model | BaseException] = []

    def run() -> None:
        try:
            out.append(action())
        except BaseException as error:
            out.append(error)

    thread = threading.Thread(target=run, name="hub", daemon=True)
    thread.start()
    thread.join(seconds)
    return out[0] if out else None


def _said(error: BaseException) -> str:
    if isinstance(error, Refused):
        return str(error)
    names = [kind.__name__ for kind in type(error).__mro__]
    for name, meaning in _MEANING:
        if name in names:
            return meaning
    return f"is not available: the hub sent an invalid answer ({type(error).__name__})"
