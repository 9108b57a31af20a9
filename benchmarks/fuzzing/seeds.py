"""What is spoiled: for each reader, small sound inputs, and the command that reads them (with {} for the file)."""

from __future__ import annotations

import json
import struct
import sysconfig
from dataclasses import dataclass
from pathlib import Path

LAUNCH = ("--", "vllm", "serve", "org/name")


@dataclass(frozen=True)
class Reader:
    """One reader: the file that is spoiled, its sound contents, the words that have it read, and what lies beside."""

    name: str
    file: str
    sound: tuple[bytes, ...]
    words: tuple[tuple[str, ...], ...]
    beside: tuple[tuple[str, bytes], ...] = ()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


CONFIG = {
    "architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "hidden_size": 1536,
    "num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2, "vocab_size": 151936,
    "intermediate_size": 8960, "torch_dtype": "bfloat16", "max_position_embeddings": 32768, "rope_scaling": {"type": "mrope"},
    "vision_config": {"depth": 32, "embed_dim": 1280, "hidden_size": 1536, "num_heads": 16, "patch_size": 14},
    "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": ["visual"]},
    "auto_map": {"AutoConfig": "configuration_x.X", "AutoModel": "modeling_x.Y"},
}  # fmt: skip
TENSORS = {
    "model.embed_tokens.weight": {"dtype": "BF16", "shape": [4, 8], "data_offsets": [0, 64]},
    "visual.blocks.0.attn.qkv.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [64, 80]},
}
INDEX = {"metadata": {"total_size": 80}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
PYTHON = b"""from transformers import AutoModel
import torch.nn.functional as F
try:
    import flash_attn
except ImportError as error:
    flash_attn = None
if True and (1 + 1 == 2) or not None:
    from .configuration_x import X as Z
@F.wraps(lambda *a, **k: f"{a!r:>{k['b']}}")
class Y(AutoModel, metaclass=type):
    x: int = {k: [v for v in range(3) if v] for k in "ab"}
    def forward(self, /, a, *b, c=1, **d) -> "str":
        with open("x") as f, open(b"y"): yield (await_ := a.b.c(d)[1:2, ...])
match flash_attn:
    case [1, *_] | {"a": 1, **rest} if rest: pass
    case _: raise ImportError("x") from None
__all__ = ["Y"] + [n for n in dir() if n.startswith("x")]
"""
COMPOSE = b"""x-a: &a {restart: always, environment: {A: b}}
services:
  s:
    <<: *a
    image: vllm/vllm-openai:${TAG:-v0.11.0}
    command: ["--model", "Qwen/Qwen2-VL-2B-Instruct", "--port", "8000", --tp, 2]
    env_file: [.env]
    environment: [HF_TOKEN=x, "VLLM_USE_V1=0"]
    ports: ["8000:8000", {target: 8000, published: "9000"}]
    volumes: ["./m:/m:ro", {type: bind, source: /a, target: /b}]
    shm_size: 16gb
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:8000"], interval: 1m30s, start_period: 10s}
    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}
    build: {context: ., dockerfile_inline: "FROM python:3.11\\nRUN pip install vllm==0.11.0\\n", args: {A: 1}}
    entrypoint: python3 -m vllm.entrypoints.openai.api_server
"""
GATEWAYS = (
    b"model_list:\n  - model_name: m\n    litellm_params: {model: openai/Qwen, api_base: 'http://u:p@h:8000/v1', api_key: x}\n",
    b"scrape_configs:\n  - job_name: j\n    metrics_path: /metrics\n    scheme: http\n    static_configs: [{targets: ['a:8000', 'b:9090']}]\n",
)
DOCKERFILE = b"""# syntax=docker/dockerfile:1
ARG TAG=v0.11.0
FROM vllm/vllm-openai:${TAG} AS base
SHELL ["/bin/bash", "-c"]
ENV A=b HF_HOME="/x y" \\
    C=d
WORKDIR /app
COPY --from=base requirements.txt /app/
RUN --mount=type=cache,target=/x pip install -U 'transformers>=4.55' torch==2.8.0 && rm -rf x
RUN <<EOF
pip install lmdeploy
EOF
FROM base
ENTRYPOINT ["vllm", "serve"]
CMD ["Qwen/Qwen2-VL-2B-Instruct", "--port", "8000"]
"""
REQUIREMENTS = (
    b"# a\n-r other.txt\n--extra-index-url https://u:p@h/simple\ntorch==2.8.0 ; python_version >= '3.9' \\\n  --hash=sha256:aa\n"
    b"vllm[audio]~=0.11\nx @ https://h/x-1.0-py3-none-any.whl\n-e git+https://h/x.git@main#egg=x\n./local\ntransformers!=4.54,<5\n",
)
TOMLS = (
    b'[project]\nname = "x"\nrequires-python = ">=3.10"\ndependencies = ["vllm==0.11.0", "torch; sys_platform==\'linux\'"]\n'
    b'[project.optional-dependencies]\na = ["x"]\n[tool.poetry.dependencies]\npython = "^3.10"\nvllm = {version = "^0.11"}\n'
    b'[dependency-groups]\ndev = ["pytest", {include-group = "a"}]\n[tool.uv.sources]\nx = {path = ".."}\n',
)
LOCK = (
    b'version = 1\nrequires-python = ">=3.10"\n[[package]]\nname = "vllm"\nversion = "0.11.0"\nsource = { registry = "https://h" }\n'
    b'dependencies = [{ name = "torch", marker = "python_version>\'3.9\'" }]\n',
)
PYLOCK = (b'lock-version = "1.0"\n[[packages]]\nname = "vllm"\nversion = "0.11.0"\nmarker = "os_name==\'posix\'"\n',)
CONDA = (
    b"name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pytorch::pytorch=2.8.0=cuda*\n  - pip\n  - pip: ['vllm==0.11.0', -r a.txt]\n",
)
SCRIPTS = (
    b"""#!/bin/bash -e
set -euo pipefail; export A=${B:-c} HF_HOME=/x
declare -A m=([a]=1 [b]=2); arr=(x "y z" {1..3} $'\\n')
for i in "${arr[@]:1}" $(seq 1 3); do [[ $i =~ ^a.*$ || -f x ]] && continue; done
f() { local port=$((8000 + ${#arr[@]} ** 2)); case "$1" in a|b) shift;; *) echo "${1//a/b}" | tr a-z A-Z;; esac; }
while getopts "a:b" o; do :; done
cat <<EOF | sed s/a/b/ > x
$A `f a`
EOF
trap 'kill 0' EXIT; source ./env.sh || true
if ! command -v vllm >/dev/null 2>&1; then echo no; elif test -n "$A"; then :; fi
exec nohup env CUDA_VISIBLE_DEVICES=0,1 vllm serve "${MODEL:=Qwen/Qwen2-VL-2B-Instruct}" --port "$((port+1))" --tp ${TP^^} "$@" > log 2>&1 &
""",
)
LOGS = (
    b"""INFO 02-15 02:05:11 [loggers.py:118] Engine 000: throughput: 1.4 tokens/s
(EngineCore_0 pid=12) Traceback (most recent call last):
(EngineCore_0 pid=12)   File "/opt/v/lib/python3.12/site-packages/vllm/v1/engine/core.py", line 12, in run
(EngineCore_0 pid=12)     start()
(EngineCore_0 pid=12) torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB
ImportError: cannot import name 'ImagesKwargs' from 'transformers.processing_utils' (/x/transformers/processing_utils.py)
OSError: libcudart.so.12: cannot open shared object file: No such file or directory
ValueError: The checkpoint you are trying to load has model type `qwen3_vl` but Transformers does not recognize this architecture.
{"log":"RuntimeError: CUDA error: no kernel image is available for execution on the device\\n","stream":"stderr","time":"2025-01-01T00:00:00Z"}
ERROR: pip's dependency resolver does not currently take into account. vllm 0.11.0 requires torch==2.8.0, but you have torch 2.7.0
api_server.py: error: unrecognized arguments: --foo bar@baz.example 10.0.0.1 /home/someone/x
Fatal Python error: Segmentation fault
Current thread 0x00007f (most recent call first):
  File "a.py", line 3 in f
[ 12.345] Out of memory: Killed process 12 (python) total-vm:1kB, anon-rss:2kB
""",
)
METADATA = (
    b"Metadata-Version: 2.1\nName: vllm\nVersion: 0.11.0\nRequires-Python: >=3.9,<3.14\nRequires-Dist: torch (==2.8.0)\n"
    b"Requires-Dist: transformers>=4.55.2 ; extra == 'a' and python_version < '3.13'\nProvides-Extra: a\n\nlong text\n",
)
RECORD = (
    b'vllm/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"vllm/a,b.py",,\n../../bin/vllm,sha256=x,12\n'
    b"vllm-0.11.0.dist-info/RECORD,,\n",
)
FACTS = {
    "target": {"kind": "paths", "why": "--path", "python": "3.11", "paths": ["/s/site"], "platform": "linux-x86_64"},
    "distributions": {"installed": [
        {"name": "vllm", "key": "vllm", "version": "0.11.0", "location": "/s/site", "metadata_path": "/s/x.dist-info", "requires": ["torch==2.8.0"]},
        {"name": "transformers", "key": "transformers", "version": "4.40.0", "location": "/s/site", "metadata_path": "/s/y.dist-info"},
    ]},
    "modules": {"distributions": ["vllm"]},
    "natives": {"distributions": ["vllm"], "versions": {"GLIBC": "2.36", "GLIBCXX": "3.4.30"}, "machine": 62},
    "launch": {
        "argv": ["vllm", "serve", "m", "--port", "8000", "--tp", "2"], "engine": "vllm", "program": "vllm", "subcommand": ["serve", "m"], "workdir": "/s",
        "arguments": ["m", "--port", "8000", "--tp", "2"], "given": ["vllm", "serve", "m", "--port", "8000", "--tp", "2"], "why": "x", "lead": ["vllm", "serve"],
    },
    "gpu": {
        "source": "declared", "driver_version": "580", "driver_cuda": [13, 0],
        "devices": [{"index": 0, "name": "RTX 4090", "capability": [8, 9], "memory_total": 25757220864, "memory_free": 25757220864}],
    },
    "host": {
        "system": "linux", "machine": "x86_64", "os_id": "debian", "os_name": "Debian", "kernel": "6.1", "libc": {"kind": "glibc", "version": "2.36", "path": "/x"},
        "memory_total": 25276510208, "memory_available": 19152183296, "cgroup": {"version": 1, "memory_used": 12}, "cpu_flags": ["avx"], "shm_total": 1, "shm_free": 1,
        "open_files": [20000, 20000], "disks": [{"use": "tmp", "path": "/tmp", "mount": "/", "fstype": "ext4", "total": 9, "free": 2}], "environment": {"LANG": "C"},
    },
    "model": {
        "path": "/s/m", "architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "named": "m", "config": CONFIG,
        "weights": {"format": "safetensors", "files": [{"name": "a", "size": 80, "expected": 80}], "total": 80, "dtypes": {"BF16": 80}, "parts": {"language": 80}},
        "tokenizer": False, "chat_template": False, "processor": False,
    },
    "schema": 1,
}  # fmt: skip
META = {
    "kind": "qvl-doctor run", "schema": 1, "run": "20260101T000000Z-12", "command": ["vllm", "serve", "x"], "started": "2026-01-01T00:00:00Z", "started_unix": 1767225600.5,
    "monotonic": 1.5, "doctor_pid": 12, "boot": "x", "platform": "linux", "environment": {"HF_HOME": "/x"}, "oom_before": {"a": None}, "grace": 10.0, "max_log": 512,
}  # fmt: skip
SITE = (("site/vllm/__init__.py", b"import torch\n"), ("site/vllm-0.11.0.dist-info/METADATA", METADATA[0]))
MODEL = (("m/config.json", _json(CONFIG)),)
_CHECK = ("check", "--offline")
_MODEL = (
    (*_CHECK, "--path", "site", "--model", "m", *LAUNCH),
    ("check", "--offline", "--gpu", "RTX 4090x2", "--path", "site", "--", "vllm", "serve", "m"),
)


def _safetensors(table: object) -> bytes:
    head = _json(table)
    return struct.pack("<Q", len(head)) + head + b"\0" * 80


def _gguf() -> bytes:
    def text(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    values = text(b"general.alignment") + struct.pack("<II", 4, 32)
    values += text(b"general.architecture") + struct.pack("<I", 8) + text(b"qwen2vl")
    return b"GGUF" + struct.pack("<IQQ", 3, 1, 2) + values + b"\0" * 64


def _elf() -> tuple[bytes, ...]:
    folder = Path(sysconfig.get_path("stdlib")) / "lib-dynload"
    found = sorted(folder.glob("*.so"), key=lambda f: f.stat().st_size)[:3]
    return tuple(f.read_bytes()[: 96 << 10] for f in found)


def readers() -> tuple[Reader, ...]:
    """Every reader."""
    requirements = tuple(
        Reader(name, name, sound, ((*_CHECK, "--requirements", "{}"), (*_CHECK, "--requirements", "{}", *LAUNCH)))
        for name, sound in (
            ("requirements.txt", REQUIREMENTS), ("Dockerfile", (DOCKERFILE,)), ("pyproject.toml", TOMLS), ("uv.lock", LOCK),
            ("pylock.toml", PYLOCK), ("environment.yml", CONDA),
        )
    )  # fmt: skip
    site = tuple(
        Reader(name, f"site/{file}", sound, ((*_CHECK, "--path", "site", *LAUNCH), ("link", "vllm", "--path", "site")), SITE)
        for name, file, sound in (
            ("METADATA", "vllm-0.11.0.dist-info/METADATA", METADATA), ("RECORD", "vllm-0.11.0.dist-info/RECORD", RECORD),
            ("entry points", "vllm-0.11.0.dist-info/entry_points.txt", (b"[console_scripts]\nvllm = vllm.cli:main\n",)),
            ("direct_url", "vllm-0.11.0.dist-info/direct_url.json", (_json({"url": "file:///x", "dir_info": {"editable": True}}),)),
            (".pth", "x.pth", (b"/x\nimport __editable___x_finder; __editable___x_finder.install()\n../y\n",)),
            ("finder", "__editable___x_finder.py", (b"MAPPING: dict[str, str] = {'x': '/x'}\nNAMESPACES = {'n': ['/n']}\n",)),
            ("module", "vllm/__init__.py", (PYTHON,)), ("ELF", "vllm/_C.abi3.so", _elf()),
        )
    )  # fmt: skip
    model = tuple(
        Reader(name, f"m/{file}", sound, _MODEL, (*MODEL, *SITE))
        for name, file, sound in (
            ("config.json", "config.json", (_json(CONFIG),)), ("safetensors", "model.safetensors", (_safetensors(TENSORS),)),
            ("index", "model.safetensors.index.json", (_json(INDEX),)), ("gguf", "model.gguf", (_gguf(),)),
            ("model code", "modeling_x.py", (PYTHON,)), ("preprocessor", "preprocessor_config.json", (_json({"size": {"max_pixels": 1}}),)),
            ("tokenizer", "tokenizer_config.json", (_json({"chat_template": "{{ x }}", "auto_map": {"AutoTokenizer": ["a.B", None]}}),)),
            ("quantize_config", "quantize_config.json", (_json({"bits": 4, "group_size": 128}),)),
        )
    )  # fmt: skip
    return (
        *requirements, *site, *model,
        Reader("compose", "compose.yml", (COMPOSE,), ((*_CHECK, "--compose", "{}"), (*_CHECK, "--", "docker", "compose", "-f", "{}", "up"),
                                                      ("fix", "--plan", "--offline", "--compose", "{}")), (("Dockerfile", DOCKERFILE),)),
        Reader("gateway", "gateway.yml", GATEWAYS, ((*_CHECK, "--path", "site", "--gateway", "{}", *LAUNCH),), SITE),
        Reader("script", "start.sh", SCRIPTS, ((*_CHECK, "--path", "site", "--", "bash", "{}", "a"), (*_CHECK, "--path", "site", "--", "./start.sh")), SITE),
        Reader("facts", "facts.json", (_json(FACTS),), (("check", "--facts", "{}"), ("check", "--facts", "{}", *LAUNCH), ("fix", "--plan", "--offline", "--facts", "{}", *LAUNCH),
                                                        ("explain", "--facts", "{}", "good.log")), (("good.log", LOGS[0]),)),
        Reader("log", "server.log", LOGS, (("explain", "{}"), ("explain", "{}", "--format", "json"))),
        Reader("a run's log", "r/server.log", LOGS, (("report", "r"), ("runs", "export", "r", "--output", "out.tar.gz"), ("runs", "show", "r")), (("r/meta.json", _json(META)),)),
        Reader("meta.json", "r/meta.json", (_json(META),), (("report", "r"), ("runs", "list", "--log-dir", "."), ("runs", "export", "r", "--output", "out.tar.gz"), ("explain", "r")),
               (("r/server.log", LOGS[0]),)),
        Reader("pins", "pins.txt", REQUIREMENTS, (("fix", "--plan", "--offline", "--to", "{}", "--path", "site"),), SITE),
        Reader("settings of an engine", "c.yml", (b"model: x\nport: 8000\ntensor-parallel-size: 2\nlimit-mm-per-prompt: {image: 1}\n",),
               ((*_CHECK, "--path", "site", "--", "vllm", "serve", "x", "--config", "{}"),), SITE),
        Reader("env file", ".env", (b"A=b\nexport C='d e'\nHF_TOKEN=\"x\\n$A\"\n#x\n",), ((*_CHECK, "--compose", "compose.yml"),), (("compose.yml", COMPOSE), ("Dockerfile", DOCKERFILE))),
        Reader("pyvenv.cfg", "v/pyvenv.cfg", (b"home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n",), ((*_CHECK, "--python", "v"),),
               (("v/bin/python", b"\x7fELF"), ("v/lib/python3.11/site-packages/x.py", b""))),
        Reader("launcher", "v/bin/vllm", (b"#!/v/bin/python3\n# -*- coding: utf-8 -*-\nimport re\nimport sys\nfrom vllm.cli import main\n",
                                          b"#!/bin/sh\n'''exec' '/v/bin/python' \"$0\" \"$@\"\n' '''\n"), ((*_CHECK, "--", "v/bin/vllm", "serve", "x"),)),
        *(Reader(f"--root {file}", f"root/{file}", (sound,), ((*_CHECK, "--root", "root", "--path", "/site", *LAUNCH),), tuple((f"root/{n}", c) for n, c in SITE))
          for file, sound in (("etc/os-release", b'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu"\n'), ("proc/meminfo", b"MemTotal: 16 kB\nMemAvailable: 8 kB\n"),
                              ("proc/cpuinfo", b"flags\t: avx avx2 sse4_2\nmodel name: x\n"), ("proc/mounts", b"overlay / overlay rw,lowerdir=/a 0 0\ntmpfs /dev/shm tmpfs rw,size=65536k 0 0\n"),
                              ("proc/driver/nvidia/version", b"NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu\n"), ("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf\n/usr/lib\n"),
                              ("etc/ld.so.cache", b"glibc-ld.so.cache1.1" + struct.pack("<II", 1, 10) + b"\0" * 20 + struct.pack("<iIIIQ", 1, 48, 58, 0, 0) + b"libx.so.1\0/lib/libx\0"),
                              ("proc/self/cgroup", b"0::/docker/abc\n"), ("proc/self/mountinfo", b"1 2 0:1 / / rw - overlay overlay rw\n"))),
    )  # fmt: skip


WORDS = tuple(
    line.split("|") for line in (
        "vllm|serve|Qwen/Qwen2-VL-2B-Instruct|--port|8000|--tensor-parallel-size=2|-O3",
        "lmdeploy|serve|api_server|m|--backend|turbomind|--tp|2|--session-len|8192",
        "python|-m|sglang.launch_server|--model-path|m|--mem-fraction-static|0.8",
        "env|-i|A=b|nohup|timeout|-k|5|10m|uv|run|--with|x|vllm|serve|m",
        "docker|run|--gpus|all|-e|A=b|-v|/a:/b|--rm|vllm/vllm-openai:v0.11.0|--model|m",
        "bash|-c|export A=b; vllm serve $A --port $((1+2)) 2>&1 | tee log",
        "srun|--gres=gpu:2|apptainer|exec|--nv|docker://vllm/vllm-openai:v0.11.0|vllm|serve|m",
        "torchrun|--nproc-per-node|2|-m|vllm.entrypoints.openai.api_server|--model|m|--limit-mm-per-prompt|{\"image\": 2}",
        "ssh|h|cd /x && . v/bin/activate && vllm serve m --compilation-config '{\"level\": 3}'",
        "sudo|-u|x|-E|sh|-c|exec \"$@\"|_|vllm|serve|m",
        "docker|compose|-p|x|up|-d",
        "kubectl|exec|-it|pod|--|vllm|serve|m",
    )
)  # fmt: skip

REPORTS = (
    b"PyTorch version: 2.6.0+cu124\nPython version: 3.11.9 (main) [GCC]\nGPU models and configuration:\nGPU 0: NVIDIA A100 80GB PCIe\n"
    b"Nvidia driver version: 550.54.15\n[pip3] numpy==1.26.4\n[conda] transformers  4.51.3  pypi_0  pypi\nvLLM Version: 0.8.5\n",
    b"sys.platform: linux\nPython: 3.10.15 (main)\nGPU 0,1,2,3: Tesla V100-SXM2-16GB\nPyTorch: 2.5.1+cu124\nLMDeploy: 0.7.0+\n"
    b"transformers: 4.48.2\n$ lmdeploy serve api_server /m \\\n  --tp 4\n",
    b"Package    Version\n---------- -------\nvllm       0.11.0\ntorch      2.8.0\n\n| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15 |\n"
    b"|   0  NVIDIA GeForce RTX 3090        Off |   00000000:01:00.0 Off |\nCUDA_VISIBLE_DEVICES=0 vllm serve 'a b' --x '{}'\n",
)
