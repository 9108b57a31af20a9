"""What a launch reaches: halves, modules of the named model, and libraries that it calls."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.derived.case import Case
from doctor.derived.imports.model_modules import modules_of_the_model
from doctor.derived.reach.halves import half
from doctor.derived.reach.libraries import admitted_releases, gpu_binaries, is_called
from doctor.facts.codec import facts_from_json
from doctor.matrix.gpu_code import gpu_libraries


def case(engine: str, version: str, *words: str, architecture: str | None = None, **more: Any) -> Case:
    program = {"lmdeploy": ["serve", "api_server"], "vllm": ["serve"]}[engine]
    facts: dict[str, Any] = {
        "target": {"kind": "installed", "why": "a test", "python": "3.11", "platform": "linux-x86_64"},
        "distributions": {"installed": [
            {"name": engine, "key": engine, "version": version, "location": "/v", "metadata_path": "/v/e.dist-info"},
        ]},
        "launch": {"argv": [engine, *program, "M", *words], "engine": engine, "program": engine, "subcommand": program,
                   "arguments": ["M", *words]},
        **more,
    }  # fmt: skip
    if architecture:
        facts["model"] = {"path": "M", "architectures": [architecture], "model_type": "x", "config": {}}
    return Case(facts_from_json(facts))


@pytest.mark.parametrize(
    ("words", "architecture", "taken"),
    [((), None, "turbomind"), (("--backend", "pytorch"), None, "pytorch"),
     ((), "InternVLChatModel", "turbomind"), ((), "LlavaOnevisionForConditionalGenerationX", "pytorch")],
)  # fmt: skip
def test_lmdeploy_takes_turbomind_where_it_has_the_model(
    words: tuple[str, ...], architecture: str | None, taken: str
) -> None:
    one = case("lmdeploy", "0.11.1", *words, architecture=architecture)
    assert half(one, one.engine[0]) == taken


def test_the_named_models_own_module_is_reached() -> None:
    one = case("vllm", "0.33.0", architecture="LlavaForConditionalGeneration")
    assert list(modules_of_the_model(one)) == ["vllm.model_executor.models.llava"]


def test_only_the_launched_engine_is_called() -> None:
    one = case("vllm", "0.33.0", "--attention-backend", "FLASHMLA")
    called = [row.path for row in gpu_libraries() if is_called(one, row)]
    assert any("_C(_stable" in p for p in called) and any("_flashmla" in p for p in called)
    assert not any("_turbomind" in p or "sgl_kernel" in p or "_moe_C" in p for p in called)


def test_what_nobody_read_is_not_known() -> None:
    assert gpu_binaries(case("vllm", "0.33.0")) == ()


def test_an_open_torch_counts_where_something_bounds_it() -> None:
    requires = {"name": "lmdeploy", "key": "lmdeploy", "version": "0.9.2", "location": "", "metadata_path": "r.txt:1"}
    for line, newest in (("torch<=2.7.1,>=2.0.0", "2.7.1"), ("torch>=2.0.0", None)):
        installed = {"installed": [{**requires, "requires": [line]}], "complete": False}
        found = admitted_releases(case("lmdeploy", "0.9.2", distributions=installed), "torch")
        assert (found[0] if found else None) == newest
