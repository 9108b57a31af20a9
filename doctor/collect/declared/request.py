"""What the user names instead of an installed environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.record import dataclass

if TYPE_CHECKING:
    from doctor.collect.declared.reported import Reported
    from doctor.collect.declared.service import Service


@dataclass(frozen=True)
class Composing:
    """What Compose is told beside its first file: further files, files of variables, profiles, the project's folder.

    `command` are the words behind the service of `docker compose run`, which replace its command,
    `among` the services that are started, all where none is named. `beside`: the override file
    next to the first file counts, as it does unless files are named with `-f`.
    """

    overlays: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    folder: str | None = None
    command: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    beside: bool = True


@dataclass(frozen=True)
class DeclaredRequest:
    """What the user named: requirement files or Dockerfiles, an image, a compose file and one of its services.

    `by` is how the image was named: the option, or `docker run`. `place` names an environment of which nothing is
    known, such as a container that runs already. `compose` is the first file, `composing` what else Compose is told.
    `deployments` are files of any form that hold services; `stated` is the one of them that is being judged.
    `reported` is what somebody's report says is installed.
    """

    requirements: tuple[str, ...] = ()
    image: str | None = None
    compose: str | None = None
    service: str | None = None
    by: str = "--image"
    place: str | None = None
    composing: Composing = Composing()
    deployments: tuple[str, ...] = ()
    stated: Service | None = None
    reported: Reported | None = None

    def __bool__(self) -> bool:
        named = self.requirements or self.image or self.compose or self.service or self.place
        return bool(named or self.deployments or self.stated or self.reported)
