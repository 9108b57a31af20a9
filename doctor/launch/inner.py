"""Files inside a container, as far as they are known here: copied into its image, or mounted."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping

from doctor.base.files import Files
from doctor.launch.shell import LARGEST

MOST = 200


def inner_reader(
    places: Iterable[tuple[str, str]], texts: Mapping[str, str] | None = None
) -> Callable[[str], str | None]:
    """Reads the text of a file by its path in a container.

    `places` are pairs of an absolute path there and the file or folder here that stands for it; later ones hide
    earlier ones. `texts` are files there whose text is known. Returns None for a file that none of them holds.
    """
    known = [(posixpath.normpath(inside), outside) for inside, outside in places][:MOST]

    def read(path: str) -> str | None:
        asked = posixpath.normpath(path)
        if texts and asked in texts:
            return texts[asked]
        for inside, outside in reversed(known):
            if asked != inside and not asked.startswith(f"{inside.rstrip('/')}/"):
                continue
            rest = asked[len(inside) :].strip("/")
            here = os.path.join(outside, rest) if rest else outside
            if os.path.isfile(here) and (text := Files(None).text(here, LARGEST)) is not None:
                return text
        return None

    return read


def volume_places(volumes: Iterable[str], folder: str) -> list[tuple[str, str]]:
    """Volumes such as `./models:/models:ro` as pairs of the path there and the path here, below `folder`."""
    out = []
    for volume in volumes:
        source, _, rest = volume.partition(":")
        inside, outside = rest.partition(":")[0], os.path.expanduser(source)
        if inside.startswith("/") and outside.startswith(("/", ".")):  # docker keeps the others itself
            out.append((inside, os.path.join(folder, outside)))
    return out
