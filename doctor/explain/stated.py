"""What a log says of the command: values of options in the engines' argument lines and in commands that were echoed."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.explain.context import Digest
from doctor.matrix.engines import option_names

_WORKER = late_pattern(r"(?:Worker_|\b)TP(?P<rank>\d{1,4})\b")
LONGEST = 200


def option(digest: Digest, meaning: str) -> str | None:
    """The value of an option by its meaning (`tensor_parallel`), as the log states it last; None where it does not."""
    names = [n for n in option_names(meaning) if len(n) > 3]
    found = None
    for name in names:
        field = name.lstrip("-").replace("-", "_")
        pattern = (
            rf"(?:{re.escape(name)}(?:[= ]{{1,3}}|', ')|\b{field}['\"]?[=:] ?)['\"]?(?P<value>[\w./:+-]{{1,{LONGEST}}})"
        )
        for match in re.finditer(pattern, digest.text):
            found = match["value"]
    return found


def parallel_size(digest: Digest) -> int | None:
    """The tensor-parallel size: as it is stated, or the number of ranks that wrote; None where neither tells."""
    stated = option(digest, "tensor_parallel")
    if stated and stated.isdigit() and 0 < int(stated) < 4096:
        return int(stated)
    return None


def ranks_seen(digest: Digest) -> int:
    """One more than the highest rank that wrote, at least 1: the size is this or more."""
    return 1 + max((int(m["rank"]) for n in digest.lines if (m := _WORKER.search(n.who))), default=0)
