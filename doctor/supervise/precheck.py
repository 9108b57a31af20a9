"""The check before the start: is there any reason why this server cannot come up here?"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from doctor.supervise.engines import recognise


@dataclass(frozen=True, slots=True)
class Verdict:
    """`errors` stop the start, in one sentence each; `facts` (saved form) and `findings` are kept in the run folder."""

    errors: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    findings: tuple[dict[str, Any], ...] = ()


def precheck(argv: Sequence[str]) -> Verdict:
    """Runs the diagnosis for an engine's launch command; anything else is started without ado.

    `doctor.pipeline.precheck(argv) -> Verdict` does the work where it exists. It stands above this layer, so it is
    looked up by name.
    """
    server = recognise(argv)
    if server is None or not server.serves_models:
        return Verdict()
    try:
        check = importlib.import_module("doctor.pipeline").precheck
    except (ImportError, AttributeError):
        return Verdict()
    verdict: Verdict = check(tuple(argv))
    return verdict
