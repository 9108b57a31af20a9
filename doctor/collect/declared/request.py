"""What the user names instead of an installed environment."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.collect.declared.service import Service


@dataclass(frozen=True)
class DeclaredRequest:
    """What the user named: requirement files or Dockerfiles, an image, a compose file and one of its services.

    `by` is how the image was named: the option, or `docker run`. `place` names an environment of which nothing is
    known, such as a container that runs already. `deployments` are files of any form that hold services; `stated` is
    the one of them that is being judged.
    """

    requirements: tuple[str, ...] = ()
    image: str | None = None
    compose: str | None = None
    service: str | None = None
    by: str = "--image"
    place: str | None = None
    deployments: tuple[str, ...] = ()
    stated: Service | None = None

    def __bool__(self) -> bool:
        named = self.requirements or self.image or self.compose or self.service or self.place
        return bool(named or self.deployments or self.stated)
