"""The story that began it all, on real packages: the plan, and what is offered where none can help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from tests.cli.running import answer, doctor
from tests.story.environments import PYTHON, environment

pytestmark = pytest.mark.registry
WINDOW = SpecifierSet(">=4.42.0,<=4.56.2,!=4.52.*")
LAUNCH = ("--", "lmdeploy", "serve", "api_server", "Qwen/Qwen-VL-Chat-Int4", "--backend", "pytorch")


def plan(tmp_path: Path, transformers: str, card: str, *words: str) -> dict[str, Any]:
    entries = environment(transformers, stream_generator=True)
    paths = [w for e in entries for w in ("--path", str(e))]
    done = doctor("fix", "--plan", "--format", "json", *paths, "--python-version", PYTHON, "--gpu", card, "--driver",
                  "570.86", *words, *LAUNCH, home=tmp_path)  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = answer(done)["plan"]
    assert (done.returncode == 0) == (found["conflict"] is None and not found["remains"])
    return found


@pytest.mark.parametrize("transformers", ["4.38.2", "4.57.3"])
def test_the_way_out(tmp_path: Path, transformers: str) -> None:
    found = plan(tmp_path, transformers, "RTX 3090:24GB:8.6")
    assert found["pins"]["transformers"] in WINDOW and found["pins"]["lmdeploy"] == "0.11.1"
    assert found["launch"][-2:] == ["--backend", "turbomind"]
    assert {"kind": "set_argument", "name": "--backend", "value": "turbomind"} in found["actions"]
    assert "IMP001" in found["resolves"] and found["remains"] == []
    assert found["verified"]["rules"] is True and found["verified"]["resolver"].startswith("uv ")
    assert found["changes"]["transformers"] == transformers
    assert all("transformers-stream-generator" not in c or "--only-binary" not in c for c in found["commands"])


def test_without_network_it_says_so(tmp_path: Path) -> None:
    found = plan(tmp_path, "4.57.3", "RTX 3090:24GB:8.6", "--offline")
    assert found["pins"]["transformers"] in WINDOW
    assert found["verified"]["resolver"] is None and "matrix alone" in found["verified"]["note"]


def test_no_release_helps_a_small_card(tmp_path: Path) -> None:
    found = plan(tmp_path, "4.57.3", "RTX 2060:8GB:7.5")
    assert found["conflict"] is not None and "no release" in json.dumps(found["conflict"]["sentences"])
    offered = {a["title"].partition(":")[0]: a for a in found["alternatives"]}
    way = offered["Qwen/Qwen2-VL-2B-Instruct"]
    assert way["pins"]["lmdeploy"] == "0.11.1" and "transformers" in way["pins"]
    assert any("Qwen/Qwen2-VL-2B-Instruct" in c for c in way["commands"])
    assert not any("sudo" in c for a in found["alternatives"] for c in a["commands"])


def test_keeping_what_stands_in_the_way(tmp_path: Path) -> None:
    found = plan(tmp_path, "4.38.2", "RTX 3090:24GB:8.6", "--keep", "transformers", "--keep", "lmdeploy")
    told = " ".join(found["conflict"]["sentences"])
    assert "`lmdeploy/vl/model/gemma3_vl.py:6`" in told and "ImagesKwargs" in told and ">=4.42.0" in told
    assert found["alternatives"][0]["title"].startswith("let ")
