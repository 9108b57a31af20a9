"""Whether a log says that its server takes requests."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from doctor.run.log.logfile import Log
from doctor.run.log.reading import read_ends

HEAD, TAIL = 256 << 10, 1 << 20


def said_ready(logs: Iterable[Log]) -> bool:
    """By the words of the engines and of what serves HTTP, near the beginning and the end of a log."""
    from doctor.explain.life.signs import Text, ready

    for log in logs:
        try:
            first, last, _ = read_ends(log.path, HEAD, TAIL)
        except OSError:
            continue
        lines = (first + b"\n" + last).decode("utf-8", "replace").splitlines(keepends=True)
        if ready(Text("".join(lines), [0, *accumulate(map(len, lines))][:-1] or [0])):
            return True
    return False
