"""Secrets in the shapes in which programs print them, and words of programs that only look like one."""

from __future__ import annotations

import base64
import random
import string
import time

import pytest

from doctor.base.secrets.hide import redact_argv
from doctor.base.secrets.redactor import Redactor

pytestmark = pytest.mark.alone

RANDOM = random.Random(77)


def some(length: int = 30, letters: str = string.ascii_letters + string.digits) -> str:
    return "1a" + "".join(RANDOM.choice(letters) for _ in range(length - 2))


X, HEX = some(), some(40, "0123456789abcdef")
SHAPES = [
    f"GITEA_PAT={X}", f"export MAPBOX_KEY='{X}'", f"TEAMS_WEBHOOK: {X}", f"MYSQL_PWD={X} mysqldump", f"REDISCLI_AUTH={X}",
    f'{{"secretAccessKey": "{X}"}}', f'{{"clientSecret":"{X}"}}', f"{{'refreshToken': '{X}'}}", f"db.password={X}", f"spring.datasource.password: {X}",
    f"amqp://guest:{X[:9]}/{X}@mq:5672/v", f"mongodb+srv://u:{X[:8]}@{X}@c.example.net/db", f"git+https://oauth2:{X}@git.example.org/a.git",
    f"secrets:\n  api_token: |\n    {X}\n  other: 5", f"password: |-\n  {X}\n  {X[::-1]}\n", f"  clientSecret:\n    {X}\n  name: x",
    f"mysqldump -uroot -p{X} db > x", f"curl --user admin:{X} http://h", f"curl -sS -u 'ops:{X}' http://h", f"sshpass -p {X} ssh h", f"redis-cli -h c -a {X} ping",
    f"podman login -u me -p {X} quay.example.org", f"['curl', '-u', 'ops:{X}', 'http://h']",
    f"https://hooks.example.org/hooks/{X}", f"https://discord.com/api/webhooks/123456789/{X}", f"https://outlook.office.com/webhook/{X}",
    f"next=https%3A%2F%2Fbob%3A{X}%40pypi.example.org%2Fsimple", f"your access token was saved to the netrc file: {HEX}",
    f"HF_TOKEN=hf_{X[:20]}\n{X[20:]}{X}", f"OPENAI_API_KEY=sk-{X[:24]}\n  {X}", f"api_key={X}\r\n", f"X-Api-Key: {X}", f"x-goog-api-key: {X}",
    f"service_key = \"{X}\"", f"wandb_key: {X}", f"grafana-admin-password={X}", f"AccountKey={X}==;", f"SharedAccessSignature=sv=1&sig={X}", f"sas_token='{X}'",
    "".join(f"{c}\0" for c in f"API_KEY={X}\n"), f"passphrase for key: {X}", f"Cookie: sid={X}", f"--registry-token {X}", f"client-key-data: {X}",
]  # fmt: skip


@pytest.mark.parametrize("line", SHAPES, ids=lambda s: s.replace(X, "X").replace("\0", "")[:40])
def test_a_secret_is_hidden_in_this_shape(line: str) -> None:
    out = Redactor().text(f"before\n{line}\nafter")
    for secret in (X, HEX, X[::-1], X[:20], X[20:] + "1"):
        assert not [1 for at in range(len(secret) - 9) if secret[at : at + 10] in out], out
    assert out.startswith("before\n") and out.rstrip().endswith("after")


HARMLESS = [
    "missing key: visual.blocks.0.attn.qkv.weight", "unexpected key: model.layers.12.mlp.experts.3.up_proj.weight_scale", "pwd=/workspace", "PWD=/root/run",
    "--long-prefill-token-threshold 2048", "--max-num-partial-prefills 4", "cache_key=5", "sort_key: created_at", "primary_key=True", "num_image_tokens: 256",
    "token_type_ids=[0, 1]", "image_token_index=151655", "http://host:8000/v1/models@main", "registry:5000/vllm@sha256:9f86d081884c7d659a2feaa0c55ad015",
    "tokenizer:\n  Qwen2TokenizerFast\n", "keys:\n  - input_ids\n", "secret-santa", "author: bob", "compass=north", "bypass=True", "mysql --port 3306 -h db",
    "docker run -p 8000:8000 vllm/vllm-openai", "curl -u admin http://h", "commit 735d28bafcb1234567890abcdef1234567890abcd",
    "Token usage: 0.25, #running-req: 3", "key 'model.vision_tower.vision_model.encoder.layers.0' not found", "cuda_graph_key=BatchDescriptor16",
    "access_token_expired: False", "tokens per second: 1234.5", "stop_token_ids: [151645]", "prompt_tokens=17, completion_tokens=5",
]  # fmt: skip


@pytest.mark.parametrize("line", HARMLESS, ids=lambda s: s[:40])
def test_a_word_of_a_program_stays(line: str) -> None:
    assert Redactor().text(line) == line


def test_a_command_keeps_what_is_no_secret() -> None:
    words = (
        "env",
        f"MY_PAT={X}",
        "vllm",
        "serve",
        "m",
        "--long-prefill-token-threshold",
        "2048",
        "--api-key",
        X,
        "--pwd-file",
        "/x",
    )
    assert redact_argv(words) == ("env", "MY_PAT=***", *words[2:8], "***", *words[9:])


def test_base64_of_a_known_value_is_hidden() -> None:
    from doctor.base.secrets.known import known_values

    redactor = Redactor(known_values({"KUBECONFIG_DATA": X, "SSHPASS": HEX}, ()))
    for secret in (X, HEX):
        assert base64.b64encode(secret.encode()).decode() not in redactor.text(
            f"x {base64.b64encode(secret.encode()).decode()} y"
        )


@pytest.mark.parametrize(
    "unit",
    [
        "a@a.a",
        "a@a.",
        "a.",
        "://a:",
        "%3A%2F%2Fa%3A",
        "mysql ",
        "key: ",
        "://a:b@",
        "password:\n ",
        "-p ",
        "a=",
        "https://h/hooks/",
        "/a/",
        "fe:",
        "\"'",
        "token\n",
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_no_text_makes_it_slow(unit: str, private: bool) -> None:
    text = (unit * (1 << 18))[: 1 << 18]
    began = time.monotonic()
    Redactor(private=private).text(text)
    assert time.monotonic() - began < 8
