"""Logs for the tests of explain, in words of our own."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from doctor.explain import explain_log
from doctor.findings import Finding

Explain = Callable[[str | bytes], tuple[Finding, ...]]


@pytest.fixture
def explain() -> Explain:
    """Explains a log given as text or bytes."""

    def run(log: str | bytes) -> tuple[Finding, ...]:
        raw = log if isinstance(log, bytes) else log.encode("utf-8", "surrogateescape")
        return explain_log(io.BytesIO(raw))

    return run
