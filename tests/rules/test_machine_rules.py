"""The GPU, host and WSL rules as a whole: complete, explained, and never broken by odd facts."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import doctor.rules
from doctor.facts import Distribution, Distributions, Facts, Host, Launch, Target
from doctor.facts.gpu import CudaLibrary, Device, DeviceNode, Gpu, GpuProcess, MigInstance, OtherAccelerator
from doctor.facts.host import Cgroup, Disk, Libc
from doctor.facts.target import Problem
from doctor.facts.wsl import Wsl, WslConfig
from doctor.rules.engine import evaluate
from doctor.rules.gpu import GPU_RULES
from doctor.rules.rule import Rule
from doctor.rules.sys import SYS_RULES

RULES = GPU_RULES + SYS_RULES
SCENARIOS = Path(__file__).parent.parent / "scenarios"
WORDS = st.sampled_from([
    "vllm", "lmdeploy", "--tp", "2", "x", "", "--dtype", "bfloat16", "--gpu-memory-utilization=nan", "--quantization",
    "fp8", "--tensor-parallel-size=1e300", "--gpus", "device=", "--host", "-1", "--cpu-offload-gb=inf", "serve",
    "--backend",
])  # fmt: skip
VERSIONS = st.sampled_from(
    ["", "0", "2.1.0+cu121", "2.13.0+cpu", "0.26.0", "0.11.1rc2", "not-a-version", "2!1.0", "1.0+cu1"]
)
TAGS = st.sampled_from(["py3-none-any", "cp310-cp310-manylinux_2_99_x86_64", "manylinux1_", "--"])


def distributions() -> st.SearchStrategy[Distributions]:
    one = st.builds(
        Distribution, name=st.just("x"), key=st.sampled_from(["torch", "vllm", "triton", "sglang", "lmdeploy"]),
        version=VERSIONS, location=st.just("/l"), metadata_path=st.just("/m"), build=st.none() | VERSIONS,
        tags=st.lists(TAGS, max_size=3).map(tuple),
    )  # fmt: skip
    return st.builds(Distributions, installed=st.lists(one, max_size=5).map(tuple))


def whole(kind: type[object]) -> st.SearchStrategy[object]:
    """Any value of a dataclass, optional fields filled too."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{f.name: st.from_type(hints[f.name]) for f in dataclasses.fields(kind)})  # type: ignore[arg-type]


def facts() -> st.SearchStrategy[Facts]:
    parts = (
        CudaLibrary, DeviceNode, GpuProcess, MigInstance, OtherAccelerator, Problem, Device, WslConfig, Wsl, Cgroup, Disk,
        Libc,
    )  # fmt: skip
    for kind in parts:
        st.register_type_strategy(kind, whole(kind))
    engine = st.sampled_from([None, "vllm", "lmdeploy", "sglang"])
    launch = st.builds(Launch, argv=st.lists(WORDS, max_size=6).map(tuple), engine=engine)
    return st.builds(
        Facts, target=st.just(Target("paths", "test", python="3.11")), gpu=whole(Gpu), host=whole(Host), launch=launch,
        distributions=distributions(),
    )  # fmt: skip


@settings(
    max_examples=100,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(facts())
def test_odd_facts_break_no_rule(given_facts: Facts) -> None:
    results = evaluate(given_facts, RULES)
    assert [(r.code, r.reason) for r in results if r.status == "broken"] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_a_rule_is_explained_and_has_scenarios(rule: Rule) -> None:
    assert re.fullmatch(r"(?:GPU|SYS)\d{3}", rule.code) and re.fullmatch(r"[a-z0-9-]+", rule.name)
    assert len(rule.explanation.split()) > 25
    names = {path.name.partition("-")[0] for path in (SCENARIOS / rule.code).glob("*.yaml")}
    assert {"fires", "quiet"} <= names


def test_codes_are_unique_and_no_rule_is_left_out() -> None:
    codes = [rule.code for rule in RULES]
    folder = Path(doctor.rules.__file__).parent
    files = [*(folder / "gpu").glob("gpu[0-9]*.py"), *(folder / "sys").glob("sys[0-9]*.py")]
    assert sorted(codes) == sorted(path.name[:6].upper() for path in files)
