"""Other accelerators than NVIDIA's are recognized, and nobody is sent to NVIDIA's driver for them."""

from __future__ import annotations

import pytest

FRAME = 'Traceback (most recent call last):\n  File "/e/lib/python3.12/site-packages/vllm/worker/w.py", line 3, in f\n'
CASES = [
    ("INFO 01-02 10:00:00 [__init__.py:1] Automatically detected platform rocm.", "RuntimeError: HIP error: invalid "
     "device function", "gfx"),
    ("INFO 01-02 10:00:00 [__init__.py:1] Automatically detected platform rocm.", "ImportError: libcudart.so.12: cannot "
     "open shared object file: No such file or directory", "AMD GPU"),
    ("INFO 01-02 10:00:00 [__init__.py:1] Platform plugin ascend is activated", "RuntimeError: NPU out of memory. Tried "
     "to allocate 1.16 GiB", "accelerator is out of memory"),
    ("INFO 01-02 10:00:00 [__init__.py:1] Automatically detected platform xpu.", "RuntimeError: level_zero backend "
     "failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)", "accelerator is out of memory"),
    ("NvMapMemAllocInternalTagged: 1075072515 error 12", "RuntimeError: NVML_SUCCESS == r INTERNAL ASSERT FAILED at a",
     "Jetson"),
    ("", "[ERROR] the socversion Ascend910A of bin package does not match the current device socverison Ascend310P1.",
     "Ascend310P1"),
]  # fmt: skip


@pytest.mark.parametrize(("banner", "error", "word"), CASES)
def test_other_accelerators(explain, banner: str, error: str, word: str) -> None:
    found = explain(f"{banner}\n{FRAME}{error}\n")[0]
    said = " ".join([found.message, *(r.title for r in found.remediations)])
    assert word in said and "NVIDIA driver" not in said and "nvidia-" not in said


@pytest.mark.parametrize(
    ("log", "word"),
    [
        ("llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'w3vl'\n",
         "w3vl"),
        ("alloc_tensor_range: failed to allocate CUDA0 buffer of size 8589934592\nllama_model_load: error loading model: "
         "unable to allocate CUDA0 buffer\n", "llama.cpp"),
        ("{'loss': 0.4, 'epoch': 1.2}\n" + FRAME.replace("vllm/worker/w.py", "torch/optim/adamw.py")
         + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.02 GiB.\n", "training run"),
    ],
)  # fmt: skip
def test_other_programs(explain, log: str, word: str) -> None:
    found = explain(log)[0]
    assert word in found.message and all("tensor-parallel" not in r.title for r in found.remediations)
