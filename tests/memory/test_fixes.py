"""Fixes for memory, from the command line: what helps is offered, in the order of what it costs, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from doctor.cli import main
from tests.memory.test_odd_values import SERVERS, checked

PLAIN = {"vllm==0.33.0": "vllm serve {}", "sglang==0.5.23": "python -m sglang.launch_server --model-path {}",
         "lmdeploy==0.18.0": "lmdeploy serve api_server {}", "vllm==0.8.5": "vllm serve {}"}  # fmt: skip


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Checks a launch of a model by its name on a declared machine."""

    def asked(package: str, model: str, more: str, gpu: str) -> dict[str, Any]:
        monkeypatch.setitem(SERVERS, package, PLAIN[package].format(f"Qwen/{model}"))
        return checked(tmp_path, package, more, gpu)

    return asked


def fixes(report: dict[str, Any], code: str) -> list[dict[str, str | None]]:
    """The options that each fix of a finding sets; a fix with another model is left out."""
    found = [f for f in report["findings"] if f["code"] == code]
    ways = [w["actions"] for f in found for w in f["remediations"]]
    return [{a["name"]: a["value"] for a in way} for way in ways if all(a["kind"] == "set_argument" for a in way)]


def test_a_wider_number_format_is_dropped_first(ask: Any) -> None:
    report = ask("vllm==0.33.0", "Qwen2.5-VL-3B-Instruct", "--dtype float32 --max-model-len 8192", "RTX 4080:16GB:8.9")
    assert fixes(report, "MEM001")[0] == {"--dtype": None}
    titles = [w["title"] for f in report["findings"] for w in f["remediations"]]
    assert not any("use `Qwen/Qwen2.5-VL-3B-Instruct`" in title for title in titles), "that is the model itself"


def test_videos_that_take_the_room_are_named(ask: Any) -> None:
    report = ask("vllm==0.33.0", "Qwen2.5-VL-3B-Instruct", "", "RTX 4090")
    assert report["memory"]["per_gpu"]["verdict"] == "refused"  # one whole video takes about 15 GiB
    first = fixes(report, "MEM002") or fixes(report, "MEM001")
    assert first[0] == {"--limit-mm-per-prompt": '{"video": 0}'}
    old = ask("vllm==0.8.5", "Qwen2.5-VL-3B-Instruct", "--max-num-batched-tokens 65536", "RTX 4080:16GB:8.9")
    said = [way["--limit-mm-per-prompt"] for way in fixes(old, "MEM003") if "--limit-mm-per-prompt" in way]
    assert all(re.fullmatch(r"(image=\d+,)?video=0|\{.*\}", value or "") for value in said)


def test_more_requests_than_the_engine_takes_by_itself_are_taken_back(ask: Any) -> None:
    more = "--max-num-seqs 8192 --max-num-batched-tokens 8192 --max-model-len 16384"
    report = ask("vllm==0.33.0", "Qwen2.5-VL-7B-Instruct", more, "RTX 4090")
    first = next(way for code in ("MEM001", "MEM002", "MEM003") for way in fixes(report, code))
    assert int(first["--max-num-seqs"] or 0) <= 4096


@pytest.mark.parametrize(("gpu", "asked", "best"), [("H100x4", 3, "4"), ("H200x4", 3, "2"), ("RTX 4090x4", 3, "4"), ("A100x2", 3, "2")])
def test_a_number_of_gpus_that_divides_is_chosen_by_what_fits(ask: Any, gpu: str, asked: int, best: str) -> None:
    report = ask("vllm==0.33.0", "Qwen2.5-VL-72B-Instruct", f"--tensor-parallel-size {asked}", gpu)
    assert fixes(report, "CMD008") == [{"--tensor-parallel-size": best}]


def test_fewer_gpus_are_offered_only_if_the_model_fits_them(ask: Any) -> None:
    fits = ask("vllm==0.33.0", "Qwen2.5-VL-72B-Instruct", "-tp 8", "H100x4")
    assert fixes(fits, "MEM005") == [{"--tensor-parallel-size": "4"}]
    never = ask("vllm==0.33.0", "Qwen2.5-VL-72B-Instruct", "-tp 8", "RTX 4090x4")
    assert {"--tensor-parallel-size": "4"} not in fixes(never, "MEM005")


def test_both_rules_on_a_context_that_is_too_long_name_the_same_one(ask: Any) -> None:
    report = ask("lmdeploy==0.18.0", "Qwen2.5-VL-7B-Instruct", "--session-len 500000", "RTX 4090")
    (long,), (short, *_) = fixes(report, "CMD007"), fixes(report, "MEM002")
    assert long == short and int(long["--session-len"] or 0) < 128_000


def test_a_cache_larger_than_the_card_is_an_error_whose_fix_fits(ask: Any) -> None:
    report = ask("sglang==0.5.23", "Qwen2.5-VL-7B-Instruct", "--mem-fraction-static 1.5", "A100")
    assert fixes(report, "MEM006") == [{"--mem-fraction-static": None}]
    sized = ask("vllm==0.33.0", "Qwen2.5-VL-7B-Instruct", "--kv-cache-memory-bytes 90G", "A100")
    assert fixes(sized, "MEM006") == [{"--kv-cache-memory-bytes": None}]


LAUNCHES = [
    ("vllm==0.33.0", "Qwen3-VL-8B-Instruct", "--gpu-memory-utilization 0.5", "RTX 3090"),
    ("sglang==0.5.23", "Qwen3-VL-8B-Instruct", "--mem-fraction-static 0.5", "RTX 4090"),
    ("lmdeploy==0.18.0", "Qwen2.5-VL-7B-Instruct", "--session-len 120000", "RTX 4080:16GB:8.9x2"),
]


@pytest.mark.parametrize(("package", "model", "more", "gpu"), LAUNCHES)
def test_every_option_that_is_offered_helps_in_a_check_of_its_own(
    ask: Any, package: str, model: str, more: str, gpu: str
) -> None:
    report = ask(package, model, more, gpu)
    codes = [f["code"] for f in report["findings"] if f["code"] in ("MEM001", "MEM002", "MEM003")]
    assert codes, "nothing to mend"
    for way in fixes(report, codes[0]):
        set_here = [w for name, value in way.items() if value is not None for w in (name, value.replace(" ", ""))]
        kept = re.sub("|".join(rf"{name}[ =]\S+" for name in way), "", more)
        again = ask(package, model, " ".join([kept, *set_here]), gpu)
        assert not [f for f in again["findings"] if f["code"] in ("MEM001", "MEM002")], way
        order = ("never", "refused", "short", "tight", "fits")
        assert order.index(again["memory"]["per_gpu"]["verdict"]) > order.index(report["memory"]["per_gpu"]["verdict"])


def test_a_request_holds_no_more_pictures_than_the_cache(ask: Any) -> None:
    report = ask("lmdeploy==0.18.0", "Qwen3-VL-8B-Instruct", "", "RTX 4090")
    assert report["memory"]["per_gpu"]["verdict"] == "short"
    for picture in report["memory"]["pictures"]:
        assert picture["per_request"] <= picture["at_once"][1]


def test_what_is_needed_is_more_than_what_is_here(ask: Any) -> None:
    """A card of 24 GB has 23.5 GiB: what fails on it needs more."""
    report = ask("vllm==0.33.0", "Qwen2.5-VL-7B-Instruct", "", "RTX 4090")
    assert report["memory"]["per_gpu"]["verdict"] == "never"
    assert min(n["gib"] for n in report["memory"]["needs"] if n["count"] == 1) > 24


@pytest.mark.parametrize("selected", ["MEM", "CMD"])
def test_an_error_that_is_not_shown_is_not_caused_by_a_fix(tmp_path: Path, selected: str) -> None:
    """The other error was there before, whether or not `--select` shows it."""
    more = "--nonsense 4 --gpu-memory-utilization 0.3"
    report = checked(tmp_path, "vllm==0.33.0", more, "RTX 4090", options=("--select", selected))
    titles = [w["title"] for f in report["findings"] for w in f["remediations"]]
    assert titles and not any("this alone causes" in title for title in titles)


def planned(folder: Path, package: str, model: str, more: str, gpu: str) -> dict[str, Any]:
    (folder / "requirements.txt").write_text(f"{package}\n", encoding="utf-8")
    words = [*PLAIN[package].format(f"Qwen/{model}").split(), *more.split()]
    command = ["fix", "--plan", "--requirements", str(folder / "requirements.txt"), "--python-version", "3.12", "--offline"]
    done = CliRunner().invoke(main, [*command, "--gpu", gpu, "--driver", "580.95.05", "--format", "json", "--", *words])
    return dict(json.loads(done.stdout)["plan"])


def test_a_plan_goes_on_where_a_value_hid_that_memory_is_short(tmp_path: Path) -> None:
    plan = planned(tmp_path, "vllm==0.33.0", "Qwen2.5-VL-7B-Instruct", "--gpu-memory-utilization 0", "RTX 4090")
    set_here = {a["name"]: a["value"] for a in plan["actions"] if a["kind"] == "set_argument"}
    assert set_here.pop("--gpu-memory-utilization") is None and not plan["remains"]
    assert int(set_here.pop("--max-model-len")) >= 8192 and not set_here


def test_a_plan_takes_the_gpus_that_are_here_and_suffice(tmp_path: Path) -> None:
    plan = planned(tmp_path, "vllm==0.33.0", "Qwen2.5-VL-72B-Instruct", "-tp 8", "H100x4")
    assert plan["resolves"] == ["MEM005"] and not plan["remains"]


def test_what_a_plan_does_not_change_is_offered(tmp_path: Path) -> None:
    """The context is the user's own: a shorter one is an exit, not a change."""
    plan = planned(tmp_path, "vllm==0.33.0", "Qwen3-VL-8B-Instruct", "--max-model-len 100000", "RTX 4090")
    assert plan["remains"] == ["MEM002"]
    assert any(a["name"] == "--max-model-len" for way in plan["alternatives"] for a in way["actions"])
    none = planned(tmp_path, "vllm==0.33.0", "Qwen3-VL-32B-Instruct", "", "RTX 3060")
    assert any("a smaller model of the family" in way["title"] for way in none["alternatives"])


@pytest.mark.parametrize("gpu", ["RTX 4090x2", "RTX 3060x2", "H100x2"])
def test_the_engine_s_own_share_is_no_reason_for_a_warning(ask: Any, gpu: str) -> None:
    report = ask("vllm==0.33.0", "Qwen3-VL-2B-Instruct", "-tp 2 --max-model-len 8192", gpu)
    assert not [f for f in report["findings"] if f["code"] == "MEM006"]
    more = ask("vllm==0.33.0", "Qwen3-VL-2B-Instruct", "-tp 2 --max-model-len 8192 --gpu-memory-utilization 0.98", gpu)
    assert [f for f in more["findings"] if f["code"] == "MEM006"]


def test_a_share_that_leaves_nothing_has_a_fix_even_if_no_whole_request_fits(ask: Any) -> None:
    report = ask("sglang==0.5.23", "Qwen2.5-VL-3B-Instruct", "--mem-fraction-static 1", "RTX 3060")
    (way,) = fixes(report, "MEM006")
    assert way["--mem-fraction-static"] is None or 0.5 < float(way["--mem-fraction-static"]) < 1


def test_check_and_plan_name_the_same_gpus(ask: Any, tmp_path: Path) -> None:
    more = "--max-model-len 8192"
    needs = ask("vllm==0.33.0", "Qwen3-VL-32B-Instruct", more, "RTX 3060")["memory"]["needs"]
    plan = planned(tmp_path, "vllm==0.33.0", "Qwen3-VL-32B-Instruct", more, "RTX 3060")
    (title,) = [way["title"] for way in plan["alternatives"] if "a GPU with more memory" in way["title"]]
    said = [f"{n['count']} of {n['gib']} GB" if n["count"] > 1 else f"{n['gib']} GB" for n in needs]
    assert title.endswith(", or ".join(said))
