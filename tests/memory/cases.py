"""Configurations that the tests on memory share; the keys are those of published config.json files."""

from __future__ import annotations

from typing import Any

from doctor.facts.model import Model, Quantization, QuantizationGroup
from doctor.memory.footprint import Footprint, footprint

GIB = 1 << 30
QWEN_VL_INT4: dict[str, Any] = {
    "architectures": ["QWenLMHeadModel"], "model_type": "qwen", "hidden_size": 4096, "intermediate_size": 22016,
    "kv_channels": 128, "max_position_embeddings": 8192, "no_bias": True, "num_attention_heads": 32,
    "num_hidden_layers": 32, "seq_length": 2048, "tie_word_embeddings": False, "torch_dtype": "float16",
    "vocab_size": 151936,
    "visual": {"heads": 16, "image_size": 448, "image_start_id": 151857, "layers": 48, "mlp_ratio": 4.9231,
               "output_dim": 4096, "patch_size": 14, "width": 1664},
}  # fmt: skip
GPTQ = Quantization("gptq", {"bits": 4, "group_size": 128, "sym": True, "desc_act": False})
QWEN3_VL_8B: dict[str, Any] = {
    "architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl", "dtype": "bfloat16",
    "tie_word_embeddings": False,
    "text_config": {"attention_bias": False, "head_dim": 128, "hidden_size": 4096, "intermediate_size": 12288,
                    "max_position_embeddings": 262144, "model_type": "qwen3_vl_text", "num_attention_heads": 32,
                    "num_hidden_layers": 36, "num_key_value_heads": 8, "vocab_size": 151936},
    "vision_config": {"deepstack_visual_indexes": [8, 16, 24], "depth": 27, "hidden_size": 1152,
                      "intermediate_size": 4304, "out_hidden_size": 4096, "num_heads": 16},
}  # fmt: skip
QWEN3_VL_32B: dict[str, Any] = {
    **QWEN3_VL_8B,
    "text_config": {**QWEN3_VL_8B["text_config"], "hidden_size": 5120, "intermediate_size": 25600,
                    "num_attention_heads": 64, "num_hidden_layers": 64},
    "vision_config": {**QWEN3_VL_8B["vision_config"], "out_hidden_size": 5120},
}  # fmt: skip
FP8_CHANNEL = Quantization(
    "compressed-tensors", {}, (QuantizationGroup(8, "float", strategy="channel", symmetric=True, activations=True),),
    ("lm_head", "re:.*visual.*"),
)  # fmt: skip
FP8_BLOCK = Quantization("fp8", {}, (QuantizationGroup(8, "float", block=(128, 128)),), ("lm_head", "visual"))
GEMMA3: dict[str, Any] = {
    "model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "num_hidden_layers": 34,
                                             "intermediate_size": 10240, "sliding_window": 1024},
    "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304,
                      "num_hidden_layers": 27, "num_attention_heads": 16, "image_size": 896, "patch_size": 14,
                      "vision_use_head": False},
}  # fmt: skip
DEEPSEEK: dict[str, Any] = {"model_type": "deepseek_v2"}
QWEN3_5: dict[str, Any] = {"model_type": "qwen3_5", "tie_word_embeddings": False}


def computed(config: dict[str, Any], name: str, quantization: Quantization | None = None) -> Footprint | None:
    """The weights of a model of which the configuration alone is known."""
    return footprint(Model(name, quantization=quantization, config=config))
