"""What the engine's module for the named model imports is planned for, whichever way the environment is known."""

from __future__ import annotations

import pytest

from doctor.facts import Cause, Distribution, Distributions, Facts, Launch, Model, Modules, ModuleStatus, Target
from doctor.matrix.models.loading import loaded_for
from doctor.pipeline.fix import plan_facts
from doctor.plan.freedom import Freedom

TARGET = Target("installed", "test", "3.11.7", prefix="/nowhere", platform="linux-x86_64")
LACKS = Cause(
    "missing-name", "transformers.models.pixtral.modeling_pixtral", "PixtralRotaryEmbedding",
    "vllm/model_executor/models/pixtral.py", 18,
)  # fmt: skip


def facts(architecture: str, kind: str) -> Facts:
    pins = {"vllm": "0.26.0", "transformers": "5.23.0", "huggingface-hub": "2.3.0", "tokenizers": "0.23.1"}
    have = tuple(Distribution(n, n, v, "/l", f"/l/{n}.dist-info", top_level=(n,)) for n, v in pins.items())
    verdicts = {"vllm.model_executor.models.llava": ModuleStatus("fail", LACKS)}
    words = ("vllm", "serve", "/m")
    return Facts(
        TARGET, Distributions(have), modules=Modules(("vllm",), verdicts=verdicts),
        launch=Launch(words, program="vllm", engine="vllm", subcommand=("serve",), arguments=words[2:]),
        model=Model("/m", (architecture,), kind, config={"model_type": kind, "architectures": [architecture]}),
    )  # fmt: skip


def test_through_a_module_that_the_models_own_imports() -> None:
    found = {one.key: one for one in loaded_for("vllm", "LlavaForConditionalGeneration")}
    rotary = found["transformers.models.pixtral.modeling_pixtral:PixtralRotaryEmbedding"]
    assert rotary.file == "vllm/model_executor/models/pixtral.py"
    assert rotary.having.newest == "5.16.1"


@pytest.mark.parametrize(
    ("architecture", "kind", "moves"),
    [("LlavaForConditionalGeneration", "llava", True), ("Qwen3VLForConditionalGeneration", "qwen3_vl", False)],
)
def test_the_plan_moves_transformers_for_the_model_that_needs_it(architecture: str, kind: str, moves: bool) -> None:
    plan = plan_facts(facts(architecture, kind), Freedom(), offline=True).plan
    moved = {s.action.package: s.action.specifier for s in plan.steps}
    assert (moved.get("transformers") == "==5.16.1") == moves, moved
