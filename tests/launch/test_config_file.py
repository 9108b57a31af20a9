"""`--config FILE`: the options that stand in a file, as the engine reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.facts import Launch
from doctor.launch.read import read_launch

TEXT = """\
# a comment
model: Qwen/Qwen2.5-VL-7B-Instruct
max_model_len: 8192
trust-remote-code: true
enforce-eager: false
allowed-origins: [a, b]
limit-mm-per-prompt: {image: 4}
"""


def read(folder: Path, line: str, text: str = TEXT) -> Launch:
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return read_launch(tuple(line.split()), {}, str(folder))


def test_the_options_of_the_file_stand_in_front_and_the_model_first(tmp_path: Path) -> None:
    launch = read(tmp_path, "vllm serve --config config.yaml --max-model-len 4096")
    assert launch.arguments == (
        "Qwen/Qwen2.5-VL-7B-Instruct", "--max-model-len", "8192", "--trust-remote-code", "--allowed-origins", "a", "b",
        "--limit-mm-per-prompt", '{"image": 4}', "--max-model-len", "4096",
    )  # fmt: skip


def test_a_model_on_the_command_line_goes_before_the_one_of_the_file(tmp_path: Path) -> None:
    launch = read(tmp_path, "vllm serve other/model --config=config.yaml")
    assert launch.arguments[:2] == ("other/model", "--max-model-len")
    assert "Qwen/Qwen2.5-VL-7B-Instruct" not in launch.arguments


def test_an_engine_that_takes_the_model_as_an_option_keeps_it_so(tmp_path: Path) -> None:
    launch = read(tmp_path, "python -m sglang.launch_server --config config.yaml", "model-path: m/n\ntp-size: 2\n")
    assert launch.arguments == ("--model-path", "m/n", "--tp-size", "2")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "x: &a [*a]\n", "a: " + "[" * 3000])
def test_a_file_without_options_leaves_the_words_as_they_are(tmp_path: Path, text: str) -> None:
    launch = read(tmp_path, "vllm serve m/n --config config.yaml", text)
    assert launch.arguments == (("m/n", "--x", "{}") if "&a" in text else ("m/n", "--config", "config.yaml"))


def test_a_file_of_another_machine_is_not_read_here(tmp_path: Path) -> None:
    launch = read(tmp_path, "ssh gpu1 vllm serve --config config.yaml")
    assert launch.arguments == ("--config", "config.yaml")
