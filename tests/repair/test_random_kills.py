"""Every command that changes environments or runs, killed at random: a few of the many of `benchmarks/kills.py`."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

FULL = bool(os.environ.get("QVL_FULL"))
NUMBER = 100 if FULL else 1
_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "kills.py"
_COMMANDS = ["apply", "undo", "recover", "prune", "start"]  # in place: `test_kills.py`


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the exchange of two folders exists on Linux alone")
def test_old_or_new_nothing_lost_and_nothing_blocked(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("kills", _FILE)
    assert spec and spec.loader
    kills = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kills)
    for _, ask in kills.questions(tmp_path, random.Random(14), _COMMANDS).items():
        for _ in range(NUMBER):
            ask()
