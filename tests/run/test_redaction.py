"""No secret in a report or a bundle, and the same word for the same secret."""

from __future__ import annotations

import base64
import json
import random
import string
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, environment
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.base.secrets.hide import redact_text
from doctor.base.secrets.known import known_values
from doctor.base.secrets.redactor import Redactor

_LETTERS = string.ascii_letters + string.digits
RANDOM = random.Random(20240601)


def _some(length: int, letters: str = _LETTERS) -> str:
    return "".join(RANDOM.choice(letters) for _ in range(length))


def _kinds() -> dict[str, tuple[str, str]]:
    """A fresh secret of each kind and the line that a server would print it in."""
    upper, hexa = string.ascii_uppercase + string.digits, "0123456789abcdef"
    hf, key, jwt = f"hf_{_some(34)}", _some(32, upper), f"eyJ{_some(20)}.{_some(40)}.{_some(43)}"
    aws, secret, password, google = f"AKIA{_some(16, upper)}", _some(40), _some(12), f"AIza{_some(35)}"
    basic, block = base64.b64encode(f"bot:{_some(14)}".encode()).decode(), _some(64)
    github, slack, nvidia, wandb, azure = (
        f"ghp_{_some(36)}",
        f"xoxb-{_some(12)}-{_some(24)}",
        f"nvapi-{_some(64)}",
        _some(40, hexa),
        _some(86),
    )
    return {
        "hub token": (hf, f"Namespace(model='m', hf_token='{hf}', tp=2)"),
        "server key": (key, f"non-default args: {{'model_tag': 'm', 'api_key': ['{key}'], 'port': 8000}}"),
        "jwt": (jwt, f"GET /v1/models token={jwt} 200"),
        "aws id": (aws, f"credentials {aws} were refused"),
        "aws secret": (secret, f"AWS_SECRET_ACCESS_KEY={secret}"),
        "password in a url": (password, f"Looking in indexes: https://bot:{password}@pypi.example.org/simple"),
        "google": (google, f"using {google}"),
        "basic header": (basic, f"Authorization: Basic {basic}"),
        "private key": (block, f"-----BEGIN RSA PRIVATE KEY-----\n{block}\n-----END RSA PRIVATE KEY-----"),
        "github": (github, f"fatal: could not clone with {github}"),
        "slack": (slack, f"notify: {slack}"),
        "nvidia": (nvidia, f"NGC_API_KEY: {nvidia}"),
        "wandb": (wandb, f"wandb: login key {wandb}"),
        "connection string": (
            azure,
            f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={azure}==;EndpointSuffix=y",
        ),
        "bearer in json": (secret[::-1], json.dumps({"headers": {"authorization": f"Bearer {secret[::-1]}"}})),
        "query": (password[::-1], f"POST /upload?sig={password[::-1]}&x=1"),
        "option": (key[::-1], f"vllm serve m --api-key {key[::-1]} --port 80"),
    }


def _pieces(secret: str) -> list[str]:
    return [secret[i : i + 12] for i in range(max(1, len(secret) - 11))]


@pytest.mark.parametrize("kind", list(_kinds()))
def test_each_kind_by_its_form_alone(kind: str) -> None:
    for _ in range(20):
        secret, line = _kinds()[kind]
        out = Redactor().text(f"before\n{line}\nafter")
        assert not [p for p in _pieces(secret) if p in out], out
        assert out.startswith("before\n") and out.endswith("\nafter")


def test_a_hundred_secrets_are_in_neither_report_nor_bundle(doctor: Doctor, tmp_path: Path) -> None:
    planted = [pair for _ in range(6) for pair in _kinds().values()]
    assert len(planted) >= 100
    unmarked = [_some(24) for _ in range(8)]  # known from the environment and the command alone
    script = tmp_path / "server.py"
    lines = [line for _, line in planted] + [f"unauthorized: {s}" for s in unmarked]
    script.write_text(f"import sys\nfor line in {lines!r}: print(line)\nsys.exit(1)\n")
    env = environment(**{f"SERVICE_{i}_API_KEY": s for i, s in enumerate(unmarked[:4])})
    done = doctor.run([PYTHON, str(script), "--api-keys", *unmarked[4:]], env=env)
    assert done.returncode == 1
    archive = tmp_path / "bundle.tar.gz"
    other_shell = environment()  # the variables are gone; only the fingerprints know the values
    command = [PYTHON, "-m", "doctor", "runs", "export", str(doctor.folder), "--output", str(archive)]
    assert subprocess.run(command, env=other_shell, timeout=60).returncode == 0
    with tarfile.open(archive) as opened:
        inside = "\n".join(opened.extractfile(m).read().decode() for m in opened if opened.extractfile(m))  # type: ignore[union-attr]
        names = [m.name.split("/")[1] for m in opened]
    assert {"report.json", "report.txt", "meta.json", "events.jsonl", "output.txt"} <= set(names)
    for secret in [s for s, _ in planted] + unmarked:
        for text, where in ((doctor.beside, "the run folder"), (inside, "the bundle")):
            assert not [p for p in _pieces(secret) if p in text], (secret, where)
    assert "unauthorized: <secret-" in inside
    assert "digest" not in inside, "the fingerprints stay at home"


def test_the_same_secret_is_the_same_word_in_every_file(doctor: Doctor, tmp_path: Path) -> None:
    secret = _some(30)
    code = "import os; print('got ' + os.environ['MY_TOKEN']); print('again', os.environ['MY_TOKEN'])"
    doctor.run([PYTHON, "-c", code, f"--token={secret}"], env=environment(MY_TOKEN=secret))
    archive = tmp_path / "b.tar.gz"
    command = [PYTHON, "-m", "doctor", "runs", "export", str(doctor.folder), "--output", str(archive)]
    assert subprocess.run(command, env=environment(), timeout=60).returncode == 0
    import re

    with tarfile.open(archive) as opened:
        texts = {m.name: opened.extractfile(m).read().decode() for m in opened}  # type: ignore[union-attr]
    words = {w for text in texts.values() for w in re.findall(r"<secret-\w+>", text)}
    assert len(words) == 1
    assert sum(words.copy().pop() in text for text in texts.values()) >= 3


def test_a_secret_parameter_of_an_address_is_hidden_where_it_is_shown() -> None:
    assert redact_text("get https://h/x?token=abcdefgh12345678&a=b") == "get https://h/x?token=***&a=b"
    assert redact_text("http://h/p?max_tokens=5&eos_token=x") == "http://h/p?max_tokens=5&eos_token=x"


def test_names_and_addresses_leave_the_bundle_and_versions_stay() -> None:
    redactor = Redactor(private=True)
    out = redactor.text(
        "/home/alice/model C:\\Users\\bob\\x alice@example.org 192.168.7.9:8000 fe80::1ff:fe23:4567:890a\n"
        "torch==2.6.0+cu124 nvidia-cublas-cu12==12.4.5.8 nvidia-curand-cu12   10.3.5.147 127.0.0.1:8000 0.0.0.0\n"
        "Started at 12:30:45 /home/alice/again"
    )
    for gone in ("alice", "bob", "192.168.7.9", "fe80", "example.org"):
        assert gone not in out
    for kept in ("2.6.0+cu124", "12.4.5.8", "10.3.5.147", "127.0.0.1:8000", "0.0.0.0", "12:30:45"):
        assert kept in out
    assert out.count(redactor.word("user", "alice")) == 2


@pytest.mark.parametrize(
    "line",
    [
        "max_tokens=4096, tokenizer='Qwen/Qwen2-VL', token_ids=[1, 2, 3], num_key_value_heads=8",
        "Loading tokenizer from /models/x; key_proj.weight; api_server started; token throughput: 12.5 tokens/s",
        "KeyError: 'model.layers.0.self_attn.k_proj.weight'",
        "ImportError: cannot import name 'ImagesKwargs' from 'transformers.processing_utils' (/x/y.py)",
        "revision 3b5c1a9f0e7d6c5b4a39281706f5e4d3c2b1a098 sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
        "eos_token='<|im_end|>', pad_token=None, hf_token=None, api_key=None",
    ],
)
def test_ordinary_lines_stay_readable(line: str) -> None:
    assert Redactor().text(line) == line


def test_a_secret_torn_by_colours_and_line_ends() -> None:
    secret = _some(31)
    redactor = Redactor([secret])
    for torn in (
        f"{secret[:9]}\x1b[0m{secret[9:]}",
        f"{secret[:20]}\n{secret[20:]}",
        f"{secret[:20]}\r\n   {secret[20:]}",
    ):
        out = redactor.text(f"key {torn}.")
        assert secret[:12] not in out and secret[-12:] not in out


def test_known_values_come_from_everywhere() -> None:
    env = {"HF_TOKEN": "hf_from_environment", "PIP_INDEX_URL": "https://u:pa%40ssw0rd@h/x", "MAX_TOKENS": "4096000000"}
    argv = ["vllm", "--api-key=from-equals", "--hf-token", "from-next", "--api-keys", "first-of-two", "second-of-two"]
    found = known_values(env, [*argv, "--tp", "2", "sh -c 'export MY_SECRET=in-a-script; run'"])
    for value in ("hf_from_environment", "pa%40ssw0rd", "pa@ssw0rd", "from-equals", "from-next", "in-a-script"):
        assert value in found
    assert {"first-of-two", "second-of-two"} <= set(found)
    assert "4096000000" not in found


ADVERSARIAL = [
    *(
        "CUDA ",
        "cannot import name '",
        " ",
        "(",
        "a ",
        "x",
        "\0",
        "key: ",
        "token=",
        "eyJ",
        "a://",
        "--a ",
        "sk-",
        "1.2.3.4 ",
    ),
    *("-----BEGIN PRIVATE KEY-----", "Bearer ", "\x1b[", "[[", "a.b-", '"', "?sig=", "\n", "a@"),
]


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_no_text_makes_it_slow(piece: str) -> None:
    redactor = Redactor([_some(32)], Redactor([_some(40)]).fingerprints(), private=True)
    text = piece * (1_000_000 // len(piece))
    began = time.thread_time()
    redactor.text(text)
    assert time.thread_time() - began < 8


@given(st.text(max_size=400))
def test_any_text_comes_out_without_controls(text: str) -> None:
    out = Redactor(private=True).text(text)
    assert not [c for c in out if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0]


@settings(deadline=None)
@given(st.text(alphabet=_LETTERS + "+/=-_", min_size=16, max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_fingerprints_find_what_values_find(secret: str, before: str, after: str) -> None:
    prints = Redactor([secret]).fingerprints()
    text = f"{before} {secret} {after}"
    if Redactor([secret])._values:
        assert secret not in Redactor([], prints).text(text).replace(after, "").replace(before, "") or secret in (
            before,
            after,
        )
