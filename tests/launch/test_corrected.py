"""The corrected command: checked again, nothing is left that could have been corrected; and the stories of issues."""

from __future__ import annotations

import json
import random
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.facts import Distribution, Distributions, Facts, Launch, Target
from doctor.findings import Report
from doctor.launch.edit import corrected, edited, lost
from doctor.launch.parser import read_by
from doctor.launch.table import Table, table
from doctor.pipeline import Request, diagnose, judge
from doctor.pipeline.launch import read_launch
from doctor.report.launch import correction
from tests.launch.lines import LINES
from tests.launch.test_like_the_real_parser import by_chance

LMDEPLOY, VLLM, SGLANG = "openmmlab/lmdeploy:v0.11.1-cu12.8", "vllm/vllm-openai:v0.11.0", "lmsysorg/sglang:v0.5.3"
FRONT = {
    "lmdeploy": ("lmdeploy", "serve", "api_server"),
    "vllm": ("vllm", "serve"),
    "sglang": ("python", "-m", "sglang.launch_server"),
}


def facts(engine: str, version: str, words: tuple[str, ...]) -> Facts:
    """The facts of a command in an environment that holds one release of an engine."""
    launch = read_launch(Request(TargetRequest(cwd="/"), words, environ={}))
    one = Distribution(engine, engine, version, location="", metadata_path="requirements.txt")
    return Facts(Target("declared", "test", "3.11"), Distributions((one,), complete=False), launch=launch)


def _extra(known: Table, line: tuple[str, ...]) -> bool:
    serve = known.engine == "vllm"
    return any(p.kind == "extra" for p in read_by(known, line, serve=serve).problems)


def correctable(report: Report) -> list[str]:
    """The errors of the command for which there is a safe way out."""
    found = [f for f in report.findings if f.rule.startswith("CMD0") and f.severity == "error"]
    return [f.message for f in found if any(r.applicability == "safe" for r in f.remediations)]


@pytest.mark.parametrize(("engine", "version"), [("lmdeploy", "0.11.1"), ("lmdeploy", "0.6.5"), ("lmdeploy", "0.18.0"),
                                                 ("vllm", "0.6.4"), ("vllm", "0.11.0"), ("vllm", "0.33.0"),
                                                 ("sglang", "0.4.9"), ("sglang", "0.5.23")])  # fmt: skip
def test_nothing_correctable_is_left(engine: str, version: str) -> None:
    known = table(engine, version)
    assert known is not None
    chance = by_chance(known, 150, 7)
    lines = [*LINES, *chance] if engine != "sglang" else [("--model-path", "m", *c) for c in chance]
    rnd, changed = random.Random(3), 0
    for line in lines:
        if rnd.random() < 0.3:
            line = (*line, rnd.choice(["--max-model-len", "--port", "--tensor_parallel_size", "--tp"]), "2")
        report = judge(facts(engine, version, (*FRONT[engine], *line)), select=("CMD0",))
        assert not [r for r in report.results if r.status == "broken"], line
        launch = report.facts.launch
        assert isinstance(launch, Launch)
        words = corrected(launch, report.findings, version)
        assert bool(words) or not correctable(report)
        if words:
            changed += 1
            again = judge(facts(engine, version, words), select=("CMD0",))
            left = [m for m in correctable(again) if m in correctable(report)]
            assert not left, (line, words)
    assert changed > 10


STORIES = [
    ("awq for compressed-tensors", VLLM, "vllm serve MODEL --quantization awq", {"method": "compressed-tensors"}, "CMD005"),
    ("pairs for JSON", VLLM, "vllm serve MODEL --limit-mm-per-prompt image:3,video:0", None, "CMD003"),
    ("a mode that is none", VLLM, "vllm serve MODEL --mm-encoder-tp-mode replicate", None, "CMD002"),
    ("all three", None, f"docker run --gpus all --ipc host -v m:/root/.cache/huggingface {VLLM} --model MODEL -q awq "
     "--limit-mm-per-prompt image:3,video:0 --mm-encoder-tp-mode replicate", {"method": "compressed-tensors"}, "CMD003"),
    ("a flag of a later release", LMDEPLOY, "lmdeploy serve api_server MODEL --trust-remote-code --tp 2", None, "CMD001"),
    ("another engine's flags", LMDEPLOY, "lmdeploy serve api_server MODEL --tensor-parallel-size 2 --max-model-len 8192", None, "CMD001"),
    ("too long a context", VLLM, "vllm serve MODEL --max-model-len 128000", None, "CMD007"),
    ("heads that 8 does not divide", SGLANG, "python3 -m sglang.launch_server --model-path MODEL --tp-size 8", None, "CMD008"),
    ("a dash of a web page", LMDEPLOY, "lmdeploy serve api_server MODEL –tp 2", None, "CMD012"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "image", "line", "method", "code"), STORIES, ids=[s[0] for s in STORIES])
def test_stories(
    name: str, image: str | None, line: str, method: dict[str, str] | None, code: str, tmp_path: Path
) -> None:
    config = {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "hidden_size": 3584,
              "num_attention_heads": 28, "num_key_value_heads": 4, "num_hidden_layers": 28, "intermediate_size": 18944,
              "vocab_size": 152064, "max_position_embeddings": 32768, "torch_dtype": "bfloat16",
              "vision_config": {"embed_dim": 1280, "depth": 32, "num_heads": 16}}  # fmt: skip
    if method:
        config["quantization_config"] = {
            "quant_method": method["method"],
            "format": "pack-quantized",
            "config_groups": {},
        }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    words = tuple(w if w != "MODEL" else str(tmp_path) for w in shlex.split(line))
    asked = Request(
        TargetRequest(environ={}), words, model=str(tmp_path), environ={}, declared=DeclaredRequest(image=image)
    )
    report = diagnose(asked)
    assert report.findings[0].rule == code, [f.message for f in report.findings]
    found = correction(report)
    assert found is not None
    again = diagnose(replace(asked, launch=found.words))
    assert not [f for f in again.findings if f.rule.startswith("CMD0") and f.severity == "error"]
    assert tuple(shlex.split(found.line)) == found.words, "it can be pasted"


def test_wrappers_stay_and_secrets_are_not_told() -> None:
    line = "LMDEPLOY_LOG_LEVEL=debug CUDA_VISIBLE_DEVICES=0 nohup lmdeploy serve api_server Q --tensor-parallel-size 2 --api-keys sk-1"
    report = judge(facts("lmdeploy", "0.11.1", tuple(shlex.split(line))))
    found = correction(report)
    assert found is not None
    assert (
        found.line == "CUDA_VISIBLE_DEVICES=0 nohup lmdeploy serve api_server Q --tp 2 --api-keys '***' --log-level DEBUG"
    )
    assert "secrets" in found.note


def test_in_a_script_the_inner_command_is_corrected(tmp_path: Path) -> None:
    (tmp_path / "s.sh").write_text("export A=1\nexec vllm serve Q --max-model-len 8192 --tp 2\n", encoding="utf-8")
    asked = Request(
        TargetRequest(cwd=str(tmp_path), environ={}), ("bash", "s.sh"), environ={}, declared=DeclaredRequest(image=VLLM)
    )
    found = correction(diagnose(asked))
    assert found is not None and found.line == "vllm serve Q --max-model-len 8192 --tensor-parallel-size 2"
    assert "s.sh:2" in found.note


def test_compose_up_is_judged_as_its_service(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  db: {image: postgres}\n  vlm:\n    image: vllm/vllm-openai:${TAG:-v0.11.0}\n"
        "    command: --model Q --limit-mm-per-prompt image:3\n    ipc: host\n    shm_size: 16gb\n    ports: ['8000:8000']\n"
        "    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 2, capabilities: [gpu]}]}}}\n",
        encoding="utf-8",
    )  # fmt: skip
    for words in (("docker", "compose", "up", "-d", "vlm"), ("docker-compose", "-f", "compose.yaml", "up", "vlm")):
        report = diagnose(Request(TargetRequest(cwd=str(tmp_path), environ={}), words, environ={}))
        launch = report.facts.launch
        assert isinstance(launch, Launch) and launch.engine == "vllm" and launch.container is not None
        container = launch.container
        assert (container.gpus, container.capabilities, container.ipc, container.shm_size) == (
            "2",
            ("gpu",),
            "host",
            16 << 30,
        )
        assert report.findings[0].rule == "CMD003"


def test_a_script_without_arguments_is_not_given_any(tmp_path: Path) -> None:
    (tmp_path / "s.sh").write_text("LMDEPLOY_LOG_LEVEL=debug lmdeploy serve api_server\n", encoding="utf-8")
    asked = Request(
        TargetRequest(cwd=str(tmp_path), environ={}),
        ("bash", "s.sh"),
        environ={},
        declared=DeclaredRequest(image=LMDEPLOY),
    )
    found = correction(diagnose(asked))
    assert found is not None and found.words[:3] == FRONT["lmdeploy"]


def test_the_command_of_docker_says_where_the_releases_come_from() -> None:
    words = ("docker", "run", "--gpus", "all", VLLM, "--model", "Q", "--max-model-length", "8192")
    report = diagnose(Request(TargetRequest(cwd="/", environ={}), words, environ={}))
    assert (report.facts.target.kind, report.facts.target.why) == ("declared", f"docker run {VLLM}")
    found = correction(report)
    assert found is not None and found.words == (*words[:-2], "--max-model-len", "8192")


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("--tensor-parallel-size 2 Q --port 80", "--tp 2 Q --server-port 80"),
        ("--model Q --port 80", "Q --server-port 80"),
        ("--port 80 --model-path Q --tensor-parallel-size 2", "Q --server-port 80 --tp 2"),
        ("Q --host=0.0.0.0 --served-model-name q --max_model_len=8192", "Q --server-name 0.0.0.0 --model-name q --session-len 8192"),
        ("Q --eager-mode true --tp 2.0 --session-len 8k", "Q --eager-mode --tp 2 --session-len 8192"),
        ("Q --hf-overrides {a:1} --backend PyTorch", "Q --hf-overrides {\"a\":1} --backend pytorch"),
        ("Q —tp 2 -session-len 8192", "Q --tp 2 --session-len 8192"),
    ],
)  # fmt: skip
def test_another_engines_words_keep_their_values(line: str, right: str) -> None:
    report = judge(facts("lmdeploy", "0.11.1", (*FRONT["lmdeploy"], *line.split())))
    found = correction(report)
    assert found is not None and " ".join(found.words[3:]) == right


@pytest.mark.parametrize(("engine", "version"), [("lmdeploy", "0.18.0"), ("vllm", "0.33.0"), ("sglang", "0.5.23")])
def test_what_no_finding_is_about_stays(engine: str, version: str) -> None:
    """The command that `fix` writes holds every word that no change is about."""
    known = table(engine, version)
    assert known is not None
    changed = 0
    for line in [("--model-path", "m", *c) if engine == "sglang" else ("m", *c) for c in by_chance(known, 250, 11)]:
        if "--" in line or any("." in w for w in line) or _extra(known, line):
            continue  # words that may be anything
        line = (*line, "--api-key" if engine != "lmdeploy" else "--api-keys", "tipray", "--tensor-paralel-sise", "2")
        found = facts(engine, version, (*FRONT[engine], *line))
        report, launch = judge(found, select=("CMD0",)), found.launch
        assert isinstance(launch, Launch)
        actions = [
            a for f in report.findings if f.severity == "error" for a in next((r.actions for r in f.remediations), ())
            if a.kind == "set_argument"
        ]  # fmt: skip
        now = edited(launch, actions, version)
        named = {a.name for a in actions}
        changed += now.arguments != launch.arguments
        assert not lost(launch, now, actions, version), (line, now.arguments)
        assert "***" in now.arguments or named & {"--api-key", "--api-keys"}, (line, now.arguments)
    assert changed > 20


def test_the_story_of_a_lost_option(tmp_path: Path) -> None:
    """An option with a misspelt name keeps its values, and the model its place."""
    found = facts("vllm", "0.11.0", ("vllm", "serve", "M", "--served-modl-name", "a", "b", "--port", "9000"))
    report, launch = judge(found), found.launch
    assert isinstance(launch, Launch)
    assert corrected(launch, report.findings, "0.11.0") == (
        "vllm", "serve", "M", "--served-model-name", "a", "b", "--port", "9000",
    )  # fmt: skip
