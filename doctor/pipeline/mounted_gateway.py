"""The file of the gateway, proxy or scraper that a deployment's own services mount: nobody has to name it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service

# images of gateways with the option that names their file, and where it stands else; the first that is found counts
_KINDS = (
    (late_pattern(r"litellm"), late_pattern(r"--config$|-c$"), "/app/config.yaml"),
    (late_pattern(r"(?:^|/)nginx(?:[:@-]|$)|openresty"), late_pattern(r"-c$"), "/etc/nginx/"),
    (late_pattern(r"(?:^|/)prometheus(?:[:@]|$)"), late_pattern(r"--config\.file$"), "/etc/prometheus/prometheus.yml"),
)  # fmt: skip


def mounted_gateway(services: Iterable[Service]) -> str | None:
    """The path here of such a file; None where none is mounted from a file."""
    every = list(services)
    for image, option, usual in _KINDS:
        for service in every:
            if image.search((service.image or "").lower()):
                found = next(_files(service, option, usual), None)
                if found is not None:
                    return found
    return None


def _files(service: Service, option: re.Pattern[str], usual: str) -> Iterator[str]:
    """The files here that stand at the place which the service's command names, else at the usual one."""
    named = next(_values((*(service.entrypoint or ()), *(service.command or ())), option), usual)
    for inside, here in service.places:
        place, folder = Path(here), inside.rstrip("/")
        of_folder = named.endswith("/") and inside.startswith(named) and inside.endswith(".conf")
        if named.startswith(f"{folder}/") and not of_folder:
            place = Path(here + named[len(folder) :])
        elif not of_folder and named != inside:
            continue
        if place.is_file():
            yield str(place)


def _values(words: tuple[str, ...], option: re.Pattern[str]) -> Iterator[str]:
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if option.match(name):
            yield value if equals else words[at + 1] if at + 1 < len(words) else ""
