"""How much of a card CUDA has: by the driver's word, by the card's name, in slices, in the system's memory, under WSL."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Facts, Gpu, Launch, Model, Target
from doctor.facts.distribution import Distribution, Distributions
from doctor.facts.gpu import GpuProcess
from doctor.findings import Finding
from doctor.matrix.declared import declared_gpu
from doctor.pipeline import judge
from tests.collect.test_gpu_nvml import GIB, Ask, ask, card, libraries  # noqa: F401 - fixtures
from tests.memory.cases import QWEN3_VL_8B

H100 = {"name": "NVIDIA H100 80GB HBM3", "capability": "9.0", "total": 85520809984}


def facts(gpu: Gpu, command: str = "vllm serve /m", release: str = "0.11.0") -> Facts:
    """A model, a launch and these GPUs."""
    words = tuple(command.split())
    engine = next(e for e in ("lmdeploy", "vllm", "sglang") if e in command)
    config: dict[str, Any] = QWEN3_VL_8B
    return Facts(
        Target("declared", "a test", python="3.11"), launch=Launch(words, engine), gpu=gpu,
        distributions=Distributions((Distribution(engine, engine, release, "", "r.txt:1"),), complete=False),
        model=Model("/m", tuple(config["architectures"]), config["model_type"], config=config),
    )  # fmt: skip


def size(gpu: Gpu, **more: Any) -> float:
    """GiB of the card of which the memory verdict speaks."""
    here = memory_verdict(Case(facts(gpu, **more)))
    assert isinstance(here, MemoryVerdict) and here.fit is not None
    return here.fit.card / GIB


def held(gpu: Gpu, **more: Any) -> list[Finding]:
    """What is said of memory that others hold."""
    return [f for f in judge(facts(gpu, **more), ("GPU005",)).findings if f.rule == "GPU005"]


def test_what_the_driver_keeps_is_not_the_servers(ask: Ask) -> None:  # noqa: F811
    lines = ["driver=580.95.05", "count=1", *(f"0.{k}={v}" for k, v in H100.items())]
    known = ask(*lines, "0.reserved=491782144")
    assert known.devices[0].reserved == 491782144 and size(known) == pytest.approx(79.19, abs=0.01)
    old = ask(*lines, "0.reserved=491782144", series="old")
    assert old.devices[0].reserved is None and size(old) == pytest.approx(79.19, abs=0.01)  # by its name
    for wrong in ("99999999999", "0"):
        assert ask(*lines, f"0.reserved={wrong}").devices[0].usable in (H100["total"], 85520809984)
    assert ask(*lines, "0.reserved=5", "nvmlDeviceGetMemoryInfo_v2=999").devices[0].reserved is None


def test_under_wsl_cuda_counts_the_whole_card_and_windows_draws_on_it(ask: Ask) -> None:  # noqa: F811
    lines = ["driver=580.95.05", "count=1", *card("ada", free=20 * GIB, reserved=400 << 20)]
    here = replace(ask(*lines), driver_platform="windows")
    here = replace(here, devices=(replace(here.devices[0], processes=None),))
    assert size(here) == pytest.approx(23.99, abs=0.01)
    (finding,) = held(here)
    assert finding.severity == "error" and finding.remediations[0].title == "take the desktop off this GPU"
    assert "systemctl" not in str(finding.remediations[0])


def test_a_desktop_on_the_same_card(ask: Ask) -> None:  # noqa: F811
    lines = ["driver=580.95.05", "count=1", *card("ada", free=20 * GIB, reserved=400 << 20)]
    here = ask(*lines)
    screen = (GpuProcess(1, "Xorg", GIB), GpuProcess(2, "gnome-shell", GIB), GpuProcess(3, "firefox", GIB))
    here = replace(here, devices=(replace(here.devices[0], processes=screen),))
    (finding,) = held(here)
    assert "`Xorg` (pid 1" in finding.message and finding.remediations[0].title == "take the desktop off this GPU"
    # LMDeploy and SGLang share out what is free: the desktop's part is not theirs
    used = facts(here, command="lmdeploy serve api_server /m", release="0.11.1")
    alone = replace(here, devices=(replace(here.devices[0], memory_free=here.devices[0].usable),))
    less, more = (memory_verdict(Case(replace(used, gpu=g))) for g in (here, alone))
    assert isinstance(less, MemoryVerdict) and isinstance(more, MemoryVerdict) and less.fit and more.fit
    assert less.fit.cache[1] < more.fit.cache[1] - 2 * GIB


def test_a_gpu_in_the_systems_memory(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from doctor.collect.machine import nvml_child

    monkeypatch.setattr(nvml_child, "_system_memory", lambda: (int(121.69 * GIB), int(102 * GIB)))
    here = ask("driver=580.95.05", "count=1", "0.name=NVIDIA GB10", "0.capability=12.1", "0.uuid=GPU-1")
    assert here.devices[0].unified_memory and size(here) == pytest.approx(121.69, abs=0.01)
    (finding,) = held(here)
    assert finding.severity == "error" and "in the system's memory" in finding.message and "0.9 of it" in finding.message
    assert any(a.value == "0.82" for r in finding.remediations for a in r.actions)
    assert not held(here, command="vllm serve /m --gpu-memory-utilization 0.8")
    assert not held(here, command="lmdeploy serve api_server /m", release="0.11.1")


def test_slices_are_cards_of_their_own(ask: Ask) -> None:  # noqa: F811
    lines = ["driver=580.95.05", "count=1", *card("ampere", mig=1, reserved=700 << 20)]
    lines += ["0.mig0.name=NVIDIA A100-SXM4-80GB MIG 1g.10gb", "0.mig0.uuid=MIG-1", f"0.mig0.total={9728 << 20}"]
    assert size(ask(*lines)) == 9.5
    for spec, gib in (("A100 1g.10gb", 9.5), ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", 39.2), ("H100 MIG 2g.20gbx2", 19.6)):
        declared = declared_gpu(spec, None)
        assert size(declared) == pytest.approx(gib, abs=0.01) and declared.devices[0].capability[0] >= 8


def test_of_unequal_cards_the_fastest_comes_first_unless_the_order_is_the_bus(ask: Ask) -> None:  # noqa: F811
    lines = ["driver=580.95.05", "count=2", *card("turing", 0), *card("ada", 1)]
    assert size(ask(*lines)) == pytest.approx(23.5, abs=0.2)
    assert size(ask(*lines, CUDA_DEVICE_ORDER="PCI_BUS_ID")) < 15.1
    assert size(ask(*lines), command="vllm serve /m -tp 2") < 15.1  # both: the smaller one decides
    assert size(ask(*lines, CUDA_VISIBLE_DEVICES="0")) < 15.1


@pytest.mark.parametrize(("spec", "gib"), [
    ("H100", 79.19), ("H100:80GB", 79.19), ("H100:80GB:9.0", 79.19), ("H100:79.19GB:9.0", 79.19), ("H100:60GB", 60),
    ("NVIDIA H100 80GB HBM3:81559MiB:9.0", 79.19), ("RTX 4090:24GB:8.9x2", 23.55), ("A100:40GB", 39.4), ("L4:24GB", 22.04),
    ("GB10:128GB", 119.7), ("RTX 4060:8GB", 8), ("RTX 4060", 7.88), ("Some Card:24GB:8.9", 24), ("A100:80GB", 79.25),
])  # fmt: skip
def test_the_size_on_the_box_is_not_what_cuda_has(spec: str, gib: float) -> None:
    assert size(declared_gpu(spec, None)) == pytest.approx(gib, abs=0.02)


def test_the_data_says_less_than_the_driver_reports() -> None:
    from doctor.matrix.gpus import gpus

    for one in gpus().cards:
        assert 0.93 * one.bytes < one.usable_bytes <= one.bytes, one.name


def test_saved_facts_hold_what_the_driver_keeps(ask: Ask, tmp_path: Path) -> None:  # noqa: F811
    from doctor.facts.codec import facts_from_json, to_json

    here = facts(ask("driver=580.95.05", "count=1", *card("ada", reserved=400 << 20), CUDA_DEVICE_ORDER="PCI_BUS_ID"))
    again = facts_from_json(json.loads(json.dumps(to_json(here))))
    assert isinstance(again.gpu, Gpu) and again.gpu.order == "PCI_BUS_ID" and again == here


@pytest.mark.parametrize(("spec", "gib", "count"), [
    ("Strix Halo:128GB", 120.32, 1), ("Ryzen AI Max+ 395:128GB", 120.32, 1), ("MI300X:192GBx2", 192, 2),
])  # fmt: skip
def test_devices_that_do_not_run_cuda_have_memory_too(spec: str, gib: float, count: int) -> None:
    gpu = declared_gpu(spec, None)
    here = memory_verdict(Case(facts(gpu)))
    assert isinstance(here, MemoryVerdict) and here.cards is not None and len(here.cards) == count
    assert size(gpu) == pytest.approx(gib, abs=0.01)
    unknown = memory_verdict(Case(facts(declared_gpu(spec.partition(":")[0], None))))
    assert isinstance(unknown, MemoryVerdict) and unknown.fit is None
