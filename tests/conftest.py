"""How many workers `-n auto` means here."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: the tests of `run` wait for servers most of the time."""
    return (os.cpu_count() or 1) + 1
