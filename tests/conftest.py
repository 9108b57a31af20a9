"""How many workers `-n auto` means here, and that what is compiled is kept."""

from __future__ import annotations

import os
import sys
import tempfile

import pytest

# The tests start the command some thousand times, and each worker loads all test modules: where nothing may be kept,
# every one of them compiles all of it again, which takes longer than what is tested.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What the user of this machine added to the data is not what is tested.
os.environ["QVL_DOCTOR_DATA"] = os.path.join(tempfile.gettempdir(), f"qvl-doctor-none-{os.getpid()}")
sys.dont_write_bytecode = False


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """A worker that is done takes tests from the others: those of `run` wait long, and one alone had them at the end."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "worksteal"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: the tests of `run` wait for servers most of the time."""
    return (os.cpu_count() or 1) + 1
