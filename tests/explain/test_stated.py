"""A bug report without a traceback: what it states is checked by the rules of `check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from doctor.cli import main

REPORT = """It just hangs.
PyTorch version: 2.6.0+cu124
Python version: 3.11.9
GPU 0: NVIDIA GeForce RTX 5090
Nvidia driver version: 575.64
[pip3] transformers==4.51.3
vLLM Version: 0.8.5

vllm serve Qwen/Qwen2.5-VL-7B-Instruct --limit-mm-per-prompt image:3,video:0
"""
SOUND = REPORT.replace("RTX 5090", "RTX 4090").replace("image:3,video:0", "image=3 --max-model-len 8192")


def explain(tmp_path: Path, text: str, *words: str) -> Result:
    file = tmp_path / "issue.txt"
    file.write_text(text)
    return CliRunner().invoke(main, ["explain", str(file), *words])


def test_the_rules_are_run_on_it(tmp_path: Path) -> None:
    done = explain(tmp_path, REPORT)
    assert done.exit_code == 1
    assert "No failure is written here. What the text states of its environment was checked:" in done.output
    assert "as issue.txt states it, Python 3.11.9" in done.output
    assert "error LIB006" in done.output and "error CMD003" in done.output
    assert "run it again" not in done.output


def test_what_is_sound_is_said_to_be(tmp_path: Path) -> None:
    done = explain(tmp_path, SOUND)
    assert done.exit_code == 0 and "no errors found" in done.output and "RUN004" in done.output


def test_as_json_and_as_markdown(tmp_path: Path) -> None:
    data = json.loads(explain(tmp_path, REPORT, "--format", "json").output)
    assert [f["code"] for f in data["findings"]] == ["RUN004"]
    assert {"LIB006", "CMD003"} <= {f["code"] for f in data["stated"]["findings"]}
    text = explain(tmp_path, REPORT, "--format", "markdown").output
    assert text.startswith("## ✗ `vllm serve Qwen/Qwen2.5-VL-7B-Instruct` will fail") and "### error `CMD003`" in text


def test_a_crash_stays_the_first_answer(tmp_path: Path) -> None:
    done = explain(tmp_path, f"{REPORT}\nRuntimeError: UVA is not available\n")
    lines = done.output.splitlines()
    assert done.exit_code == 1 and lines[0].startswith("✗ vLLM does not use pinned memory")
    crash = next(n for n, line in enumerate(lines) if line.startswith("error RUN631"))
    heading = next(n for n, line in enumerate(lines) if "its environment has this, too (`check`):" in line)
    assert crash < heading < lines.index("error LIB006 no-gpu-code")


def test_standard_input_is_read_once() -> None:
    done = CliRunner().invoke(main, ["explain", "-"], input=REPORT)
    assert done.exit_code == 1 and "as the text states it" in done.output and "error CMD003" in done.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[pip3] transformers==4.40.0", "`transformers` is stated as 4.51.3 and as 4.40.0"),
        ("INFO Resolved architecture: Qwen3VLForConditionalGeneration", "which vllm 0.8.5 does not have"),
    ],
)
def test_a_report_that_contradicts_itself_is_told_so(tmp_path: Path, more: str, said: str) -> None:
    data = json.loads(explain(tmp_path, f"{SOUND}\n{more}\n", "--format", "json").output)
    found = [f for f in data["findings"] if f["code"] == "RUN007"]
    assert len(found) == 1 and said in found[0]["message"]


@pytest.mark.parametrize(
    "text",
    [
        "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)\nINFO:     Application startup complete.\n",
        "docker run --rm --gpus all my-image nvidia-smi\n",
        "numpy==2.0.0\n",
    ],
)
def test_nothing_is_added_where_no_engine_is_reported(tmp_path: Path, text: str) -> None:
    data = json.loads(explain(tmp_path, text, "--format", "json").output)
    assert "stated" not in data


def test_a_healthy_server_gets_no_advice(tmp_path: Path) -> None:
    log = f"{REPORT}\nINFO:     Application startup complete.\nINFO:     Uvicorn running on http://0.0.0.0:8000\n"
    done = explain(tmp_path, log, "--format", "json")
    assert json.loads(done.output)["findings"][0]["code"] == "RUN005" and "stated" not in json.loads(done.output)


@pytest.mark.parametrize(
    "title",
    ["[Bug]: An error occurs when running vLLM on an RTX 5090", "command and error message:",
     "I get an error when I start the server. Here is my environment:"],
)  # fmt: skip
def test_the_reporters_own_words_are_no_error_of_a_log(tmp_path: Path, title: str) -> None:
    done = explain(tmp_path, f"{title}\n{SOUND}", "--format", "json")
    assert done.exit_code == 0 and [f["code"] for f in json.loads(done.output)["findings"]] == ["RUN004"]
    assert explain(tmp_path, title).exit_code == 0


@pytest.mark.parametrize(
    "lines",
    [
        "PyTorch: 2.6.0+cu124\nsglang: 0.4.6.post4\nvllm: 0.7.2\ntransformers: 4.51.1",
        "torch==2.6.0a0+ecf3bae40a.nv25.1\nvllm==0.7.1",
        "torch==2.6.0+cu126\nnvidia-cublas-cu12==12.6.4.1\nvllm==0.8.5",
        "vllm==0.10.0\ntorch==2.7.1\ntorchvision==0.21.0",
    ],
)
def test_what_somebody_runs_is_no_error_by_its_metadata(tmp_path: Path, lines: str) -> None:
    done = explain(tmp_path, lines, "--format", "json")
    stated = json.loads(done.output)["stated"]
    assert [f for f in stated["findings"] if f["severity"] == "error"] == []
    assert not any("is declared" in f["message"] for f in stated["findings"])


def test_a_kind_of_gpu_is_no_number_of_them(tmp_path: Path) -> None:
    text = "vllm==0.8.5\nGPU: NVIDIA A100 80GB\nvllm serve Qwen/Qwen2.5-VL-72B-Instruct -tp 8 --max-model-len 8192"
    data = json.loads(explain(tmp_path, text, "--format", "json").output)["stated"]
    assert "MEM005" not in {f["code"] for f in data["findings"]} and data["target"]["kind"] == "declared"


def test_a_path_is_not_looked_up_on_this_disk_but_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Qwen2.5-VL-7B-Instruct").mkdir()
    (tmp_path / "Qwen2.5-VL-7B-Instruct" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    text = "vllm==0.6.3\nvllm serve ./Qwen2.5-VL-7B-Instruct"
    data = json.loads(explain(tmp_path, text, "--format", "json").output)["stated"]
    assert "ENG003" in {f["code"] for f in data["findings"]} and str(tmp_path) not in json.dumps(data)


@pytest.mark.parametrize(
    "head",
    [
        "WARNING 11-26 09:49:49 cuda.py:22] You are using a deprecated `pynvml` package. Please install `nvidia-ml-py` "
        "instead, and make sure to uninstall `pynvml`.",
        "/v/vllm/version.py:3: RuntimeWarning: Failed to read commit hash:\nNo module named 'vllm._version'",
    ],
)
def test_warnings_of_a_reporter_are_no_failure(tmp_path: Path, head: str) -> None:
    done = explain(tmp_path, f"{head}\n{SOUND}", "--format", "json")
    assert [f["code"] for f in json.loads(done.output)["findings"]] == ["RUN004"]


def test_an_image_says_what_is_in_it(tmp_path: Path) -> None:
    text = "docker run --gpus all vllm/vllm-openai:v0.6.3 --model Qwen/Qwen2.5-VL-7B-Instruct"
    data = json.loads(explain(tmp_path, text, "--format", "json").output)
    assert "ENG003" in {f["code"] for f in data["stated"]["findings"]}
