"""What the user names instead of an installed environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeclaredRequest:
    """What the user named: requirement files or Dockerfiles, an image, a compose file and one of its services."""

    requirements: tuple[str, ...] = ()
    image: str | None = None
    compose: str | None = None
    service: str | None = None

    def __bool__(self) -> bool:
        return bool(self.requirements or self.image or self.compose or self.service)
