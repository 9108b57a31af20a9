"""The reader's verdict on vLLM's command lines equals that of vLLM's own parser, which runs with real packages.

vLLM's Python files are read out of its wheel by ranges; its compiled parts are not needed to parse a command line.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.launch.parser import read_by
from doctor.launch.table import table
from doctor.matrix.extract.projects.registry import project
from doctor.matrix.update.offers import chosen, indexed
from doctor.remote.errors import IndexUnavailable, WheelError
from tests.launch.test_like_the_real_parser import by_chance
from tests.link.real_packages import CACHE, interpreter, laid_out
from tests.story.environments import BASE, PYTHON

pytestmark = [pytest.mark.registry, pytest.mark.timeout(900)]
CHILD = Path(__file__).with_name("vllm_child.py")
VERSION = "0.11.0"
CLIENT = ["httpx2==2.16.2", "httpcore2==2.16.2", "jiter==0.19.0", "truststore"]
# what stands behind the program; the parser itself moves nothing
WRITTEN = r"""
m
m -tp 2
m -tp two
m --tp 2
m --tensor_parallel_size 2
m --tensor-parallel 2
m --max-model-len 8k
m --max-model-len 8.5K
m --max-model-len 8.5k
m --max-model-len auto
m --max-model-len
m --max-num-seqs 1k
m --max-num-batched-tokens 4k
m --limit-mm-per-prompt image:3,video:0
m --limit-mm-per-prompt image=3
m --limit-mm-per-prompt '{"image":3,"video":0}'
m --limit-mm-per-prompt {image:3}
m --limit-mm-per-prompt.image 3
m --limit_mm_per_prompt.image=3
m --mm-encoder-tp-mode replicate
m --mm-encoder-tp-mode data
m --mm-processor-kwargs '{"min_pixels": 784}'
m --mm-processor-kwargs min_pixels=784
m -O3
m -O 3
m -O.level=3
m -O
m --no-enable-prefix-caching
m --enable-prefix-caching
m --enable-prefix-caching true
m --enforce-eager=1
m --trust-remote-code
m --no-trust-remote-code
m --dtype bf16
m --dtype bfloat16
m --kv-cache-dtype fp8
m --kv-cache-dtype int8
m --block-size 16
m --block-size 17
m --hf-token
m --hf-token x
m --served-model-name a b c
m --seed None
m --speculative-config '{"method":"ngram"}'
m --speculative-config None
m --compilation-config '{"level":3}'
m --compilation-config 3
m --structured-outputs-config.backend xgrammar
m --guided-decoding-backend xgrammar
m --pt-load-map-location cpu
m --pt-load-map-location '{"cuda:0":"cpu"}'
m --pt-load-map-location '{cuda}'
m --load-format auto
m --override-generation-config '{"a":1}'
m --lora-modules a=b c=d
m --lora-modules a
m --api-key k1 k2
m --disable-log-requests
m --no-disable-log-requests
m --allowed-origins '["*"]'
m --allowed-origins '*'
m --gpu-memory-utilization 0.9
m --gpu-memory-utilization 90%
m --gpu-memory-utilisation 0.9
m --swap-space 4
m --logits-processors a.b c.d
m --session-len 8192
m --port 80 n
--port 80 m
m --middleware a --middleware b
m --eplb-config '{"window_size":10}'
m --rope-scaling '{"rope_type":"yarn"}'
m --collect-detailed-traces model,worker
m --root-path -0.5
m --task generate
m --language-model-only
"""
LATER = ("together", "range")  # the release refuses these after its parser
LINES = [tuple(shlex.split(line)) for line in WRITTEN.strip().splitlines()]
# its choices are made when it runs (parsers that registered themselves), or stand in a file that is not read; a method
# of quantisation is refused a little later; a settings class looks into the object
BEYOND = ("--reasoning-parser", "--chat-template-content-format", "--quantization", "--config", "pydantic",
          "Config file", "invalid choice: None", "LoRAModulePath")  # fmt: skip


def files() -> Path:
    """vLLM's Python files as its wheel has them. Its version says `cpu`, so that it asks for no GPU."""
    folder = CACHE / f"vllm-python-{VERSION}"
    if not (folder / ".complete").exists():
        wanted = project("vllm")
        assert wanted is not None
        try:
            source = chosen(indexed(wanted), [VERSION])[0].open()
            members = [m for m in source.names() if m.endswith((".py", ".dist-info/METADATA"))]
            source.prefetch(members)
            for member in members:
                path = folder / member
                path.parent.mkdir(parents=True, exist_ok=True)
                data = source.read(member, 16 << 20)
                path.write_bytes(data.replace(f"Version: {VERSION}\n".encode(), f"Version: {VERSION}+cpu\n".encode(), 1)
                                 if member.endswith("METADATA") else data)  # fmt: skip
        except (IndexUnavailable, WheelError) as error:
            pytest.skip(f"vllm {VERSION} cannot be read: {error}")
        (folder / ".complete").touch()
    return folder


def test_vllm(tmp_path: Path) -> None:
    known = table("vllm", VERSION)
    assert known is not None
    lines = [*LINES, *by_chance(known, 1000, 20260601)]
    (tmp_path / "lines.json").write_text(json.dumps(lines), encoding="utf-8")
    python = sys.executable if "{}.{}".format(*sys.version_info[:2]) == PYTHON else interpreter(PYTHON)
    folders = [files(), laid_out("vllm-client", CLIENT, PYTHON), laid_out("story-base", BASE.split(), PYTHON)]
    words = [python, "-S", str(CHILD), "lines.json", *map(str, folders)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    real = json.loads(done.stdout.splitlines()[-1])
    refused = sum(r is not None for r in real[: len(LINES)])
    assert 20 < refused < len(LINES) - 20, "both kinds are there"
    wrong = []
    for line, said in zip(lines, real, strict=True):
        problems = read_by(known, line).problems
        problems = tuple(p for p in problems if p.kind not in LATER)
        if bool(problems) != bool(said) and not any(p.name in BEYOND for p in problems):
            wrong.append((line, said, problems))
    written = [w for w in wrong if w[0] in LINES]
    assert written == [], "of the lines that people write, every verdict"
    left = [w for w in wrong if not any(b in str(w[1]) for b in BEYOND)]
    assert not left, "\n".join(map(str, left))
