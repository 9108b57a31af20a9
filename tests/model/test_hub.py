"""The real client of the hub, in a process of its own, against a server that speaks the hub's routes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.model.files import owl, safetensors
from tests.model.hub_server import COMMIT, Hub

ROOT = Path(__file__).parents[2]
CODE = """
import json, os, sys
from doctor.collect.model import ModelRequest, launched_model
from doctor.facts import NOT_REQUESTED
from doctor.facts.codec import to_json
told = []
found = launched_model(NOT_REQUESTED, ModelRequest(os.environ, named=sys.argv[1], online="offline" not in sys.argv, tell=told.append))
print(json.dumps({"model": to_json(found), "told": told, "client": "huggingface_hub" in sys.modules}))
"""


def ask(hub: Hub | None, home: Path, *words: str, **environ: str) -> dict[str, Any]:
    """What the collector says of `owls/owl`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGINGFACE", "TRANSFORMERS"))}
    paths = {"HF_HOME": str(home / "hf"), "XDG_CACHE_HOME": str(home / "cache"), "HOME": str(home), "PYTHONPATH": str(ROOT)}
    more = {"HF_ENDPOINT": hub.address} if hub else {}
    done = subprocess.run(
        [sys.executable, "-c", CODE, "owls/owl", *words], capture_output=True, text=True, timeout=90, cwd=home,
        env={**clean, **paths, **more, **environ}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    out: dict[str, Any] = json.loads(done.stdout)
    return out


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = owl(tmp_path / "repository")
    big = {f"model.layers.{n}.mlp.weight": ("BF16", [1024, 1024]) for n in range(4)}
    for number in (1, 2):
        safetensors(folder / f"model-0000{number}-of-00002.safetensors", {f"{k}.{number}": v for k, v in big.items()})
    (folder / "model.safetensors").unlink()
    table = {f"{k}.{n}": f"model-0000{n}-of-00002.safetensors" for k in big for n in (1, 2)}
    index = {"metadata": {"total_size": 8 << 21}, "weight_map": table}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def test_everything_but_the_weights_is_read(model: Path, tmp_path: Path) -> None:
    with Hub(model) as hub:
        found = ask(hub, tmp_path)
        facts = found["model"]
        assert found["told"] == ["asking the hub about owls/owl"]
        assert (facts["source"], facts["revision"], facts["model_type"]) == ("hub", COMMIT, "owl_vl")
        assert facts["path"] == f"{hub.address}/owls/owl"
        assert facts["weights"]["total"] == facts["weights"]["declared"] == 8 << 21
        assert facts["weights"]["by_dtype"] == {"BF16": 8 << 21} and not facts["weights"].get("problems")
        assert set(facts["code"]["files"]) == {"configuration_owl.py", "modeling_owl.py", "eyes_owl.py", "tokenization_owl.py"}
        assert facts["tokenizer"] and facts["chat_template"] and facts["processor"]
        for shard in shards(model):
            assert 0 < hub.sent(shard.name) < shard.stat().st_size / 10
            assert all(span for verb, name, span, _ in hub.log if name == shard.name and verb == "GET")
        assert (Path(facts["folder"]) / "modeling_owl.py").is_file(), "its code lies in our cache, for the linker"
        before = len(hub.log)
        again = ask(hub, tmp_path)
        assert again["model"]["weights"] == facts["weights"] and len(hub.log) == before, "remembered, without the hub"
        assert not again["client"], "and without importing its client"


def test_what_was_read_of_the_hub_is_known_offline(model: Path, tmp_path: Path) -> None:
    with Hub(model) as hub:
        ask(hub, tmp_path)
        before = len(hub.log)
        found = ask(hub, tmp_path, HF_HUB_OFFLINE="1")["model"]
        assert found["model_type"] == "owl_vl" and found["revision"] == COMMIT and len(hub.log) == before


def test_what_the_hubs_client_fetched_is_not_fetched_again(model: Path, tmp_path: Path) -> None:
    """Only where its content is what the hub lists; nothing is written into that cache."""
    cached = tmp_path / "hf/hub/models--owls--owl/snapshots" / COMMIT
    cached.mkdir(parents=True)
    shutil.copy(model / "config.json", cached)
    (cached / "tokenizer_config.json").write_text("{}")
    with Hub(model) as hub:
        found = ask(hub, tmp_path)["model"]
        assert found["source"] == "hub" and found["chat_template"]
        assert hub.sent("config.json") == 0 and hub.sent("tokenizer_config.json") > 0
    assert sorted(p.name for p in (tmp_path / "hf").rglob("*") if p.is_file()) == ["config.json", "tokenizer_config.json"]


@pytest.mark.parametrize(
    ("faults", "token", "said"),
    [({"*": 401}, None, "HF_TOKEN"), ({"*": 404}, None, "not on the hub"), ({"config.json": "gated"}, None, "gated"),
     ({"*": 500}, None, "answered with an error"), ({}, "hf_secret", "HF_TOKEN")],
    ids=["unauthorised", "absent", "gated", "broken", "private"],
)  # fmt: skip
def test_a_refusal_is_an_answer(model: Path, tmp_path: Path, faults: dict[str, Any], token: str | None, said: str) -> None:
    with Hub(model, faults=faults, token=token) as hub:
        found = ask(hub, tmp_path)["model"]
        assert found["unavailable"] == "failed" and said in found["detail"], found
        assert all(hub.sent(s.name) < s.stat().st_size / 10 for s in shards(model))


def test_a_token_opens_a_private_repository(model: Path, tmp_path: Path) -> None:
    with Hub(model, token="hf_secret") as hub:
        found = ask(hub, tmp_path, HF_TOKEN="hf_secret")["model"]
    assert found["model_type"] == "owl_vl" and found["weights"]["total"] == 8 << 21
    assert "hf_secret" not in json.dumps(found)


def test_no_connection_and_no_permission_to_ask(model: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    gone = ask(None, tmp_path, HF_ENDPOINT="http://127.0.0.1:9")["model"]
    assert gone["unavailable"] == "failed" and "connection" in gone["detail"]
    assert time.monotonic() - began < 15
    with Hub(model) as hub:
        for words, environ in ((("offline",), {}), ((), {"HF_HUB_OFFLINE": "1"}), ((), {"TRANSFORMERS_OFFLINE": "yes"})):
            found = ask(hub, tmp_path, *words, **environ)
            assert found["model"]["unavailable"] == "failed" and not found["client"], "not even imported"
        assert hub.log == []


def test_a_server_that_does_not_answer_ends_in_time(model: Path, tmp_path: Path) -> None:
    with Hub(model, faults={"*": "stall"}) as hub:
        began = time.monotonic()
        found = ask(hub, tmp_path)["model"]
        assert found["unavailable"] in ("failed", "timed_out")
        assert "in time" in found["detail"] or "within" in found["detail"]
        assert time.monotonic() - began < 40


def test_a_server_that_drips_ends_in_time(model: Path, tmp_path: Path) -> None:
    with Hub(model, faults={"tokenizer_config.json": "slow"}) as hub:
        began = time.monotonic()
        found = ask(hub, tmp_path)["model"]
        assert found["unavailable"] == "timed_out" and time.monotonic() - began < 40


def test_a_broken_off_download_is_no_file_and_is_fetched_again(model: Path, tmp_path: Path) -> None:
    (model / "modeling_owl.py").write_text((model / "modeling_owl.py").read_text() + "# fill\n" * 4000)
    with Hub(model, faults={"modeling_owl.py": "cut"}) as hub:
        cut = ask(hub, tmp_path)["model"]
        assert cut["unavailable"] == "failed" and "dropped" in cut["detail"], "half a file is no file"
        hub.faults.clear()
        whole = ask(hub, tmp_path)["model"]
        assert "modeling_owl.py" in whole["code"]["files"]
        assert hub.sent("config.json") == (model / "config.json").stat().st_size, "what was whole is not fetched twice"


def test_a_connection_that_breaks_off_once_is_taken_up_again(model: Path, tmp_path: Path) -> None:
    with Hub(model, faults={"config.json": "cut once"}) as hub:
        assert ask(hub, tmp_path)["model"]["model_type"] == "owl_vl"
        assert hub.asked().count("config.json") == 2


def test_saved_facts_of_a_model_on_the_hub_are_judged_elsewhere(model: Path, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("lmdeploy==0.14.0\ntransformers==4.57.1\n")
    launch = ("--", "lmdeploy", "serve", "api_server", "owls/owl")
    asked = ("--requirements", str(tmp_path / "requirements.txt"), "--model", "owls/owl")
    with Hub(model) as hub:
        environ = {"HF_ENDPOINT": hub.address}
        saved = doctor(tmp_path, "facts", *asked, "--output", str(tmp_path / "facts.json"), *launch, **environ)
        assert saved.returncode == 0 and not saved.stderr, saved.stderr
        direct = json.loads(doctor(tmp_path, "check", *asked, "--format", "json", *launch, **environ).stdout)
    replayed = json.loads(doctor(tmp_path, "check", "--facts", str(tmp_path / "facts.json"), "--format", "json").stdout)
    assert direct["results"] == replayed["results"] and direct["findings"] == replayed["findings"]
    trust = next(f for f in direct["findings"] if f["code"] == "MDL007")
    assert trust["severity"] == "error" and "`owl_vl`" in trust["message"]
    assert "MDL002" not in [f["code"] for f in direct["findings"]]


def doctor(home: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command itself, with the client's cache and ours in `home`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGINGFACE", "TRANSFORMERS"))}
    paths = {"HF_HOME": str(home / "hf"), "XDG_CACHE_HOME": str(home / "cache"), "HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "doctor", *words], capture_output=True, text=True, timeout=120, cwd=home,
        env={**clean, **paths, **environ}, check=False,
    )  # fmt: skip


def test_a_huge_configuration_is_not_fetched(model: Path, tmp_path: Path) -> None:
    with (model / "config.json").open("r+b") as file:
        file.truncate(200 << 20)
    with Hub(model) as hub:
        found = ask(hub, tmp_path)["model"]
        assert found["problems"][0]["path"] == "config.json" and "209715200 bytes" in found["problems"][0]["message"]
        assert hub.sent("config.json") == 0


def test_a_file_whose_size_is_a_lie_is_not_kept_whole(model: Path, tmp_path: Path) -> None:
    with (model / "config.json").open("r+b") as file:
        file.truncate(8 << 20)
    with Hub(model, sizes={"config.json": 100}) as hub:
        found = ask(hub, tmp_path)["model"]
        assert not found.get("config"), "more than the limit is not parsed"


def test_a_server_that_knows_no_ranges_does_not_send_a_whole_file(model: Path, tmp_path: Path) -> None:
    for shard in shards(model):
        with shard.open("r+b") as file:
            file.truncate(64 << 20)
    with Hub(model, faults={s.name: "no-range" for s in shards(model)}) as hub:
        found = ask(hub, tmp_path)["model"]
        assert found["weights"]["files"][0]["size"] == 64 << 20
        for shard in shards(model):
            assert hub.sent(shard.name) < 32 << 20, "only what fits the connection's buffers"
