"""The cache of an environment holds only while the variables that its modules asked for keep their values."""

from __future__ import annotations

from pathlib import Path

from doctor.collect import cache
from doctor.collect.python.modules import ModuleReader
from doctor.facts import Distributions, Natives, Target


def test_a_variable_that_was_asked_for_decides(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    reader = ModuleReader(Target("installed", "named", "3.11"), Distributions(()), environ={"USE_TORCH": "1"})
    assert reader.environment("USE_TORCH") == "1"
    assert reader.environment("NEVER_SET") is None
    cache.save(kept, Natives(()), {}, reader.asked, reader.environ)
    assert cache.load(kept, Natives, {"USE_TORCH": "1", "OTHER": "x"}) == Natives(())
    assert cache.load(kept, Natives, {"USE_TORCH": "0"}) is None
    assert cache.load(kept, Natives, {}) is None
    assert cache.load(kept, Natives, {"USE_TORCH": "1", "NEVER_SET": ""}) is None


def test_no_value_is_written_to_disk(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    cache.save(kept, Natives(()), {}, ["HF_TOKEN"], {"HF_TOKEN": "hf_abcdefgh"})
    assert "hf_abcdefgh" not in kept.read_text()
