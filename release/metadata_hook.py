"""The hook with which hatchling gives a wheel and an sdist the project's URLs."""

from __future__ import annotations

import sys
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

sys.path.insert(0, str(Path(__file__).parents[1]))  # hatchling loads this file alone

from release.addresses import addresses, urls


class Addresses(MetadataHookInterface):
    """Fills in the URLs as a package is built."""

    def update(self, metadata: dict[str, object]) -> None:
        """Adds them to the project's metadata."""
        metadata["urls"] = urls(addresses(Path(self.root) / "release"))
