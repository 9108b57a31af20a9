"""A model on the hub: its small files, and the beginnings of its weights by range.

The settings are those of the hub's own client (`HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, `HF_HOME`), and so are the
addresses. Weights are never fetched, nor is any file whose size is not known to be small. Everything has an end: what
the hub has not answered after some fifteen seconds stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from doctor.base.files import Files
from doctor.base.text import clean
from doctor.collect.model.hub.listing import Refused
from doctor.collect.model.hub.remembered import recall, remember
from doctor.collect.model.reading import build
from doctor.facts import Model, Unavailable

SECONDS = 15.0
LARGEST = 192 << 20  # bytes in all
_TRUE = ("1", "on", "yes", "true")


def hub_model(
    repository: str, files: Files, environ: Mapping[str, str], use_cache: bool, tell: Callable[[str], None] | None
) -> Model | Unavailable:
    """The facts of a repository; Unavailable, with the reason, where the hub does not give them."""
    shown = clean(repository, 200)
    endpoint = environ.get("HF_ENDPOINT", "")
    offline = any(environ.get(name, "").lower() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    known = recall(repository, endpoint, at_any_age=offline) if use_cache else None
    if known is not None:
        return known
    if offline:
        return Unavailable("failed", f"`{shown}` is not on this disk, and HF_HUB_OFFLINE disables the hub")
    if tell is not None:
        tell(f"asking the hub about {shown}")
    found = _asked(repository, files, environ)
    if isinstance(found, Model):
        remember(repository, endpoint, found)
        return found
    return Unavailable(found.reason, f"`{shown}` {found.detail}")


def _asked(repository: str, files: Files, environ: Mapping[str, str]) -> Model | Unavailable:
    from doctor.remote.deadline import within
    from doctor.remote.errors import RemoteError

    try:
        return within(SECONDS + 1, lambda: _read(repository, files, environ), "the hub")
    except RemoteError as error:
        return Unavailable("timed_out", f"is not available: {error}")
    except Refused as error:
        return Unavailable("timed_out" if error.late else "failed", str(error))
    except Exception as error:
        return Unavailable("failed", f"is not available: the hub sent an invalid answer ({type(error).__name__})")


def _read(repository: str, files: Files, environ: Mapping[str, str]) -> Model:
    from doctor.collect.model.hub.asking import Hub
    from doctor.collect.model.hub.repository import HubPlace
    from doctor.remote.client import Limits

    hub = Hub(Limits(seconds=SECONDS, total=LARGEST, answer=SECONDS, quiet=6.0), environ)
    place = HubPlace.open(repository, files, hub)
    place.prefetch()
    made = build(place, repository)
    return replace(made, folder=place.lay_out(), unverified=tuple(sorted(place.unverified)))
