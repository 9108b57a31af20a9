
"""Which package is to be moved, and which way: messages of many programs, none of them from a corpus."""

from __future__ import annotations

import pytest

UP, DOWN = "upgrade", "downgrade"
FRAME = 'Traceback (most recent call last):\n  File "/e/lib/python3.10/site-packages/{}", line 5, in load\n    go()\n'
ROWS = [
    ("sglang/a.py", "ImportError: cannot import name 'Qwen2_5_VLForConditionalGeneration' from 'transformers' (/e)", "transformers", UP),
    ("sglang/a.py", "ImportError: cannot import name 'LogitsWarper' from 'transformers.generation.logits_process' (/e)", "transformers", DOWN),
    ("gradio/a.py", "ImportError: cannot import name 'HfFolder' from 'huggingface_hub' (/e)", "huggingface-hub", DOWN),
    ("vllm/a.py", "ImportError: cannot import name 'field_validator' from 'pydantic' (/e)", "pydantic", UP),
    ("old/a.py", "ImportError: cannot import name 'Undefined' from 'pydantic.fields' (/e)", "pydantic", DOWN),
    ("vllm/a.py", "ModuleNotFoundError: No module named 'outlines.fsm'", "outlines", DOWN),
    ("basicsr/a.py", "ModuleNotFoundError: No module named 'torchvision.transforms.functional_tensor'", "torchvision", DOWN),
    ("vllm/a.py", "AttributeError: module 'torch' has no attribute 'float8_e4m3fn'", "torch", UP),
    ("tokenizers/a.py", "ImportError: tokenizers>=0.19,<0.20 is required for a normal functioning of this module, but found tokenizers==0.20.3.", "tokenizers", DOWN),
    ("tokenizers/a.py", "Exception: data did not match any variant of untagged enum ModelWrapper at line 7 column 3", "tokenizers", UP),
    ("ray/a.py", "TypeError: Descriptors cannot be created directly.", "protobuf", DOWN),
    ("x/a.py", "RuntimeError: Numpy is not available", "numpy", DOWN),
    ("openai/a.py", "TypeError: AsyncClient.__init__() got an unexpected keyword argument 'proxies'", "httpx", DOWN),
    ("vllm/a.py", "ValueError: Unknown quantization method: gptq. Must be one of ['awq'].", "vllm", UP),
    ("vllm/a.py", "ValueError: `rope_scaling` must be a dictionary with two fields, `type` and `factor`", "transformers", UP),
    ("vllm/a.py", "AttributeError: 'Qwen2Tokenizer' object has no attribute 'all_special_tokens_extended'", "transformers", DOWN),
    ("sglang/a.py", "Exception: sgl-kernel is installed with version 0.1.2, which is less than the minimum required version 0.1.4. Please", "sgl-kernel", UP),
    ("vllm/a.py", "TypeError: EngineArgs.__init__() got an unexpected keyword argument 'limit_mm_per_prompt'", "vllm", UP),
    ("vllm/a.py", "ValueError: The checkpoint you are trying to load has model type `qwen2_5_vl` but Transformers does not recognize this", "transformers", UP),
]  # fmt: skip


@pytest.mark.parametrize(("file", "error", "package", "direction"), ROWS, ids=range(len(ROWS)))
def test_direction(explain, file: str, error: str, package: str, direction: str) -> None:
    first = explain(FRAME.format(file) + error + "\n")[0]
    actions = [a for r in first.remediations for a in r.actions if a.kind == "install" and a.package == package]
    assert actions and actions[0].direction == direction, first.message


def test_installed_version_decides_for_a_dropped_architecture(explain) -> None:
    error = "ValueError: Model architectures ['QWenLMHeadModel'] are not supported for now. Supported architectures: ['A']\n"
    action = explain("INFO vLLM API server version 0.30.0\n" + error)[0].remediations[0].actions[0]
    assert (action.package, action.direction, action.specifier) == ("vllm", DOWN, "<=0.23.0")


def test_a_misspelt_class_is_not_a_matter_of_versions(explain) -> None:
    first = explain("ImportError: cannot import name 'Qwen25_VLForConditionalGeneration' from 'transformers' (/e)\n")[0]
    assert "Qwen2_5_VLForConditionalGeneration" in first.message
    assert all(a.kind == "manual" for r in first.remediations for a in r.actions)


def test_gguf_is_told_from_a_model_type(explain) -> None:
    error = "ValueError: The checkpoint you are trying to load has model type `qwen3moe` but Transformers does not recognize this\n"
    assert "GGUF" in explain(error)[0].message
