"""Stories of servers that do not start: what was declared, how it was started, and what the failure writes.

Each is asked of every answer that the product has (`check`, `fix --plan`, the check before `run`, `explain`), which
must not contradict one another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.facts import Facts
from doctor.pipeline.collecting import collect
from doctor.pipeline.request import Request

RTX3090, T4, RTX3070 = "RTX 3090:24GB:8.6", "T4:16GB:7.5", "RTX 3070:8GB:8.6"


@dataclass(frozen=True)
class Story:
    """`code` is the rule that says the error; `log` is what the server writes.

    `pins` are specifiers that the plan's releases must fit, `start` words of its launch command. `config` is a
    config.json to lay out as `{model}` instead of a name on the hub.
    """

    name: str
    requirements: str
    launch: str
    code: str
    log: str
    gpu: str = RTX3090
    pins: tuple[tuple[str, str], ...] = ()
    config: str = ""
    start: str = ""

    def facts(self, folder: Path) -> Facts:
        """The facts of the declared environment; nothing of this machine, no network."""
        file = folder / "requirements.txt"
        file.write_text(self.requirements.replace(" ", "\n"))
        target = TargetRequest(python_version="3.11", cwd=str(folder), environ={})
        words = tuple(self.launch.format(model=self.model(folder)).split())
        return collect(Request(
            target, words, gpu=self.gpu, driver="570.86", environ={}, use_cache=False,
            declared=DeclaredRequest((str(file),)),
        ))  # fmt: skip

    def model(self, folder: Path) -> str:
        """The folder with the model's configuration, laid out; empty where the story names a checkpoint of the hub."""
        if not self.config:
            return ""
        place = folder / "model"
        place.mkdir(exist_ok=True)
        data: dict[str, Any] = json.loads(self.config)
        (place / "config.json").write_text(json.dumps(data))
        return str(place)


COMPRESSED = json.dumps({
    "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", "hidden_size": 3584,
    "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944,
    "vocab_size": 152064, "max_position_embeddings": 128000, "vision_config": {"hidden_size": 1280},
    "quantization_config": {
        "quant_method": "compressed-tensors", "format": "pack-quantized",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": {
            "num_bits": 4, "type": "int", "group_size": 128, "symmetric": True, "strategy": "group"}}},
    },
})  # fmt: skip
EXPERTS = json.dumps({
    "architectures": ["Qwen3VLMoeForConditionalGeneration"], "model_type": "qwen3_vl_moe",
    "quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]},
    "text_config": {
        "model_type": "qwen3_vl_moe_text", "hidden_size": 2048, "intermediate_size": 6144, "num_experts": 128,
        "moe_intermediate_size": 768, "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4,
        "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 262144,
    },
    "vision_config": {"depth": 27, "hidden_size": 1152, "num_heads": 16, "out_hidden_size": 2048},
})  # fmt: skip
QWEN_VL = "lmdeploy==0.11.1 transformers-stream-generator==0.0.5 matplotlib==3.9.0 einops==0.8.0 tiktoken==0.7.0 "

HEALTHY = (
    ("vllm==0.11.0 transformers==4.57.1", "vllm serve Qwen/Qwen2.5-VL-3B-Instruct --max-model-len 8192"),
    ("vllm==0.11.0 transformers==4.57.1", "vllm serve Qwen/Qwen2.5-VL-7B-Instruct-AWQ --max-model-len 8192"),
    (QWEN_VL + "transformers==4.56.2", "lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4"),
    ("lmdeploy==0.11.1 transformers==4.56.2 qwen-vl-utils==0.0.14",
     "lmdeploy serve api_server Qwen/Qwen2.5-VL-7B-Instruct-AWQ --session-len 8192"),
    ("sglang==0.5.5 transformers==4.57.1",
     "python -m sglang.launch_server --model-path Qwen/Qwen3-VL-4B-Instruct --context-length 8192"),
    ("vllm==0.11.0 transformers==4.57.1",
     "vllm serve someone/a-model --served-model-name Qwen/Qwen-VL-Chat-Int4 --max-model-len 200000"),
)  # fmt: skip
STORIES = (
    Story(
        "the first Qwen-VL on a transformers that took away what its helper imports",
        QWEN_VL + "transformers==4.57.3", "lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4", "ENG005",
        "ImportError: cannot import name 'BeamSearchScorer' from 'transformers' "
        "(/v/site-packages/transformers/__init__.py)",
        pins=(("transformers", ">=4.42,<=4.56.2,!=4.52.*"),),
    ),
    Story(
        "the first Qwen-VL on transformers 4.52",
        QWEN_VL + "transformers==4.52.4", "lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4", "ENG011",
        "AttributeError: 'Resampler' object has no attribute '_initialize_weights'",
        pins=(("transformers", ">=4.42,<=4.56.2,!=4.52.*"),),
    ),
    Story(
        "GPTQ on LMDeploy's PyTorch backend",
        QWEN_VL + "transformers==4.56.2",
        "lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4 --backend pytorch", "ENG004",
        "RuntimeError: Unsupported quant method: gptq", start="--backend turbomind",
    ),
    Story(
        "transformers too old for the model's type",
        "vllm==0.7.3 transformers==4.48.2", "vllm serve Qwen/Qwen2.5-VL-3B-Instruct", "ENG002",
        "ImportError: cannot import name 'Qwen2_5_VLProcessor' from 'transformers' "
        "(/v/site-packages/transformers/__init__.py)",
    ),
    Story(
        "transformers too old for a new model",
        "sglang==0.5.3 transformers==4.56.1", "python -m sglang.launch_server --model-path Qwen/Qwen3-VL-8B-Instruct",
        "ENG002",
        "ValueError: The checkpoint you are trying to load has model type `qwen3_vl` but Transformers does not "
        "recognize this architecture.",
    ),
    Story(
        "a release that does not have the architecture yet",
        "vllm==0.9.2 transformers==4.53.0", "vllm serve Qwen/Qwen3-VL-8B-Instruct", "ENG003",
        "ValueError: Model architectures ['Qwen3VLForConditionalGeneration'] are not supported for now. Supported "
        "architectures: ['AquilaModel']",
    ),
    Story(
        "FP8 on a card that has none", "vllm==0.11.0 transformers==4.57.1",
        "vllm serve Qwen/Qwen3-VL-4B-Instruct-FP8 --max-model-len 2048", "ENG007",
        "ValueError: The quantization method fp8 is not supported for the current GPU. Minimum capability: 80. "
        "Current capability: 75.", gpu=T4,
    ),
    Story(
        "a module that no release has", "lmdeploy==0.11.1 transformers==4.56.2 qwen-vl-utils==0.0.14",
        "python3 -m lmdeploy.serve.api_server Qwen/Qwen2-VL-7B-Instruct", "CMD011",
        "/usr/bin/python3: No module named lmdeploy.serve.api_server", start="lmdeploy serve api_server",
    ),
    Story(
        "a method that is not the checkpoint's", "vllm==0.11.0 transformers==4.57.1",
        "vllm serve {model} --quantization awq", "CMD005",
        "ValueError: Quantization method specified in the model config (compressed-tensors) does not match the "
        "quantization method specified in the `quantization` argument (awq).", config=COMPRESSED,
    ),
    Story(
        "a method that is not the named checkpoint's", "vllm==0.11.0 transformers==4.57.1",
        "vllm serve Qwen/Qwen2.5-VL-7B-Instruct-AWQ --quantization gptq", "CMD005",
        "ValueError: Quantization method specified in the model config (awq) does not match the "
        "quantization method specified in the `quantization` argument (gptq).",
    ),
    Story(
        "9 GiB of weights on 8 GB", QWEN_VL + "transformers==4.56.2",
        "lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4", "MEM001",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 462.00 MiB. GPU 0 has a total capacity of "
        "7.79 GiB", gpu=RTX3070,
    ),
    Story(
        "a context that the model does not have", "vllm==0.11.0 transformers==4.57.1",
        "vllm serve Qwen/Qwen2-VL-2B-Instruct --max-model-len 131072", "CMD007",
        "ValueError: User-specified max_model_len (131072) is greater than the derived max_model_len "
        "(max_position_embeddings=32768", start="--max-model-len 32768",
    ),
    Story(
        "heads that three cards cannot share", "vllm==0.11.0 transformers==4.57.1",
        "vllm serve Qwen/Qwen2.5-VL-7B-Instruct --tensor-parallel-size 3 --max-model-len 8192", "CMD008",
        "ValueError: Total number of attention heads (28) must be divisible by tensor parallel size (3).",
        gpu="RTX 3090:24GB:8.6x4", start="--tensor-parallel-size 2",
    ),
    Story(
        "code of the model's own that was not allowed", "vllm==0.6.3 transformers==4.46.3 tokenizers==0.20.3",
        "vllm serve Qwen/Qwen-VL-Chat --max-model-len 1024", "MDL007",
        "ValueError: Loading this model requires you to execute custom code contained in the model repository on your "
        "local machine.", start="--trust-remote-code",
    ),
    Story(
        "a version of the model that this release does not have", "sglang==0.5.5 transformers==4.57.1",
        "python -m sglang.launch_server --model-path openbmb/MiniCPM-V-4_5 --trust-remote-code --context-length 8192",
        "ENG003", "ValueError: Currently, MiniCPMV only supports versions 2.6 and 4.0. Got version: (4, 5)",
        pins=(("sglang", ">=0.5.9"),),
    ),
    Story(
        "a version of the model that this release does not have", "sglang==0.5.5 transformers==4.57.1",
        "python -m sglang.launch_server --model-path openbmb/MiniCPM-V-4_5 --trust-remote-code --context-length 8192",
        "ENG003", "ValueError: Currently, MiniCPMV only supports versions 2.6 and 4.0. Got version: (4, 5)",
        pins=(("sglang", ">=0.5.9"),),
    ),
    Story(
        "experts that four cards would split inside a block", "vllm==0.11.0 transformers==4.57.1",
        "vllm serve {model} --tensor-parallel-size 4 --max-model-len 8192", "CMD008",
        "ValueError: The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n "
        "= 128.", gpu="RTX 4090:24GB:8.9x4", config=EXPERTS, start="--tensor-parallel-size 2",
    ),
    Story(
        "an option that this release does not have", QWEN_VL + "transformers==4.56.2",
        "lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4 --trust-remote-code", "CMD001",
        "lmdeploy: error: unrecognized arguments: --trust-remote-code",
    ),
)  # fmt: skip
