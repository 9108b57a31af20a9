"""Values of options on memory that are none: the release's own refusal where it has one, and no number in any case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from doctor.cli import main
from doctor.launch.memory_settings import settings
from tests.memory.cases import GIB
from tests.memory.test_rules import facts

MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"
SERVERS = {
    "vllm==0.33.0": f"vllm serve {MODEL}", "vllm==0.10.0": f"vllm serve {MODEL}",
    "sglang==0.5.23": f"python -m sglang.launch_server --model-path {MODEL}",
    "lmdeploy==0.18.0": f"lmdeploy serve api_server {MODEL}", "lmdeploy==0.8.0": f"lmdeploy serve api_server {MODEL}",
}  # fmt: skip


def checked(folder: Path, package: str, more: str, *gpus: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """What `check --format json` says of this launch on a declared machine, by default one A100."""
    (folder / "requirements.txt").write_text(f"{package}\n", encoding="utf-8")
    command = ["check", "--requirements", str(folder / "requirements.txt"), "--python-version", "3.12", "--offline"]
    command += [word for gpu in gpus or ("A100:80GB:8.0",) for word in ("--gpu", gpu)]
    command += [*options, "--driver", "580.95.05", "--format", "json", "--", *SERVERS[package].split(), *more.split()]
    done = CliRunner().invoke(main, command)
    return dict(json.loads(done.stdout))


def said(report: dict[str, Any]) -> dict[str, str]:
    return {f["code"]: f["message"] for f in report["findings"] if f["severity"] == "error"}


@pytest.mark.parametrize(
    ("package", "more", "words"),
    [
        ("vllm==0.33.0", "--gpu-memory-utilization 0", "above 0"),
        ("vllm==0.33.0", "--gpu-memory-utilization 1.5", "at most 1"),
        ("vllm==0.33.0", "--gpu-memory-utilization nan", "cannot convert float NaN to integer"),
        ("vllm==0.10.0", "--gpu-memory-utilization nan", "cannot convert float NaN to integer"),
        ("vllm==0.33.0", "--tensor-parallel-size 0", "at least 1"),
        ("vllm==0.33.0", "--max-num-seqs 0", "greater than or equal to 1"),
        ("vllm==0.33.0", "--max-num-batched-tokens 0", "greater than or equal to 1"),
        ("vllm==0.33.0", "--kv-cache-memory-bytes=-5", "No available memory for the cache blocks"),
        ("sglang==0.5.23", "--mem-fraction-static nan", "cannot convert float NaN to integer"),
        ("sglang==0.5.23", "--context-length 0", "Memory pool size is too small"),
        ("sglang==0.5.23", "--max-total-tokens=-1", "Not enough memory"),
        ("lmdeploy==0.18.0", "--cache-max-entry-count 0", "invalid cache_max_entry_count"),
        ("lmdeploy==0.18.0", "--cache-max-entry-count nan", "invalid cache_max_entry_count"),
        ("lmdeploy==0.18.0", "--backend pytorch --cache-max-entry-count 1e9", "invalid cache_max_entry_count"),
        ("lmdeploy==0.8.0", "--cache-max-entry-count 1", "invalid cache_max_entry_count"),
        ("lmdeploy==0.18.0", "--tp 0", "invalid tp"),
    ],
)
def test_the_release_s_own_refusal_is_said_and_nothing_computed(
    tmp_path: Path, package: str, more: str, words: str
) -> None:
    report = checked(tmp_path, package, more)
    assert list(said(report)) == ["CMD004"] and words in said(report)["CMD004"]
    assert "memory" not in report


@pytest.mark.parametrize(
    ("package", "more"),
    [
        ("vllm==0.33.0", "--max-model-len 0"), ("vllm==0.10.0", "--max-num-seqs 0"), ("sglang==0.5.23", "--tp-size 0"),
        ("lmdeploy==0.18.0", "--cache-max-entry-count 1e9"), ("lmdeploy==0.18.0", "--session-len=-8"),
        ("vllm==0.33.0", '--speculative-config {"method":"ngram","num_speculative_tokens":1000000000}'),
    ],
)  # fmt: skip
def test_where_no_refusal_is_known_it_is_open(tmp_path: Path, package: str, more: str) -> None:
    report = checked(tmp_path, package, more)
    reasons = {r["code"]: r["reason"] for r in report["results"] if r["status"] == "open"}
    assert "is not a valid value" in reasons["MEM001"] and "memory" not in report


@pytest.mark.parametrize(
    ("package", "more"),
    [("vllm==0.33.0", "--kv-cache-memory-bytes 0"), ("sglang==0.5.23", "--chunked-prefill-size=-1"),
     ("lmdeploy==0.18.0", "--max-batch-size 0"), ("vllm==0.33.0", "--max-model-len=-1"), ("vllm==0.33.0", "--cpu-offload-gb 0")],
)  # fmt: skip
def test_values_by_which_an_engine_takes_its_default_are_no_mistake(tmp_path: Path, package: str, more: str) -> None:
    report = checked(tmp_path, package, more)
    assert not said(report) and report["memory"]["per_gpu"]["verdict"] in ("fits", "tight")


def test_what_is_unusable_is_kept_by_its_meaning() -> None:
    found = settings(facts("vllm serve m --gpu-memory-utilization=-0.5 -tp zero --swap-space 0 --block-size 0"))
    assert dict(found.unusable).keys() == {"memory_share", "tensor_parallel", "block_size"}
    assert (found.share, found.tp) == (None, 1)


def test_several_gpus_that_differ_are_several_options(tmp_path: Path) -> None:
    """The figures are about the smallest of those that the launch takes, and its name stands with its memory."""
    both = checked(tmp_path, "vllm==0.33.0", "-tp 2 --max-model-len 8192", "RTX 4090", "RTX 3060")
    one = checked(tmp_path, "vllm==0.33.0", "--max-model-len 8192", "RTX 3060", "RTX 4090")
    alone = checked(tmp_path, "vllm==0.33.0", "--max-model-len 8192", "RTX 4090")
    told = [(r["memory"]["per_gpu"]["name"], round(r["memory"]["per_gpu"]["card"] / GIB, 1)) for r in (both, one)]
    assert told == [("RTX 3060", 11.8), ("RTX 4090", 23.5)]
    assert one["memory"]["per_gpu"] == alone["memory"]["per_gpu"]
    large = checked(tmp_path, "vllm==0.33.0", "-tp 2 --dtype float32", "RTX 4090", "RTX 3060")
    assert "of the smallest card (`RTX 3060`)" in said(large)["MEM001"]
    assert "MEM005" in said(checked(tmp_path, "vllm==0.33.0", "-tp 3", "RTX 4090", "RTX 3060"))


def test_a_memory_that_no_card_has_is_no_memory(tmp_path: Path) -> None:
    saved = tmp_path / "facts.json"
    (tmp_path / "requirements.txt").write_text("vllm==0.33.0\n", encoding="utf-8")
    command = ["facts", "--requirements", str(tmp_path / "requirements.txt"), "--python-version", "3.12", "--offline"]
    command += ["--gpu", "A100", "--driver", "580.95.05", "--output", str(saved), "--", *SERVERS["vllm==0.33.0"].split()]
    assert CliRunner().invoke(main, command).exit_code == 0
    held = json.loads(saved.read_text())
    for device in held["gpu"]["devices"]:
        device["memory_total"] = device["memory_free"] = 10**30
    saved.write_text(json.dumps(held))
    done = CliRunner().invoke(main, ["check", "--facts", str(saved), "--format", "json"])
    report = json.loads(done.stdout)
    assert "Traceback" not in done.output and report.get("memory", {}).get("per_gpu") is None
    assert {r["code"]: r["status"] for r in report["results"]}["MEM001"] == "open"
