"""How many machines a container's own words say that it is one of."""

from __future__ import annotations

import re
from collections.abc import Iterable

from doctor.base.late import late_pattern

_SIZE = late_pattern(r"--?(?:ray_cluster_size|ray-cluster-size)[=\s]+(\d{1,4})\b")
_RAY = late_pattern(r"\bray\s+start\b.{0,400}?(?:--head|--address)|multi-node-serving\.sh|run_cluster\.sh", re.DOTALL)
UNKNOWN = 0  # several, or one alone: that is known to who starts them


def machines(words: Iterable[str]) -> int:
    """The machines that serve one copy together; 1 where nothing is said, `UNKNOWN` for a Ray cluster of any size."""
    text = " ".join(words)[: 1 << 16]
    if found := _SIZE.search(text):
        return max(int(found[1]), 1)
    return UNKNOWN if _RAY.search(text) else 1
