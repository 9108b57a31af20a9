"""The configuration file as a user writes it: what counts of it, what comes before it, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

import doctor.report
from doctor.cli import main
from tests.cli.running import doctor as command
from tests.cli.running import lay_out

SCHEMA = json.loads((Path(doctor.report.__file__).parent / "check.schema.json").read_text(encoding="utf-8"))
PINS = "vllm==0.11.0\ntransformers==4.50.0\n"  # vllm 0.11.0 requires transformers>=4.55.2
TWO = """offline = true
requirements = "requirements.txt"
python-version = "3.12"

[launch.small]
command = "vllm serve Qwen/Qwen2-VL-2B-Instruct"
gpu = "RTX 4090"
driver = 580

[launch.lost]
command = "echo hello"
requirements = "fine.txt"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a repository, with bad pins and with good ones."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("doctor.pipeline.remedies.SECONDS", 0)  # which fixes are offered does not matter here
    return lay_out(tmp_path, {"requirements.txt": PINS, "fine.txt": "vllm==0.11.0\ntransformers==4.55.2\n"})


def check(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def asked(*words: str) -> dict[str, object]:
    """The JSON answer, which fits its schema."""
    done = check(*words, "--format", "json")
    data: dict[str, object] = json.loads(done.stdout)
    jsonschema.validate(data, SCHEMA)
    return data


def configured(project: Path, text: str, name: str = "qvl-doctor.toml") -> None:
    (project / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("name", "lead"), [("qvl-doctor.toml", ""), ("pyproject.toml", "[tool.qvl-doctor]\n")])
def test_a_check_without_target_and_command_uses_the_file(project: Path, name: str, lead: str) -> None:
    configured(project, lead + 'requirements = "requirements.txt"\noffline = true\n', name)
    done = check()
    assert done.exit_code == 1 and "PKG001" in done.output
    assert f"settings  {name}: requirements, offline" in done.output
    assert "error PKG001" not in check("--requirements", "fine.txt").output
    assert "settings" not in check("--no-config", "--requirements", "fine.txt", "--offline").output


def test_the_file_of_the_repository_counts_in_its_folders_and_none_above_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(project, 'requirements = "requirements.txt"\noffline = true\n')
    inner = project / "deploy" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    done = check()
    assert done.exit_code == 1 and "../../qvl-doctor.toml" in done.output and "../../requirements.txt" in done.output
    (inner / ".git").mkdir()
    assert "qvl-doctor.toml" not in check("--requirements", "../../fine.txt", "--offline").output


def test_several_launches_are_one_answer_each_and_the_worst_counts(project: Path) -> None:
    configured(project, TWO)
    data = asked()
    named = [one["settings"]["launch"] for one in data["launches"]]  # type: ignore[index,attr-defined]
    assert named == ["small", "lost"] and data["summary"]["error"] == sum(one["summary"]["error"] for one in data["launches"])  # type: ignore[index,attr-defined]
    assert check().exit_code == 1 and check("--launch", "lost").exit_code == 4
    one = asked("--launch", "small")
    assert "launches" not in one and one["settings"]["launch"] == "small" and one["launch"]["model"] == "Qwen/Qwen2-VL-2B-Instruct"  # type: ignore[index]
    shown = check().output
    assert shown.index("=== small ===") < shown.index("=== lost ===") and shown.rstrip().splitlines()[-1].startswith(("lost", "   "))


@pytest.mark.parametrize("form", ["brief", "markdown", "html", "sarif", "github", "junit"])
def test_every_form_tells_the_launches_apart(project: Path, form: str) -> None:
    configured(project, TWO)
    done = check("--format", form)
    assert "small" in done.stdout and "lost" in done.stdout and done.exit_code == (0 if form == "sarif" else 1)


def test_the_command_line_comes_first(project: Path) -> None:
    configured(project, TWO + '[ignore]\nPKG001 = "upstream pins too tightly"\n')
    assert asked("--launch", "small", "--gpu", "A100", "--requirements", "fine.txt")["settings"]["keys"] == ["python-version", "offline", "driver"]  # type: ignore[index]
    done = check("--", "vllm", "serve", "Qwen/Qwen2-VL-2B-Instruct")
    assert "=== " not in done.output and "requirements.txt" in done.output
    assert "PKG001" not in done.output.replace("ignored   PKG001: upstream pins too tightly", "")
    assert "error PKG001" in check("--select", "PKG001").output


def test_an_ignored_rule_is_shown_with_its_reason(project: Path) -> None:
    configured(project, 'requirements = "requirements.txt"\noffline = true\nignore = {PKG001 = "known upstream", ENG = "no launch"}\n')
    done = check()
    assert done.exit_code == 0 and "PKG001: known upstream" in done.output and "ENG: no launch" in done.output
    assert asked()["settings"]["ignored"][0] == {"code": "PKG001", "reason": "known upstream"}  # type: ignore[index]


def test_a_baseline_leaves_what_is_new(project: Path) -> None:
    configured(project, 'requirements = "requirements.txt"\noffline = true\nbaseline = "known.json"\n')
    assert check().exit_code == 2 and "--write-baseline" in check().output
    assert check("--write-baseline", "known.json").exit_code == 0
    done = check()
    assert done.exit_code == 0 and "no new errors found" in done.output and "known.json: " in done.output
    (project / "requirements.txt").write_text(PINS + "numpy==1.0.0\npillow==1.0\n")
    new = asked()
    assert check().exit_code == 1 and new["settings"]["baseline"]["known"] > 0  # type: ignore[index]
    assert sum(f["primary"] for f in new["findings"]) == 1 and all("transformers>=4.55.2" not in f["message"] for f in new["findings"])  # type: ignore[attr-defined]
    (project / "requirements.txt").write_text((project / "fine.txt").read_text())
    assert asked()["settings"]["baseline"]["gone"] > 0  # type: ignore[index]


WRONG = {
    'requirments = "a"': "qvl-doctor.toml: unknown key `requirments`; did you mean `requirements`?",
    "[launch.a]\ncomand = 'vllm serve m'": "[launch.a]: unknown key `comand`; did you mean `command`?",
    'fail_on = "error"': "did you mean `fail-on`?",
    'fail-on = "sometimes"': "`fail-on` must be one of error, warning, never",
    'ignore = ["PKG001"]': "each ignored rule needs a reason",
    'ignore = {PKG001 = ""}': "`PKG001` is ignored without a reason",
    'ignore = {PGK001 = "x"}': "no rule has the code `PGK001`; did you mean `PKG001`?",
    "python-version = 3.1": "`python-version` must be in quotes",
    "offline = 1": "`offline` must be true or false",
    "requirements = []": "`requirements` must be a text or a list of texts",
    "[launch.a]\ngpu = 'RTX 4090'": "[launch.a]: a launch needs a `command`",
    "[launch.a]\ncommand = 'vllm \"serve'": "`command` cannot be split into words",
    "launch = 3": "[launch.NAME]",
    "gpu = ": "not valid TOML",
    'deep = true': "unknown key `deep`",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=range(len(WRONG)))
def test_a_wrong_file_is_a_usage_error_that_names_it(project: Path, text: str, said: str) -> None:
    configured(project, text)
    done = check("--requirements", "fine.txt")
    assert done.exit_code == 2 and said in done.output and "qvl-doctor.toml" in done.output, done.output


def test_names_that_nobody_has(project: Path) -> None:
    assert "there is no such file here" in check("--launch", "a").output
    configured(project, TWO)
    assert "no launch `smal`; it has: small, lost" in check("--launch", "smal").output
    assert check("--launch", "small", "--", "vllm", "serve", "m").exit_code == 2
    configured(project, "[tool.qvl-doctor]\noffline = true\n", "pyproject.toml")
    assert "both configure qvl-doctor" in check().output


def test_a_pyproject_of_others_is_left_alone_however_broken(project: Path) -> None:
    for text in ("[project\nname = 3", "[project]\nname = 'qvl-doctor'\n", "dependencies = ['qvl-doctor'"):
        configured(project, text, "pyproject.toml")
        assert check("--requirements", "fine.txt", "--offline").exit_code == 0
    configured(project, "[tool.qvl-doctor]\noffline = ", "pyproject.toml")
    assert check("--requirements", "fine.txt").exit_code == 2


def test_a_command_of_a_shell_is_read_as_one(project: Path) -> None:
    configured(project, 'requirements = "fine.txt"\noffline = true\n[launch.a]\ncommand = "CUDA_VISIBLE_DEVICES=0 vllm serve Qwen/Qwen2-VL-2B-Instruct > log"\n')
    assert asked()["launch"]["command"] == ["vllm", "serve", "Qwen/Qwen2-VL-2B-Instruct"]  # type: ignore[index]


def test_what_a_stranger_left_there_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "qvl-doctor.toml")
    done = check("--requirements", "fine.txt")
    assert done.exit_code == 2 and "not a regular file" in done.output


POD = """kind: Pod
apiVersion: v1
metadata: {name: vllm}
spec:
  containers:
    - {name: vllm, image: "vllm/vllm-openai:v0.11.0", args: ["--model", "Qwen/Qwen2-VL-2B-Instruct", "--tp", "1"]}
"""


def test_a_folder_of_manifests_is_a_deployment(project: Path) -> None:
    lay_out(project, {"k8s/pod.yaml": POD, "k8s/kustomization.yaml": "resources: [pod.yaml]\n", "k8s/notes.md": "# no", "empty/a.md": ""})
    configured(project, 'deployment = "k8s"\noffline = true\n')
    done = check("--format", "github")
    assert done.exit_code == 1 and "::error file=k8s/pod.yaml,line=6,title=CMD001" in done.stdout, done.output
    none = check("--deployment", "empty")
    assert none.exit_code == 2 and "has no manifests" in none.output


def other(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


def test_a_plan_is_made_for_a_launch_of_the_file(project: Path) -> None:
    configured(project, TWO)
    assert other("fix", "--plan").exit_code == 2 and "2 launches; name one with `--launch`: small, lost" in other("fix", "--plan").output
    data = json.loads(other("fix", "--plan", "--launch", "small", "--format", "json").stdout)
    assert data["plan"]["pins"]["vllm"] == "0.11.0" and data["launch"]["model"] == "Qwen/Qwen2-VL-2B-Instruct"
    assert "PKG001" in data["plan"]["resolves"]
    assert "not installed" in other("fix", "--apply", "--launch", "small").output
    assert "no launch `smal`" in other("fix", "--plan", "--launch", "smal").output


def test_facts_are_those_of_a_launch_of_the_file(project: Path) -> None:
    configured(project, TWO)
    seen = json.loads(other("facts", "--launch", "small").stdout)
    assert seen["launch"]["argv"][:2] == ["vllm", "serve"] and seen["target"]["python"] == "3.12"
    assert "RTX 4090" in json.dumps(seen)
    assert "3.12" not in json.loads(other("facts", "--no-config", "--path", ".").stdout)["target"].get("python", "")


def test_link_takes_the_environment_of_the_file(project: Path) -> None:
    lay_out(project / "site", {"some_package/__init__.py": "import nothing_at_all\n", "some_package-1.0.dist-info/METADATA":
            "Metadata-Version: 2.1\nName: some-package\nVersion: 1.0\n\n", "some_package-1.0.dist-info/RECORD": "some_package/__init__.py,,\n"})  # fmt: skip
    configured(project, 'path = "site"\npython-version = "3.12"\n[launch.a]\ncommand = "vllm serve m"\n[launch.b]\ncommand = "vllm serve n"\n')
    done = other("link", "some-package")
    assert done.exit_code == 1 and "nothing_at_all" in done.output
    configured(project, 'requirements = "requirements.txt"\n')
    assert "declared environment has no files" in other("link", "some-package").output
    assert other("link", "some-package", "--path", "site", "--python-version", "3.12").exit_code == 1


def test_run_starts_a_launch_of_the_file(project: Path) -> None:
    """The command, and the rules that nobody wants to hear of; the machine is the one that it starts on."""
    configured(project, '[launch.ends]\ncommand = "sh -c \'exit 7\'"\n[launch.none]\ncompose = "compose.yml"\n')
    assert "name one with `--launch`: ends, none" in command("run", home=project).stderr
    assert command("run", "--launch", "ends", home=project).returncode == 7
    assert "launch `none` has no command to start" in command("run", "--launch", "none", home=project).stderr
    assert command("run", "--no-config", home=project).returncode == 2
    assert command("run", "--", "sh", "-c", "exit 5", home=project).returncode == 5


def test_an_ignored_rule_does_not_keep_run_from_starting(project: Path) -> None:
    serve = project / "bin" / "vllm"
    lay_out(project / "bin", {"vllm": "#!/bin/sh\nexit 9\n"})
    serve.chmod(0o755)
    words = ("run", "--", str(serve), "serve", "Qwen/Qwen2-VL-2B-Instruct")
    refused = command(*words, home=project)
    assert refused.returncode == 125 and "PKG010" in refused.stderr
    configured(project, 'ignore = {PKG010 = "a wrapper of ours"}\n')
    assert command(*words, home=project).returncode == 9
