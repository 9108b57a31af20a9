"""What can go wrong when a release is read."""

from __future__ import annotations


class WheelError(ValueError):
    """A wheel that cannot be trusted or read: hostile paths or sizes, damage, a member that is too large."""


class IndexUnavailable(ValueError):
    """The package index is not set, does not answer, or does not hold what was asked for."""


class LayoutError(ValueError):
    """A release that is laid out in a way its extractor does not know; names the file and the release."""

    def __init__(self, release: str, file: str, missing: str) -> None:
        super().__init__(f"{release}: {file} does not hold {missing}; the extractor must learn this release's layout")
        self.release, self.file, self.missing = release, file, missing
