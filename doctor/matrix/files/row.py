"""What was read out of one release: kind (`flags`, `architectures.default`) -> key -> value, as the facts file has it.

The values are JSON of many shapes, each described where its kind is extracted.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, dict[str, Any]]
# Counts changes of what is extracted: results of another generation are read again.
GENERATION = 10
