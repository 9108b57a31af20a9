"""A patient for each test, built once for the session."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repair import patients
from tests.repair.patients import Patient


@dataclass(frozen=True)
class Known:
    """A patient and what it is byte for byte before and after its repair."""

    patient: Patient
    old: str
    new: str

    def state(self) -> str:
        """`old`, `new`, or `mixed`: what may never be seen."""
        now = patients.digest(self.patient.env)
        return "old" if now == self.old else "new" if now == self.new else "mixed"


@pytest.fixture(autouse=True, scope="session")
def plain_signals() -> None:
    """Under nohup signals are ignored, and children would inherit that; these tests are about signals that arrive."""
    for name in ("SIGHUP", "SIGINT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Built once; its new state comes from a repair that nothing disturbed."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the exchange of two folders exists on Linux alone")
    patient = patients.build(tmp_path_factory.mktemp("repair"))
    old = patients.digest(patient.env)
    done = patients.run(patients.fix(patient))
    assert done.returncode == 0, done.stderr
    return Known(patient, old, patients.digest(patient.env))


@pytest.fixture
def known(built: Known) -> Iterator[Known]:
    """The patient as it was built, the folder beside it empty again afterwards."""
    built.patient.reset()
    yield built
    built.patient.reset()


@pytest.fixture
def fresh(tmp_path: Path) -> Patient:
    """A patient of one's own, to be maltreated."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the exchange of two folders exists on Linux alone")
    return patients.build(tmp_path)
