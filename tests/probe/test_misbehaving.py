"""Every way to misbehave gets its own name, the first error is the one that is named, and nothing hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from doctor.findings.probe import ProbeReport
from doctor.probe import probe
from doctor.probe.address import Address
from doctor.probe.options import Options
from tests.probe.misbehaving import CASES
from tests.probe.serving import Act, Stub, served

SECONDS = 4.0


def asked(stub: Stub, **more: object) -> ProbeReport:
    """What a probe with short patience says of a stub."""
    return probe(Options(Address.of(stub.address), timeout=SECONDS, wait=1.0, **{"skip": ("gpu",), **more}))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Future[tuple[ProbeReport, float]]]]:
    """All cases at once: nearly all of their time is spent waiting."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(12) as pool:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield {name: pool.submit(_outcome, acts) for name, (acts, _, _) in CASES.items()}


def _outcome(acts: dict[str, Act]) -> tuple[ProbeReport, float]:
    began = time.monotonic()
    with served(Stub(dict(acts))) as stub:
        return asked(stub), time.monotonic() - began


@pytest.mark.parametrize("case", CASES)
def test_it_is_named(case: str, outcomes: dict[str, Future[tuple[ProbeReport, float]]]) -> None:
    _, code, check = CASES[case]
    report, seconds = outcomes[case].result()
    assert seconds < SECONDS + 3
    found = {r.name: [f.rule for f in r.findings] for r in report.results}
    assert code in found[check], f"{found} {[f.message for f in report.findings]}"
    first = next(f for f in report.findings)
    assert first.rule == code and first.primary
    assert not any(f.rule not in (code, "SRV190") for f in report.findings if f.severity == "error"), found
