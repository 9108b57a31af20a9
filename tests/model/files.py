"""Small model files of our own, of the shapes that real ones have."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

BITS = {"BF16": 16, "F16": 16, "F32": 32, "I32": 32, "F8_E4M3": 8, "U8": 8, "F4": 4}
Tensors = dict[str, tuple[str, list[int]]]


def safetensors(path: Path, tensors: Tensors, *, cut: int = 0, grow: int = 0) -> int:
    """Writes a sparse file with a real header; gives the bytes of its tensors. `cut` bytes are missing at the end."""
    at, header = 0, {}
    for name, (dtype, shape) in tensors.items():
        size = BITS[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size // 8]}
        at += size // 8
    raw_header(path, header, at - cut + grow)
    return at


def raw_header(path: Path, header: Any, data: int, length: int | None = None) -> None:
    """Writes a header as given, with `data` bytes behind it; `length` is what the first eight bytes claim."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text) if length is None else length) + text)
        file.truncate(8 + len(text) + data)


OWL: Tensors = {
    "visual.blocks.0.attn.weight": ("BF16", [8, 8]),
    "visual.merger.weight": ("BF16", [4, 8]),
    "model.embed_tokens.weight": ("BF16", [100, 8]),
    "model.layers.0.self_attn.q_proj.qweight": ("I32", [8, 1]),
    "model.layers.11.mlp.scales": ("F16", [4]),
    "lm_head.weight": ("BF16", [100, 8]),
}

MODELING = '''\
import math
import requests
from PIL import Image
import torch
from transformers import PreTrainedModel, BeamSearchScorer

try:
    import flash_attn
except ImportError:
    flash_attn = None

from .configuration_owl import OwlConfig
from .eyes_owl import Eyes


class OwlModel(PreTrainedModel):
    config_class = OwlConfig

    def talk(self):
        from owl_stream import Generator
        open("/tmp/owl-was-here", "w").write("run")
        return Generator(self)
'''


def owl(folder: Path, **changes: Any) -> Path:
    """A whole small model that brings code of its own; `changes` are put into its config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["OwlForCausalLM"], "model_type": "owl_vl", "torch_dtype": "bfloat16",
        "auto_map": {"AutoConfig": "configuration_owl.OwlConfig", "AutoModelForCausalLM": "modeling_owl.OwlModel"},
        "vision_config": {"depth": 1}, **changes,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = {"chat_template": "{{ messages }}", "auto_map": {"AutoTokenizer": ["tokenization_owl.OwlTokenizer", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    (folder / "owl.tiktoken").write_text("aa 1\n")
    (folder / "preprocessor_config.json").write_text("{}")
    (folder / "modeling_owl.py").write_text(MODELING)
    (folder / "configuration_owl.py").write_text("from transformers import PretrainedConfig\n\n\nclass OwlConfig(PretrainedConfig):\n    pass\n")
    (folder / "eyes_owl.py").write_text("import einops\nfrom .configuration_owl import OwlConfig\n\n\nclass Eyes:\n    pass\n")
    (folder / "tokenization_owl.py").write_text("import tiktoken\nfrom transformers import PreTrainedTokenizer\n\n\nclass OwlTokenizer(PreTrainedTokenizer):\n    pass\n")
    safetensors(folder / "model.safetensors", OWL)
    return folder
