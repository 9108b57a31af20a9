"""Installed engines and transformers that the data does not cover (newer, or a build of one's own), by their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.facts import Distribution, Distributions, Launch, ReadRelease, Target, Unavailable
from doctor.matrix import rows
from doctor.pipeline.environment import chosen_engines

if TYPE_CHECKING:
    from doctor.pipeline.request import Request

MODELS = "transformers"  # knows the types of models for every engine


@dataclass(frozen=True)
class Kept:
    """What the cache holds."""

    release: ReadRelease


def read_releases(
    target: Target, distributions: Distributions | Unavailable, launch: Launch | Unavailable, request: Request
) -> tuple[ReadRelease, ...]:
    """One for each engine that counts and for transformers, where the data does not cover them: rows then answer."""
    if not isinstance(distributions, Distributions):
        return ()
    names = dict.fromkeys((*chosen_engines(distributions, launch), MODELS))
    found = [d for name in names if (d := distributions.get(name))]
    out = tuple(_one(target, distributions, d, request) for d in found if not rows.covers(d.key, d.version))
    rows.take_over(out)
    return out


def _one(target: Target, distributions: Distributions, found: Distribution, request: Request) -> ReadRelease:
    """From the cache where none of its files has changed, else read now."""
    from doctor.collect import cache
    from doctor.matrix.files.row import GENERATION

    asked = ("release", found.key, found.version, found.metadata_path, str(GENERATION))
    place = cache.place(target, asked, request.environ) if request.use_cache else None
    known = cache.load(place, Kept, request.environ) if place else None
    if known is not None:
        return known.release
    made, seen = _read(target, distributions, found)
    if place:
        cache.save(place, Kept(made), seen)
    return made


def _read(
    target: Target, distributions: Distributions, found: Distribution
) -> tuple[ReadRelease, dict[str, tuple[int, int] | None]]:
    from doctor.collect.python.modules import ModuleReader
    from doctor.matrix.extract.of_installed import installed_row
    from doctor.matrix.extract.projects.registry import project
    from doctor.matrix.extract.unpacked import UnpackedSource
    from doctor.remote.errors import WheelError

    reader = ModuleReader(target, distributions, (found.key,))
    known = project(found.key)
    places = {top: place.search[0] for top in (known.packages if known else ())
              if (place := reader.find(top, None)) is not None and place.search}  # fmt: skip
    try:
        source = UnpackedSource(reader.files, places, found.metadata_path, reader.note)
        made = ReadRelease(found.key, found.version, installed_row(found.key, found.version, source))
    except WheelError as error:
        made = ReadRelease(found.key, found.version, {}, str(error))
    return made, dict(reader.seen)
