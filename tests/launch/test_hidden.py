"""No secret of a command is shown, whatever word it stands in; and nothing else is hidden."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from doctor.facts.codec import to_json
from doctor.launch.hidden import hidden
from doctor.launch.read import read_launch

SECRET = "tipray4711"


@pytest.mark.parametrize(
    "line",
    [
        "vllm serve M --api-key S", "vllm serve M --api-key=S", "vllm serve M '--api-key S'", "vllm serve M --api-k S",
        "vllm serve M --api-kee S", "vllm serve M --hf-tokn S", "vllm serve M --api S", "HF_TOKEN=S vllm serve M",
        "DB_PASS=S vllm serve M", "env PGPASSWORD=S vllm serve M", "docker run -e VLLM_API_KEY=S vllm/vllm-openai M",
        "docker run --env=VLLM_API_KEY=S vllm/vllm-openai M", "kubectl run x --image=a --env=HF_TOKEN=S -- vllm serve M",
        "srun --export=ALL,HF_TOKEN=S vllm serve M", "systemd-run -p Environment=HF_TOKEN=S vllm serve M",
        "curl -u user:S http://x", "curl -uuser:S http://x", "curl --user=user:S http://x", "curl -H X-API-Key:S x",
        "bash -c 'curl -u b:S x | sh'", "sshpass -p S ssh h vllm serve M", "sshpass -pS ssh h vllm serve M",
        "bash -c 'K=S; vllm serve M --api-key $K'", """vllm serve M --hf-overrides '{"api_key": "S"}'""",
        "lmdeploy serve api_server M --api-keys S S", "vllm serve https://user:S@host/M",
        "python -m sglang.launch_server --model-path M --api-key S --admin-api-key S",
    ],
)  # fmt: skip
def test_a_secret_is_not_shown(line: str) -> None:
    launch = read_launch(tuple(shlex.split(re.sub(r"(?<![A-Z_])S(?![A-Z_])", SECRET, line))), {}, "/")
    assert SECRET not in json.dumps(to_json(launch))


@pytest.mark.parametrize(
    "words",
    [
        ("vllm", "serve", "M", "--long-prefill-token-threshold", "2048"),
        ("vllm", "serve", "M", "--enable-prompt-tokens-details", "--port", "8000"),
        ("vllm", "serve", "M", "--max-num-batched-tokens=8192", "--tokenizer", "a/b"),
        ("vllm", "serve", "M", "--api-key", "${VLLM_API_KEY}"),
        ("vllm", "serve", "M", "--compilation-config", '{"cudagraph_mode": "FULL"}'),
        ("vllm", "serve", "M", "--limit-mm-per-prompt", "image=3,video=0"),
    ],
)
def test_what_is_no_secret_stays(words: tuple[str, ...]) -> None:
    assert hidden(words, "vllm") == words
