"""How sure a verdict on memory is, and what would settle it. What is computed is never sure."""

from __future__ import annotations

from doctor.derived.memory.verdict import MemoryVerdict
from doctor.findings import Confidence, Evidence
from doctor.memory.fit import Fit

FILES = "to be sure, check with the model's files: `--model DIR`, or without `--offline`"
START = "to be sure, start it with `qvl-doctor run -- COMMAND`: the next check uses what the server logs"


def of_weights(here: MemoryVerdict, result: Fit, limit: int) -> Confidence:
    """High where the files alone are larger than `limit` bytes of each GPU; what a step takes is an estimate."""
    found = here.footprint
    if found.assumed or (not found.exact and (found.guessed or not found.tower)):
        return "low"
    measured = here.learned is not None and here.learned.weights is not None
    whole = found.total > limit * max(result.settings.tp * result.settings.pp, 1)
    return "high" if measured or (found.exact and not here.listed and whole) else "medium"


def of_cache(here: MemoryVerdict) -> Confidence:
    """High only where the engine's own figure of an earlier run decides."""
    if here.footprint.assumed or here.footprint.guessed:
        return "low"
    measured = here.learned is not None and (here.learned.cache or here.learned.tokens)
    return "high" if measured else "medium"


def certainty(here: MemoryVerdict, confidence: Confidence) -> Evidence:
    """The row of evidence that says so."""
    found = here.footprint
    weights = "listed in the data" if here.listed else "the sizes of the files" if found.exact else "computed"
    if found.assumed or (found.guessed and not found.exact):
        weights = "guessed: the configuration does not say enough"
    if here.learned is not None:
        return Evidence("how sure", f"{confidence}: an earlier run of this launch was read", None, here.learned.run)
    said = f"{confidence}: weights {weights}; the rest is estimated"
    if confidence == "high":
        return Evidence("how sure", f"high: weights {weights}", None, found.source)
    return Evidence("how sure", said, START if found.exact and not here.listed else FILES, found.source)
