"""What a report states of an environment, in the forms in which people paste it."""

from __future__ import annotations

import pytest

from doctor.collect.declared.reported import Reported, reported

TORCH = """Collecting environment information...
PyTorch version: 2.6.0+cu124
Is debug build: False
CUDA used to build PyTorch: 12.4
OS: Ubuntu 22.04.4 LTS (x86_64)
Python version: 3.11.9 | packaged by conda-forge | (main) [GCC 12.3.0] (64-bit runtime)
GPU models and configuration:
GPU 0: NVIDIA A100 80GB PCIe (UUID: GPU-1)
GPU 1: NVIDIA A100 80GB PCIe (UUID: GPU-2)

Nvidia driver version: 550.54.15
Versions of relevant libraries:
[pip3] numpy==1.26.4
[conda] transformers              4.51.3                   pypi_0    pypi
vLLM Version: 0.8.5
"""
PADDED = """==============================
       PyTorch Info
==============================
PyTorch version              : 2.9.1+cu128
Python version               : 3.12.3 (main, Jan  8 2026, 11:30:50) [GCC 13.3.0] (64-bit runtime)
GPU models and configuration : GPU 0: NVIDIA GeForce RTX 5090
Nvidia driver version        : 595.58.03
vLLM Version                 : 0.13.0
"""
SGLANG = """Python: 3.12.12 (main, Oct 10 2025, 08:52:57) [GCC 11.4.0]
CUDA available: True
GPU 0,1,2,3: NVIDIA H200
GPU 0,1,2,3 Compute Capability: 9.0
CUDA Driver Version: 580.82.07
PyTorch: 2.9.1+cu130
sglang: 0.5.5.post3
sgl_kernel: 0.3.18.post2
flashinfer_cubin: 0.5.3
flashinfer_jit_cache: Module Not Found
zmq: 27.1.0
PIL: 10.2.0
"""
LMDEPLOY = """sys.platform: win32
Python: 3.10.15 (main, Oct  3 2024, 07:27:34) [MSC v.1929 64 bit (AMD64)]
GPU 0: NVIDIA GeForce RTX 4060 Laptop GPU
PyTorch: 2.6.0+cu126
LMDeploy: 0.9.2+
transformers: 4.53.1
"""
TRANSFORMERS = """- `transformers` version: 4.57.1
- Platform: Linux-6.8.0-x86_64-with-glibc2.39
- Python version: 3.10.12
- PyTorch version (accelerator?): 2.8.0+cu128 (CUDA)
- GPU type: NVIDIA L4
- Huggingface_hub version: 0.35.3
"""
TABLE = """Package                  Version
------------------------ ------------
vllm                     0.11.0
torch                    2.8.0+cu128
my-tool                  1.0.0        /home/me/my-tool

CUDA                     12.4
"""
HEADLESS = """nvidia-nccl-cu12                  2.21.5
openai                            1.63.2
opencv-python-headless            4.11.0.86
outlines                          0.1.11
partial-json-parser               0.2.1.1.post5
"""
SMI = """| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |
|   0  NVIDIA GeForce RTX 3090        Off |   00000000:01:00.0 Off |                  N/A |
| 30%   45C    P8             25W /  350W |    1024MiB /  24576MiB |      0%      Default |
|   1  NVIDIA GeForce RTX 3090        Off |   00000000:02:00.0 Off |                  N/A |
$ pip install vllm==0.11.0 transformers==4.57.1
vllm==0.11.0
"""


def read(text: str) -> Reported:
    found = reported(text, "issue.txt")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "packages", "machine"),
    [
        (TORCH, {"vllm": "0.8.5", "torch": "2.6.0+cu124", "transformers": "4.51.3", "numpy": "1.26.4"},
         ("3.11.9", "NVIDIA A100 80GB PCIe x2", "550.54.15", None)),
        (PADDED, {"vllm": "0.13.0", "torch": "2.9.1+cu128"}, ("3.12.3", "NVIDIA GeForce RTX 5090", "595.58.03", None)),
        (SGLANG, {"sglang": "0.5.5.post3", "torch": "2.9.1+cu130", "sgl-kernel": "0.3.18.post2",
                  "flashinfer-cubin": "0.5.3", "pyzmq": "27.1.0", "pillow": "10.2.0"},
         ("3.12.12", "NVIDIA H200 x4", "580.82.07", None)),
        (LMDEPLOY, {"lmdeploy": "0.9.2", "torch": "2.6.0+cu126", "transformers": "4.53.1"},
         ("3.10.15", "NVIDIA GeForce RTX 4060 Laptop GPU", None, "win-amd64")),
        (TRANSFORMERS, {"transformers": "4.57.1", "huggingface-hub": "0.35.3"}, ("3.10.12", "NVIDIA L4", None, None)),
        (TABLE, {"vllm": "0.11.0", "torch": "2.8.0+cu128", "my-tool": "1.0.0"}, (None, None, None, None)),
        (HEADLESS, {"nvidia-nccl-cu12": "2.21.5", "openai": "1.63.2", "opencv-python-headless": "4.11.0.86",
                    "outlines": "0.1.11", "partial-json-parser": "0.2.1.1.post5"}, (None, None, None, None)),
        (SMI, {"vllm": "0.11.0"}, (None, "NVIDIA GeForce RTX 3090 x2", "550.54.15", None)),
    ],
)  # fmt: skip
def test_the_forms_of_reporters(text: str, packages: dict[str, str], machine: tuple[str | None, ...]) -> None:
    found = read(text)
    assert {name: one.version for name, one in found.packages.items()} == packages
    told = found.machine
    assert (told.python, told.gpu, told.driver, told.platform) == machine


def test_quoted_and_fenced_text_is_read_alike() -> None:
    quoted = "\n".join(f"> {line}" for line in ["```text", *TORCH.splitlines(), "```"])
    assert read(quoted).packages.keys() == read(TORCH).packages.keys()


def test_gpus_of_several_kinds_are_left_open() -> None:
    assert read(TORCH.replace("GPU 1: NVIDIA A100 80GB PCIe", "GPU 1: NVIDIA GeForce GTX 1080 Ti")).machine.gpu is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$ vllm serve Qwen/Q \\\n    --max-model-len 4096\nIt hangs.", "vllm serve Qwen/Q --max-model-len 4096"),
        ("root@92f26b3c6ca7:/home# python3 -m vllm.entrypoints.openai.api_server     --model /m -tp 2",
         "python3 -m vllm.entrypoints.openai.api_server     --model /m -tp 2"),
        ("```bash\nCUDA_VISIBLE_DEVICES=0 lmdeploy serve api_server /m\n   --tp 2\n```",
         "CUDA_VISIBLE_DEVICES=0 lmdeploy serve api_server /m --tp 2"),
        ("(python3.10) [root@localhost ~]# vllm serve Q/q --port 8000 &", "vllm serve Q/q --port 8000 &"),
        ("autodl-container-59324# python3 -m sglang.launch_server --model-path /m",
         "python3 -m sglang.launch_server --model-path /m"),
        ("完整命令为：lmdeploy serve api_server /m --tp 2，结果报错：", "lmdeploy serve api_server /m --tp 2"),
        ("vllm serve Q/q --port 8001 (I also tried 8002)", "vllm serve Q/q --port 8001"),
        ("vllm serve Q/q --trust-remote-code. The server answers once", "vllm serve Q/q --trust-remote-code"),
        ("vllm serve <model> --max-model-len 4096 ...", "vllm serve $PLACEHOLDER --max-model-len 4096"),
        ("MODEL=Q/q\nexport PORT=80\nvllm serve $MODEL --port $PORT", "MODEL=Q/q\nexport PORT=80\nvllm serve $MODEL --port $PORT"),
        ("vllm serve Q/q --limit-mm-per-prompt '{\"image\":\n 3}'", "vllm serve Q/q --limit-mm-per-prompt '{\"image\": 3}'"),
        ("vllm serve Q/q \\\n --port 1\n --tp 2", "vllm serve Q/q --port 1"),
        ("vllm serve Qwen2.5-VL-3B-Instruct run error\nuv run vllm serve Q/q", "uv run vllm serve Q/q"),
        ("vllm serve can not work on two 3090", ""),
        ("CMD python -m sglang.launch_server --model-path /m", "python -m sglang.launch_server --model-path /m"),
        ("I run vllm serve on my desk and it is slow", ""),
    ],
)  # fmt: skip
def test_the_command(text: str, words: str) -> None:
    found = reported(text, "x")
    assert (found.command if found else "") == words


def test_two_releases_of_one_package_are_told() -> None:
    found = read(f"{TORCH}\n[pip3] transformers==4.46.0\n[pip3] torch==2.6.0\n")
    assert [(a.version, b.version) for a, b in found.twice] == [("4.51.3", "4.46.0")]
    assert found.packages["transformers"].version == "4.51.3"


@pytest.mark.parametrize("text", ["", "nothing at all", "version: 1.2.3\n" * 100, "x==y\n\0\ud800", "= " * 10_000])
def test_other_text_states_nothing(text: str) -> None:
    assert reported(text, "x") is None


def test_a_large_text_is_read_in_part() -> None:
    assert read("vllm==0.11.0\n" + "a==1.0.0\n" * 100_000 + "b==1.0.0").packages.keys() == {"vllm", "a"}
