"""Parameters counted from a configuration, against the same model built by transformers itself on the `meta` device.

Configurations are short on purpose: what they leave out are defaults of the classes, and ours have to be the same.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from doctor.memory.attention import attention
from doctor.memory.decoder import decoder
from doctor.memory.layout import layout
from doctor.memory.pieces import numbers
from doctor.memory.towers import tower
from tests.link.real_packages import answer_of, interpreter, laid_out
from tests.story.environments import BASE
from tests.story.environments import TRANSFORMERS as TRANSFORMERS_5

pytestmark = pytest.mark.registry
TRANSFORMERS = ["transformers==5.20.2", "tokenizers==0.23.3", *TRANSFORMERS_5["5.0.0"].split()[2:]]
LM = {"num_hidden_layers": 3, "hidden_size": 512, "num_attention_heads": 8, "intermediate_size": 1024, "vocab_size": 160000, "num_key_value_heads": 4}
CASES: dict[str, list[dict[str, Any]]] = {
    "Qwen2VLForConditionalGeneration": [
        {"model_type": "qwen2_vl"},
        {"model_type": "qwen2_vl", "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 4, "num_attention_heads": 12,
         "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True,
         "vision_config": {"hidden_size": 1536, "in_chans": 3, "model_type": "qwen2_vl", "spatial_patch_size": 14}},
    ],
    "Qwen2_5_VLForConditionalGeneration": [{"model_type": "qwen2_5_vl"}, {"model_type": "qwen2_5_vl", "text_config": LM, "vision_config": {"out_hidden_size": 512, "depth": 3}}],
    "Qwen3VLForConditionalGeneration": [{"model_type": "qwen3_vl"}, {"model_type": "qwen3_vl", "text_config": LM, "vision_config": {"depth": 5, "deepstack_visual_indexes": [1, 3]}}],
    "Qwen3VLMoeForConditionalGeneration": [{"model_type": "qwen3_vl_moe", "text_config": {"num_hidden_layers": 6, "decoder_sparse_step": 2, "num_experts": 8, "head_dim": 128}}],
    "Qwen3_5ForConditionalGeneration": [{"model_type": "qwen3_5"}, {"model_type": "qwen3_5", "text_config": {"num_hidden_layers": 7}}],
    "InternVLForConditionalGeneration": [
        {"model_type": "internvl"},
        {"model_type": "internvl", "tie_word_embeddings": False, "text_config": {"model_type": "qwen3", "num_hidden_layers": 4, "tie_word_embeddings": False},
         "vision_config": {"attention_bias": True, "hidden_size": 3200, "intermediate_size": 12800, "num_hidden_layers": 5,
                           "num_attention_heads": 25, "norm_type": "rms_norm", "use_qk_norm": True}},
    ],
    "LlavaForConditionalGeneration": [
        {"model_type": "llava"},
        {"model_type": "llava", "text_config": {"model_type": "mistral", "num_hidden_layers": 2}, "vision_config": {"model_type": "siglip_vision_model"}},
        {"model_type": "llava", "text_config": {"model_type": "mistral", "num_hidden_layers": 2}, "vision_config": {"model_type": "pixtral"}},
    ],
    "LlavaNextForConditionalGeneration": [{"model_type": "llava_next"}],
    "LlavaOnevisionForConditionalGeneration": [{"model_type": "llava_onevision"}],
    "Gemma3ForConditionalGeneration": [{"model_type": "gemma3"}, {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "num_hidden_layers": 7}, "vision_config": {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 3, "num_attention_heads": 16, "image_size": 896, "patch_size": 14, "vision_use_head": False}}],
    "Idefics3ForConditionalGeneration": [{"model_type": "idefics3", "text_config": {"model_type": "llama", "vocab_size": 128300}}],
    "SmolVLMForConditionalGeneration": [{"model_type": "smolvlm", "text_config": {"model_type": "llama", "vocab_size": 128300, "num_key_value_heads": 8}}],
    "MllamaForConditionalGeneration": [{"model_type": "mllama"}],
    "PaliGemmaForConditionalGeneration": [{"model_type": "paligemma"}],
    "Mistral3ForConditionalGeneration": [{"model_type": "mistral3"}],
    "Glm4vForConditionalGeneration": [{"model_type": "glm4v"}],
    "Glm46VForConditionalGeneration": [{"model_type": "glm46v"}],
    "MiniCPMV4_6ForConditionalGeneration": [{"model_type": "minicpmv4_6", "merger_times": 3}],
    "AyaVisionForConditionalGeneration": [{"model_type": "aya_vision", "text_config": {"model_type": "cohere2", "num_hidden_layers": 3}, "vision_config": {"model_type": "siglip_vision_model", "vision_use_head": False}}],
    "Idefics2ForConditionalGeneration": [{"model_type": "idefics2", "text_config": {"model_type": "mistral", "num_hidden_layers": 2}}],
    "Lfm2VlForConditionalGeneration": [{"model_type": "lfm2_vl", "text_config": {"model_type": "lfm2", "num_hidden_layers": 6, "full_attn_idxs": [2, 5], "block_auto_adjust_ff_dim": False}},
                                          {"model_type": "lfm2_vl", "text_config": {"model_type": "lfm2", "num_hidden_layers": 6, "full_attn_idxs": [2, 5]}}],
    "NemotronHForCausalLM": [{"model_type": "nemotron_h", "hybrid_override_pattern": "M-M*-M-", "num_hidden_layers": 7, "intermediate_size": 8192}],
    "Qwen2_5OmniThinkerForConditionalGeneration": [{"model_type": "qwen2_5_omni_thinker", "text_config": {"num_hidden_layers": 3}, "audio_config": {"d_model": 640, "encoder_layers": 4, "encoder_ffn_dim": 2560, "encoder_attention_heads": 10, "output_dim": 3584, "num_mel_bins": 128}}],
    "Llama4ForConditionalGeneration": [{"model_type": "llama4", "text_config": {"num_hidden_layers": 4, "interleave_moe_layer_step": 2}}],
    "Ernie4_5_VLMoeForConditionalGeneration": [{"model_type": "ernie4_5_vl_moe", "text_config": {"num_hidden_layers": 3, "moe_intermediate_size": [1536, 512]}}],
    "Molmo2ForConditionalGeneration": [{"model_type": "molmo2", "text_config": {"num_hidden_layers": 3}, "adapter_config": {"intermediate_size": 12288, "text_hidden_size": 4096}}],
    "Kimi_K25ForConditionalGeneration": [{"model_type": "kimi_k25", "text_config": {"model_type": "deepseek_v3", "num_hidden_layers": 3}}],
    "Step3p7ForConditionalGeneration": [{"model_type": "step3p7", "text_config": {"num_hidden_layers": 5, "mlp_layer_types": ["dense", "dense", "dense", "sparse", "sparse"]}}],
    "DeepseekV3ForCausalLM": [{"model_type": "deepseek_v3", "num_hidden_layers": 5}],
    "Qwen2MoeForCausalLM": [{"model_type": "qwen2_moe", "num_hidden_layers": 3}],
    "LlamaForCausalLM": [{"model_type": "llama", "attention_bias": True, "mlp_bias": True}],
}
CHILD = """
import json, sys, torch, transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
for arch, given in json.load(sys.stdin):
    given = dict(given)
    try:
        config = CONFIG_MAPPING[given.pop("model_type")](**given)
        with torch.device("meta"):
            model = getattr(transformers, arch)._from_config(config)
    except Exception as error:
        print(json.dumps(repr(error)[:300]), flush=True)
        continue
    model.tie_weights()
    print(json.dumps(sum(p.numel() for p in model.parameters())), flush=True)
"""
FLAT = [(arch, config) for arch, configs in CASES.items() for config in configs]


def _folders() -> list[str]:
    """torch and transformers: laid out by hand where QVL_TEST_TORCH names the folders, else fetched once."""
    given = os.environ.get("QVL_TEST_TORCH")
    if given:
        return given.split(os.pathsep)
    return [str(laid_out("meta-transformers-5.20.2", TRANSFORMERS)), str(laid_out("story-base", BASE.split()))]


@pytest.fixture(scope="module")
def built() -> list[int | str]:
    """Parameters of every case, by transformers in a child process."""
    folders = [f for f in _folders() if Path(f).is_dir()]
    done = answer_of([interpreter("3.11"), "-c", CHILD], json.dumps(FLAT), [*TRANSFORMERS, BASE], timeout=500,
                     env={"PYTHONPATH": os.pathsep.join(folders), "PATH": os.environ.get("PATH", "")})
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("at", range(len(FLAT)), ids=[f"{arch}-{n}" for n, (arch, _) in enumerate(FLAT)])
def test_parameters_are_those_of_the_built_model(built: list[int | str], at: int) -> None:
    assert isinstance(built[at], int), f"transformers itself cannot build it: {built[at]}"
    found = layout(FLAT[at][1])
    assert found is not None
    shape = attention(found)
    assert shape is not None
    eyes = tower(found, shape)
    assert eyes is not None
    assert numbers((*decoder(found, shape), *eyes)) == pytest.approx(built[at], rel=0.005)
