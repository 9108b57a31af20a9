"""A release that its extractor does not know how to read."""

from __future__ import annotations


class LayoutError(ValueError):
    """A release that is laid out in a way its extractor does not know; names the file and the release."""

    def __init__(self, release: str, file: str, missing: str) -> None:
        super().__init__(f"{release}: {file} does not contain {missing}; the extractor does not know this layout")
        self.release, self.file, self.missing = release, file, missing
