"""A launch command is found through what stands around it; nothing of it is run."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest

from doctor.collect.python.target import TargetRequest
from doctor.facts import Launch
from doctor.launch.asked import starts_server
from doctor.launch.read import read_launch as read
from doctor.launch.shell_text import Setting, ways
from doctor.pipeline import Request
from doctor.pipeline.launch import read_launch

HOME = {"PATH": "/usr/bin:/bin", "HOME": "/home/me"}


def launch(line: str, cwd: Path | None = None, environ: dict[str, str] | None = None) -> Launch:
    words = tuple(shlex.split(line))
    found = read_launch(Request(TargetRequest(cwd=str(cwd or "/")), words, environ={**HOME, **(environ or {})}))
    assert isinstance(found, Launch)
    return found


@pytest.mark.parametrize(
    ("line", "engine", "arguments"),
    [
        ("lmdeploy serve api_server Q --tp 2", "lmdeploy", "Q --tp 2"),
        ("/opt/venv/bin/lmdeploy serve api_server Q", "lmdeploy", "Q"),
        ("env -u X A=b nohup lmdeploy serve api_server Q", "lmdeploy", "Q"),
        ("CUDA_VISIBLE_DEVICES=0 stdbuf -oL vllm serve Q", "vllm", "Q"),
        ("uv run --with x --python 3.11 vllm serve Q -tp 2", "vllm", "Q -tp 2"),
        ("conda run -n serving --no-capture-output vllm serve Q", "vllm", "Q"),
        ("python3 -u -m vllm.entrypoints.openai.api_server --model Q", "vllm", "--model Q"),
        ("python -m lmdeploy serve api_server Q", "lmdeploy", "Q"),
        ("python -m sglang.launch_server --model-path Q", "sglang", "--model-path Q"),
        ("sglang serve --model-path Q", "sglang", "--model-path Q"),
        ("transformers serve --port 80", "transformers", "--port 80"),
        ('bash -lc "cd /srv && exec vllm serve Q --seed 1"', "vllm", "Q --seed 1"),
        ('tmux new-session -d -s s "vllm serve Q"', "vllm", "Q"),
        ('screen -dmS s bash -c "lmdeploy serve api_server Q"', "lmdeploy", "Q"),
        ("sudo -E docker run --rm -it --gpus all vllm/vllm-openai:v0.11.0 --model Q", "vllm", "--model Q"),
        ("docker run -itd -p8000:8000 -eA=b openmmlab/lmdeploy:v0.11.1 lmdeploy serve api_server Q", "lmdeploy", "Q"),
        ("docker --context x container run --entrypoint=vllm vllm/vllm-openai:v0.11.0 serve Q", "vllm", "Q"),
        ('docker run lmsysorg/sglang:v0.5.3 bash -c "python3 -m sglang.launch_server --model-path Q"', "sglang", "--model-path Q"),
        ("podman run --device nvidia.com/gpu=all vllm/vllm-openai:v0.11.0 --model Q", "vllm", "--model Q"),
        ("apptainer run --nv docker://vllm/vllm-openai:v0.11.0 --model Q", "vllm", "--model Q"),
        ("kubectl run x --image=vllm/vllm-openai:v0.11.0 -- --model Q", "vllm", "--model Q"),
        ("nvidia-docker run vllm/vllm-openai:v0.11.0 --model Q", "vllm", "--model Q"),
    ],
)  # fmt: skip
def test_forms(line: str, engine: str, arguments: str) -> None:
    found = launch(line)
    assert (found.engine, " ".join(found.arguments)) == (engine, arguments)
    assert found.given == tuple(shlex.split(line))


def test_what_docker_asks_of_the_container() -> None:
    found = launch(
        "docker run --gpus '\"device=0,1\"' --runtime=nvidia --ipc host --shm-size 16g -m 64gb -p 8000:8000 -v /a:/b "
        "--mount type=bind,source=/c,target=/d --restart always -e HF_TOKEN=hf_aaaaaaaaaaaaaaaaaaaa -e VLLM_USE_V1=0 "
        "vllm/vllm-openai:v0.11.0 --model Q", environ={"VLLM_LOGGING_LEVEL": "DEBUG"},
    )  # fmt: skip
    c = found.container
    assert c is not None and (c.image, c.gpus, c.runtime) == ("vllm/vllm-openai:v0.11.0", "device=0,1", "nvidia")
    assert (c.shm_size, c.memory, c.ipc, c.restart) == (16 << 30, 64 << 30, "host", "always")
    assert c.ports == ("8000:8000",) and c.volumes == ("/a:/b", "/c:/d")
    assert found.environ == {"HF_TOKEN": "***", "VLLM_USE_V1": "0"}, "nothing of this machine gets in"
    assert "hf_aaaa" not in " ".join(found.given)


SCRIPT = r"""#!/usr/bin/env bash
set -euo pipefail
# the model
MODEL=${MODEL:-Qwen/Qwen2-VL-7B-Instruct}; NAME='my model'
export VLLM_LOGGING_LEVEL=DEBUG CUDA_VISIBLE_DEVICES="0,1"
EXTRA="--enforce-eager --seed 3"
ARGS=(--tensor-parallel-size 2 # a comment
  --max-model-len "${LEN:-8192}")
ARGS+=(--port $((8000 + 1)))
cd "$(dirname "$0")"
source venv/bin/activate
pip install -q vllm
echo "starting vllm serve $MODEL"
exec nohup vllm serve "$MODEL" \
    --served-model-name "$NAME" "${ARGS[@]}" $EXTRA $UNKNOWN "$@" > log.txt 2>&1
"""


@pytest.mark.parametrize("how", ["bash start.sh", "./start.sh", "sh -x start.sh"])
def test_a_script(tmp_path: Path, how: str) -> None:
    script = tmp_path / "start.sh"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    found = launch(f"{how} --api-key x", tmp_path)
    assert found.source and found.source.endswith("start.sh:14")
    assert found.arguments == (
        "Qwen/Qwen2-VL-7B-Instruct", "--served-model-name", "my model", "--tensor-parallel-size", "2",
        "--max-model-len", "8192", "--port", "8001", "--enforce-eager", "--seed", "3", "--api-key", "***",
    )  # fmt: skip
    assert found.environ == {"CUDA_VISIBLE_DEVICES": "0,1", "VLLM_LOGGING_LEVEL": "DEBUG"}
    assert found.workdir == str(tmp_path)
    assert any("$UNKNOWN" in text for text in found.unread)


def test_the_environment_that_a_script_activates_is_the_target(tmp_path: Path) -> None:
    import venv

    from doctor.collect.python.target import find_target

    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    (tmp_path / "start.sh").write_text("source venv/bin/activate\npython -m vllm.entrypoints.openai.api_server\n")
    asked = TargetRequest(launcher=("bash", "start.sh"), cwd=str(tmp_path), environ=HOME)
    assert find_target(asked).prefix == str(tmp_path / "venv")


@pytest.mark.parametrize(
    "text",
    [
        "vllm serve " + "$(" * 5000, "vllm serve " + "${A:-" * 3000, "'" * 9999, "A=(" * 4000, "vllm serve \\", "vllm serve `x",
        "x=1 " * 20000, "((((" * 10000, "${A[@]" * 5000, "vllm serve <<<" * 4000, "\x00\x1b[31m", "$" * 60000, '"$' * 30000,
    ],
    ids=range(13),
)  # fmt: skip
def test_hostile_scripts_end_soon(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.sh").write_text(text, encoding="utf-8")
    began = time.monotonic()
    launch("bash s.sh", tmp_path)
    assert time.monotonic() - began < 2


def test_a_script_too_large_and_one_that_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "big.sh").write_text("#" * (1 << 20), encoding="utf-8")
    (tmp_path / "idle.sh").write_text("set -e\n", encoding="utf-8")
    assert "larger than" in launch("bash big.sh", tmp_path).unread[0]
    assert "starts no known command" in launch("bash idle.sh", tmp_path).unread[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 'b c' \"d $X\" e\\ f", ["a", "b c", "d 1", "e f"]),
        ("a $Y$Y ''", ["a", "2", "32", "3", ""]),
        ("a ${Z:-d} ${Z:+e} ${X:+f} ${X-g}", ["a", "d", "f", "1"]),
        ("a '$X' \"\\$X\" \\$X", ["a", "$X", "$X", "$X"]),
        ("a b#c # d", ["a", "b#c"]),
        ("a >f 2>&1 <g b", ["a", "b"]),
    ],
)
def test_words_as_bash_makes_them(text: str, words: list[str]) -> None:
    first, *_ = ways(text, Setting({"X": "1", "Y": "2 3"}, "/"))
    assert [list(s.words) for s in first.starts] == [words]


@pytest.mark.parametrize(
    "text",
    [
        "vllm serve --help", "docker run vllm/vllm-openai:v0.11.0 --help", "lmdeploy serve api_server M -h",
        "docker run vllm/vllm-openai:v0.11.0 vllm serve M --help=page",
    ],
)  # fmt: skip
def test_who_asks_for_help_starts_no_server(text: str) -> None:
    front = ("python3", "-m", "vllm.entrypoints.openai.api_server")
    launch = read(tuple(text.split()), {}, "/", lambda _: () if "serve" in text else front)
    assert launch.engine is None and not starts_server(launch) and "starts no server" in launch.why


def test_a_hostname_is_no_call_for_help() -> None:
    launch = read(("docker", "run", "-h", "box", "vllm/vllm-openai:v0.11.0", "vllm", "serve", "M"), {}, "/")
    assert launch.engine == "vllm" and starts_server(launch)
