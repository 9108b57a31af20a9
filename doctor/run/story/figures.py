"""What a server logged about its GPU memory while it started, next to what was predicted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

from doctor.base.text import plural
from doctor.explain.life.signs import Text, ready
from doctor.facts.observed import Observed
from doctor.findings.memory import Expected, Figure
from doctor.matrix.engines import serving_engines
from doctor.memory.logged import logged, plausible
from doctor.run.log.logfile import logs_of
from doctor.run.log.reading import read_ends

HEAD = 4 << 20  # bytes of a log: the figures come before the server is ready
NO_CARD = 1 << 50


def observed(logs: Iterable[Path], expected: Expected | None) -> Observed | None:
    """The figures of logs up to where they say that the server is ready; None where there are none to be believed."""
    text = "\n".join(startup(path)[0] for path in logs)
    if expected is None:
        found = (logged(text, engine) for engine in serving_engines())
        seen = next((one for one in found if one is not None), None)
    else:
        seen = logged(text, expected.engine, expected.block)
    return plausible(seen, expected.card if expected else NO_CARD) if seen else None


def startup(path: Path) -> tuple[str, bool]:
    """The beginning of a log, and whether it says that the server takes requests: what follows is left out."""
    try:
        head = read_ends(path, HEAD, 0)[0].decode("utf-8", "replace")
    except OSError:
        return "", False
    lines = head.splitlines(keepends=True)
    places = ready(Text(head, [0, *accumulate(map(len, lines))][:-1] or [0]))
    return ("".join(lines[: places[0]]), True) if places else (head, False)


def figures(folder: Path, expected: Expected | None) -> tuple[Figure, ...]:
    """Those of a run's logs."""
    seen = observed(logs_of(folder), expected)
    return () if seen is None else compared(seen, expected)


def compared(seen: Observed, expected: Expected | None) -> tuple[Figure, ...]:
    """Each figure that was logged, with its prediction."""
    whole = f"requests of {plural(seen.length, 'token')}" if seen.length else "requests"
    rows = [
        ("weights", "bytes", seen.weights, expected and (expected.weights, expected.weights)),
        ("KV cache", "bytes", seen.cache, expected and expected.cache),
        ("KV cache", "tokens", seen.tokens, expected and expected.tokens),
        (whole, "at once", seen.concurrency, expected and seen.length == expected.context and expected.concurrent),
    ]  # fmt: skip
    return tuple(
        Figure(name, unit, float(value), (float(said[0]), float(said[1])) if isinstance(said, tuple) else None)
        for name, unit, value, said in rows if value
    )  # fmt: skip
