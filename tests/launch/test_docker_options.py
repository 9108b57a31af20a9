"""Variables in docker's own options say nothing of the engine's command; those in the engine's words do."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.facts import Launch
from doctor.launch.read import read_launch

RUN = "docker run --gpus all {} vllm/vllm-openai:v0.11.0 --model Qwen/Q {}\n"


def unread(folder: Path, text: str) -> tuple[str, ...]:
    """What could not be followed in a script with this line."""
    (folder / "run.sh").write_text(text)
    found = read_launch(("bash", str(folder / "run.sh")), {}, str(folder), lambda _: ("vllm", "serve"))
    assert isinstance(found, Launch) and found.engine == "vllm"
    return found.unread


@pytest.mark.parametrize("options", [
    "-e HF_TOKEN=$HF_TOKEN", "--env HF_TOKEN=${HF_TOKEN:-}", "-e K=$(cat ~/.key)", "-p $PORT:8000", "-v $MODELS:/m",
    "--name $NAME -e A=$B",
])  # fmt: skip
def test_options_of_docker_open_nothing(tmp_path: Path, options: str) -> None:
    assert unread(tmp_path, RUN.format(options, "")) == ()


@pytest.mark.parametrize(("words", "said"), [
    ("--port $PORT", "`$PORT` is not set here"), ("--port ${PORT}", "`$PORT` is not set here"),
    ("--seed $(date +%s)", "`$(date +%s)` is known only"),
])  # fmt: skip
def test_words_of_the_engine_do(tmp_path: Path, words: str, said: str) -> None:
    found = unread(tmp_path, RUN.format("-e HF_TOKEN=$HF_TOKEN", words))
    assert len(found) == 1 and said in found[0]
