"""Settings out of a command line, ways out that a second check confirms, the picture, and what must not be said."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import doctor.report
from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Facts, Gpu, Launch, Model, Target, Unavailable
from doctor.facts.distribution import Distribution, Distributions
from doctor.facts.gpu import Device, MigInstance
from doctor.facts.model import Quantization
from doctor.findings import Report
from doctor.launch.memory_settings import settings, whole
from doctor.launch.settings import Settings
from doctor.memory.fit import fit
from doctor.pipeline import judge
from doctor.report.json import report_to_json
from doctor.report.memory import bar, memory_lines
from tests.memory.cases import GIB, GPTQ, QWEN3_VL_8B, QWEN3_VL_32B, QWEN_VL_INT4, computed

SCHEMA = json.loads((Path(doctor.report.__file__).parent / "check.schema.json").read_text(encoding="utf-8"))


def facts(
    command: str, config: dict[str, Any] | None = None, packed: Quantization | None = None, *, card: int = 24,
    count: int = 1, release: str = "0.11.0", free: int | None = None,
) -> Facts:  # fmt: skip
    """A launch, a model and GPUs, nothing else."""
    words = tuple(command.split())
    engine = next(e for e in ("lmdeploy", "vllm", "sglang") if e in command)
    devices = tuple(Device(i, "A card", (8, 9), card * GIB, free) for i in range(count))
    model = Model("/m", tuple(config["architectures"]), config["model_type"], packed, config=config) if config else None
    return Facts(
        Target("declared", "a test", python="3.11"), launch=Launch(words, engine),
        distributions=Distributions((Distribution(engine, engine, release, "", "requirements.txt:1"),), complete=False),
        model=model or Unavailable("failed", "not found"),
        gpu=Gpu("nvml" if free is not None else "declared", devices) if count else Unavailable("failed", "no GPU"),
    )  # fmt: skip


def memory(report: Report) -> list[Any]:
    return [f for f in report.findings if f.rule.startswith("MEM")]


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("vllm serve m -tp 2 -pp 2 -dp 2", {"tp": 2, "pp": 2, "copies": 2, "gpus": 8}),
        ("vllm serve m --tensor_parallel_size=4 --gpu_memory_utilization=0.8", {"tp": 4, "share": 0.8}),
        ("vllm serve m --max-model-len 32k --max-num-seqs 16", {"context": 32000, "requests": 16}),
        ("vllm serve m --max-model-len=1K --kv-cache-dtype fp8", {"context": 1024, "kv": "fp8"}),
        ("vllm serve m --max-model-len auto", {"context": None, "elastic": True}),
        ("vllm serve m --max-model-len -1", {"context": None, "elastic": True}),
        ('vllm serve m --limit-mm-per-prompt {"image":3,"video":0}', {"images": 3}),
        ("vllm serve m --limit-mm-per-prompt image=2,video=0", {"images": 2}),
        ("vllm serve m --limit-mm-per-prompt nonsense", {"images": None}),
        ("vllm serve m --mm-encoder-tp-mode data --enforce-eager", {"vision_split": False, "eager": True}),
        ("vllm serve m --gpu-memory-utilization nan --tensor-parallel-size -3", {"share": None, "tp": 1}),
        ("vllm serve m --num-gpu-blocks-override 100 --block-size 32", {"blocks": 3200}),
        ("lmdeploy serve api_server m --tp 2 --dp 2 --quant-policy 8", {"tp": 2, "copies": 1, "kv": "8", "attention": 1}),
        ("lmdeploy serve api_server m --cache-max-entry-count 0.5 --session-len 8192", {"share": 0.5, "context": 8192}),
        ("lmdeploy serve api_server m --quant-policy fp8 --backend pytorch", {"kv": "16", "backend": "pytorch"}),
        ("lmdeploy serve api_server m", {"backend": "turbomind", "vision_split": True}),
        ("python -m sglang.launch_server --mem-fraction-static 0.7 --tp-size 2", {"share": 0.7, "tp": 2}),
        ("python -m sglang.launch_server --max-total-tokens 20000 --context-length 4096", {"blocks": 20000, "context": 4096}),
    ],
)
def test_settings_are_read_as_the_engines_read_them(command: str, wanted: dict[str, Any]) -> None:
    found = settings(facts(command))
    assert {name: getattr(found, name) for name in wanted} == wanted


@pytest.mark.parametrize(("text", "size"), [("25.6k", 25600), ("4K", 4096), ("10G", 10 << 30), ("1g", 10**9), ("", None), ("1e9", None), ("-5", None), ("9" * 40, None)])
def test_sizes_for_people(text: str, size: int | None) -> None:
    assert whole(text) == size


@pytest.mark.parametrize(
    ("command", "config", "packed", "card", "count", "release"),
    [
        ("vllm serve /m", QWEN3_VL_8B, None, 24, 1, "0.11.0"),
        ("vllm serve /m --max-model-len 20000", QWEN3_VL_8B, None, 16, 2, "0.11.0"),
        ("vllm serve /m -tp 2", QWEN3_VL_32B, None, 24, 4, "0.33.0"),
        ("vllm serve /m --gpu-memory-utilization 0.2 --max-model-len 4096", QWEN_VL_INT4, GPTQ, 24, 1, "0.11.0"),
        ("lmdeploy serve api_server /m --backend turbomind --session-len 8192", QWEN_VL_INT4, GPTQ, 12, 1, "0.11.1"),
        ("python -m sglang.launch_server --model-path /m --context-length 65536", QWEN3_VL_8B, None, 24, 2, "0.5.3"),
    ],
)
def test_every_way_out_holds_in_a_second_check(
    command: str, config: dict[str, Any], packed: Quantization | None, card: int, count: int, release: str
) -> None:
    here = facts(command, config, packed, card=card, count=count, release=release)
    found = [f for f in memory(judge(here)) if f.rule in ("MEM001", "MEM002")]
    assert found, "nothing to mend"
    ways = [r for r in found[0].remediations if all(a.kind == "set_argument" for a in r.actions)]
    assert ways, f"no way out but another model: {found[0].remediations}"
    for way in ways:
        words = list(here.launch.argv) if isinstance(here.launch, Launch) else []
        for action in way.actions:
            words += [action.name or "", *([action.value] if action.value else [])]
        mended = replace(here, launch=Launch(tuple(words), here.launch.engine if isinstance(here.launch, Launch) else None))
        again = [f for f in memory(judge(mended)) if f.rule in ("MEM001", "MEM002", "MEM005")]
        assert not again, f"{way.title}: {again[0].message}"


def test_a_smaller_model_for_8_gib() -> None:
    report = judge(facts("lmdeploy serve api_server /m", QWEN_VL_INT4, GPTQ, card=8, release="0.11.1"))
    finding = memory(report)[0]
    assert finding.rule == "MEM001" and finding.severity == "error" and finding.confidence == "medium"
    models = [a.name for r in finding.remediations for a in r.actions if a.kind == "use_model"]
    assert any(str(name).startswith("Qwen/Qwen2-VL-2B-Instruct") for name in models)


def test_what_others_hold_is_not_there() -> None:
    plenty = facts("lmdeploy serve api_server /m --backend turbomind --session-len 4096", QWEN3_VL_8B, release="0.11.1", free=24 * GIB)
    little = replace(plenty, gpu=replace(plenty.gpu, devices=(Device(0, "A card", (8, 9), 24 * GIB, 18 * GIB),)))  # type: ignore[arg-type]
    one, other = memory_verdict(Case(plenty)), memory_verdict(Case(little))
    assert isinstance(one, MemoryVerdict) and isinstance(other, MemoryVerdict) and one.fit and other.fit
    assert other.fit.tokens[1] < one.fit.tokens[0]


def test_slices_of_a_card_are_cards() -> None:
    here = facts("vllm serve /m --max-model-len 4096", QWEN3_VL_8B, card=80)
    parts = tuple(MigInstance(f"MIG-{i}", "1g.10gb", 10 * GIB, 10 * GIB) for i in range(7))
    cut = replace(here, gpu=Gpu(devices=(Device(0, "A card", (8, 0), 80 * GIB, 80 * GIB, mig_enabled=True, mig=parts),)))
    assert not memory(judge(here))
    assert memory(judge(cut))[0].rule == "MEM001"


def test_without_a_gpu_it_says_what_it_takes() -> None:
    report = judge(facts("vllm serve /m --max-model-len 8192", QWEN3_VL_8B, count=0))
    said = {r.code: (r.status, r.reason) for r in report.results}
    assert said["MEM001"][0] == "open"
    assert "16.3 GiB" in (said["MEM001"][1] or "") and "1 x 24 GB, 2 x 16 GB, 4 x 12 GB or 8 x 8 GB" in (said["MEM001"][1] or "")
    data = report_to_json(report)["memory"]
    assert data["per_gpu"] is None and data["needs"][0] == {"count": 1, "gib": 24}


def test_the_json_holds_what_its_schema_says() -> None:
    for one in (facts("vllm serve /m", QWEN3_VL_8B), facts("vllm serve /m", QWEN3_VL_8B, count=0), facts("vllm serve /m")):
        data = report_to_json(judge(one))
        jsonschema.validate(data, SCHEMA)
        assert ("memory" in data) == isinstance(one.model, Model)


def test_what_a_picture_costs_is_shown() -> None:
    """2040 tokens, as the processor of Qwen3-VL says; the command's own bound makes it smaller."""
    plain = report_to_json(judge(facts("vllm serve /m", QWEN3_VL_8B)))["memory"]["pictures"]
    bounded = report_to_json(judge(facts("vllm serve /m --mm-processor-kwargs {\"max_pixels\":602112}", QWEN3_VL_8B)))
    assert [p["tokens"] for p in plain] == [300, 2040, 11844]
    assert [p["tokens"] for p in bounded["memory"]["pictures"]] == [300, 576, 588]
    none = report_to_json(judge(facts("vllm serve /m --limit-mm-per-prompt {\"image\":0}", QWEN3_VL_8B)))
    assert none["memory"]["pictures"] == []


@pytest.mark.parametrize("card", [4, 8, 12, 16, 24, 80, 192])
def test_the_picture_is_as_wide_as_said(card: int) -> None:
    found = computed(QWEN_VL_INT4, "m", GPTQ)
    assert found is not None
    for engine in ("vllm", "lmdeploy", "sglang", ""):
        drawn = bar(fit(found, card * GIB, Settings(engine)), 50)
        assert len(drawn) in (52, 53, 54) and drawn.startswith("[") and "]" in drawn
        assert ("!" in drawn) == (card * GIB < found.total)
    here = facts("vllm serve /m", QWEN_VL_INT4, GPTQ, card=card)
    assert all(len(line) <= 70 for line in memory_lines(Case(here)))
    assert isinstance(here.model, Model)
    far = replace(here, model=replace(here.model, named="an-owner/" + "a-long-name" * 9))
    assert all(len(line) <= 80 for line in memory_lines(Case(far)))


def test_memory_takes_next_to_no_time() -> None:
    here = facts("vllm serve /m --max-model-len 8192", QWEN3_VL_8B)
    memory_verdict(Case(here))
    best = min(_timed(facts("vllm serve /m --max-model-len 8192", QWEN3_VL_8B)) for _ in range(10))
    assert best < 0.01


def _timed(here: Facts) -> float:
    start = time.perf_counter()
    case = Case(here)
    memory_verdict(case)
    memory_lines(case)
    return time.perf_counter() - start
