"""The engines' own arithmetic, run in a child process or taken out of their files, against ours."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.memory_engines import compared
from doctor.launch.settings import Settings
from doctor.memory.cache import cache, number
from doctor.memory.engines import default_share, runtime
from doctor.remote.errors import RemoteError
from tests.link.real_packages import interpreter, laid_out
from tests.memory.cases import GIB, QWEN3_VL_8B, QWEN3_VL_32B, computed
from tests.story.environments import environment

pytestmark = pytest.mark.registry
MODELS = (QWEN3_VL_8B, QWEN3_VL_32B)
CASES = [(m, tp, policy) for m in (0, 1) for tp in (1, 2, 4, 8) for policy in (0, 4, 8)]
FREE = (2, 4, 6, 8, 16, 60)
LMDEPLOY = """
import json, sys, torch
from types import SimpleNamespace
from lmdeploy.pytorch.config import CacheConfig, ModelConfig
from lmdeploy.pytorch.engine.cache_engine import CacheEngine
from lmdeploy.pytorch.engine.executor.base import ExecutorBase
out = []
for text, tp, policy, free in json.load(sys.stdin):
    model = ModelConfig(hidden_size=text["hidden_size"], num_layers=text["num_hidden_layers"],
        num_attention_heads=text["num_attention_heads"], num_key_value_heads=text["num_key_value_heads"],
        bos_token_id=1, eos_token_id=[2], head_dim=128, k_head_dim=128, v_head_dim=128, dtype=torch.bfloat16)
    config = CacheConfig(max_batches=128, block_size=64, num_cpu_blocks=0, num_gpu_blocks=0, quant_policy=policy,
                         max_prefill_token_num=8192)
    block = CacheEngine.get_cache_block_size(config, model, tp)
    sizes = [ExecutorBase._get_runtime_size(SimpleNamespace(cache_config=config), f << 30, block, text["vocab_size"])[0]
             for f in free]
    out.append([block / 64, sizes])
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def lmdeploy() -> list[Any]:
    """Bytes of a token, and what is set aside for a step, by LMDeploy 0.11.1 itself."""
    entries = [str(p) for p in environment("4.57.3")]
    asked = [(MODELS[m]["text_config"], tp, policy, FREE) for m, tp, policy in CASES]
    done = subprocess.run([interpreter("3.11"), "-c", LMDEPLOY], input=json.dumps(asked), capture_output=True, text=True,
                          timeout=300, env={"PYTHONPATH": os.pathsep.join(entries), "PATH": os.environ.get("PATH", "")})
    if done.returncode:
        pytest.skip(f"LMDeploy cannot be imported here: {done.stderr.strip().splitlines()[-1:]}")
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("at", range(len(CASES)), ids=[f"{['8B', '32B'][m]}-tp{tp}-policy{p}" for m, tp, p in CASES])
def test_lmdeploy_counts_a_token_and_a_step_the_same(lmdeploy: list[Any], at: int) -> None:
    model, tp, policy = CASES[at]
    found = computed(MODELS[model], "m")
    assert found is not None and found.shape is not None
    kept = cache(found.shape, tp, 1, number(str(policy), 2.0, "lmdeploy"))
    assert kept.token == lmdeploy[at][0]
    asked = Settings("lmdeploy", "0.11.1", "pytorch", tp=tp, kv=str(policy))
    for free, real in zip(FREE, lmdeploy[at][1], strict=True):
        ours = runtime(free * GIB, asked, found)
        assert ours == real or (real == 0 and ours == free * GIB)  # it gives up with 0: nothing is left for a cache


def _sglang(folder: Any) -> dict[str, Any]:
    """The two functions of sglang's server_args.py that compute the share, without the module around them."""
    tree = ast.parse((folder / "sglang/srt/server_args.py").read_text(encoding="utf-8"))
    owner = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "ServerArgs")
    wanted = ("_handle_gpu_memory_settings", "adjust_mem_fraction_for_vlm")
    kept = [n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name in wanted]
    assert len(kept) == len(wanted)
    text = ast.unparse(ast.Module(list(kept), []))
    text = text.replace("from sglang.srt.configs.model_config import ModelConfig", "")
    text = text.replace("ModelConfig.from_server_args(self)", "self.model")
    names: dict[str, Any] = {}
    exec(compile(text, "server_args", "exec"), names)
    return names


@pytest.mark.parametrize("mib", [8192, 16384, 24564, 32607, 40960, 46068, 81920, 143771, 183359])
def test_sglang_computes_the_same_share(mib: int) -> None:
    functions = _sglang(laid_out("sglang-0.5.3", ["sglang==0.5.3"]))
    found = computed(QWEN3_VL_8B, "m")
    for tp in (1, 2, 4, 8):
        for vision in (True, False):
            eyes = SimpleNamespace(hidden_size=1152)
            one = SimpleNamespace(
                chunked_prefill_size=None, cuda_graph_max_bs=None, tp_size=tp, pp_size=1, cuda_graph_bs=None,
                mem_fraction_static=None, enable_dp_attention=False, speculative_algorithm=None, dp_size=1,
                _generate_cuda_graph_batch_sizes=list,
                model=SimpleNamespace(is_multimodal=vision, hf_config=SimpleNamespace(vision_config=eyes)),
            )  # fmt: skip
            one.adjust_mem_fraction_for_vlm = lambda model, one=one: functions["adjust_mem_fraction_for_vlm"](one, model)
            functions["_handle_gpu_memory_settings"](one, mib)
            ours = default_share(Settings("sglang", "0.5.3", tp=tp, vision=vision), mib << 20, found)
            assert ours == pytest.approx(one.mem_fraction_static, abs=1e-3)


@pytest.mark.parametrize(
    ("engine", "release"),
    [("vllm", "0.11.0"), ("vllm", "0.19.0"), ("vllm", "0.33.0"), ("sglang", "0.4.8"), ("sglang", "0.5.23"),
     ("lmdeploy", "0.18.0")],
)  # fmt: skip
def test_a_release_counts_as_its_own_functions_do(engine: str, release: str) -> None:
    """Groups, blocks and logged tokens; shares of cards; what is set aside: by the files of the published wheel."""
    try:
        row = compared(engine, release)
    except RemoteError as error:
        pytest.skip(f"the wheel cannot be read: {error}")
    assert row.compared >= 20 and not row.different and not row.silent
