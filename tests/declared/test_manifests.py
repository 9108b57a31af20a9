"""Projects, environments and lock files: from a file to the releases that it fixes and to the verdict."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from doctor.collect.declared.manifests.kinds import is_manifest
from doctor.collect.python.target import TargetError
from tests.declared.conftest import facts_of, judge, messages, problems, versions

PAIR = {"lmdeploy": "0.11.1", "transformers": "4.38.2"}
POETRY = """
[tool.poetry.dependencies]
python = ">=3.10,<3.11"
lmdeploy = "0.11.1"
transformers = {version = "4.38.2", extras = ["torch"]}
peft = {version = "^0.13", optional = true}
"""
UV = """
version = 1
requires-python = "==3.10.*"
[[package]]
name = "app"
source = { virtual = "." }
dependencies = [{ name = "lmdeploy" }, { name = "transformers" }]
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "lmdeploy"
version = "0.11.1"
dependencies = [{ name = "torch" }]
[[package]]
name = "transformers"
version = "4.38.2"
[[package]]
name = "torch"
version = "2.8.0"
resolution-markers = ["sys_platform == 'linux'"]
[[package]]
name = "torch"
version = "2.2.2"
resolution-markers = ["sys_platform == 'darwin'"]
[[package]]
name = "pytest"
version = "8.0.0"
"""
PYLOCK = """
lock-version = "1.0"
packages = [
  {name = "lmdeploy", version = "0.11.1"},
  {name = "transformers", version = "4.38.2", marker = "sys_platform == 'linux'"},
  {name = "pytest", version = "8.0.0", marker = "'dev' in dependency_groups"},
]
"""
POETRY_LOCK = """
[[package]]
name = "lmdeploy"
version = "0.11.1"
optional = false
groups = ["main"]
[[package]]
name = "transformers"
version = "4.38.2"
optional = false
groups = ["main", "dev"]
[[package]]
name = "pytest"
version = "8.0.0"
optional = false
groups = ["dev"]
[metadata]
lock-version = "2.1"
python-versions = ">=3.10,<3.11"
"""
PIPFILE = """
[packages]
lmdeploy = "==0.11.1"
transformers = {version = "==4.38.2", markers = "sys_platform == 'linux'"}
[dev-packages]
pytest = "*"
[requires]
python_version = "3.10"
"""
PIPFILE_LOCK = json.dumps({
    "_meta": {"requires": {"python_version": "3.10"}},
    "default": {"lmdeploy": {"version": "==0.11.1"}, "transformers": {"version": "==4.38.2"}},
    "develop": {"pytest": {"version": "==8.0.0"}},
})  # fmt: skip
CONDA = """
name: vlm
channels: [pytorch, conda-forge]
dependencies:
  - python=3.10
  - pytorch::pytorch=2.8.0=py310_cuda
  - pip
  - pip: ["lmdeploy==0.11.1", "-r requirements.txt"]
"""
PROJECT = '[project]\nname = "app"\nrequires-python = "==3.10.*"\ndependencies = ["lmdeploy==0.11.1", "transformers==4.38.2"]\n'
EXTRA = '[project]\nname = "app"\ndependencies = ["pillow"]\n[project.optional-dependencies]\nserve = ["app[tf]", "lmdeploy==0.11.1"]\ntf = ["transformers==4.38.2"]\n'
GROUP = '[dependency-groups]\nserve = ["lmdeploy==0.11.1", {include-group = "tf"}]\ntf = ["transformers==4.38.2"]\n'
GROUP += 'dev = ["pytest==8.0.0"]\n'


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [("pyproject.toml", PROJECT), ("pyproject.toml", EXTRA), ("pyproject.toml", GROUP), ("pyproject.toml", POETRY),
     ("uv.lock", UV), ("pylock.toml", PYLOCK), ("poetry.lock", POETRY_LOCK), ("Pipfile", PIPFILE),
     ("Pipfile.lock", PIPFILE_LOCK), ("environment.yml", CONDA), ("anything.txt", UV)],
)  # fmt: skip
def test_the_same_pair_in_every_form(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path, "requirements.txt", "transformers==4.38.2\n")
    facts = facts_of(put(tmp_path, name, text))
    found = versions(facts)
    assert {k: found.get(k) for k in PAIR} == PAIR and "pytest" not in found and "peft" not in found
    if "3.10" in text:
        assert facts.target.python == "3.10"
    assert not problems(facts)
    assert any("ImagesKwargs" in m for m in messages(judge(facts), "ENG001"))


def test_a_fork_of_a_lock_is_chosen_by_its_marker(tmp_path: Path) -> None:
    assert versions(facts_of(put(tmp_path, "uv.lock", UV)))["torch"] == "2.8.0"


def test_what_conda_installs_stays_where_pip_asks_for_nothing_else(tmp_path: Path) -> None:
    put(tmp_path, "requirements.txt", "transformers==4.38.2\n")
    assert versions(facts_of(put(tmp_path, "environment.yml", CONDA)))["torch"] == "2.8.0"


def test_extras_are_chosen_by_name(tmp_path: Path) -> None:
    text = EXTRA.replace("serve = [", 'other = ["vllm==0.11.0"]\nserve = [')
    path = put(tmp_path, "pyproject.toml", text)
    assert any("choose one" in p for p in problems(facts_of(path)))
    assert versions(facts_of(Path(f"{path}[serve]")))["lmdeploy"] == "0.11.1"
    assert versions(facts_of(Path(f"{path}[other]")))["vllm"] == "0.11.0"
    assert any("no extra `gone`" in p for p in problems(facts_of(Path(f"{path}[gone]"))))


@pytest.mark.parametrize("line", ["-e .", "-e .[serve]", ".", "./"])
def test_a_project_that_a_requirement_file_installs_is_read(tmp_path: Path, line: str) -> None:
    put(tmp_path, "pyproject.toml", EXTRA)
    facts = facts_of(put(tmp_path, "requirements.txt", f"{line}\nnumpy==1.26.4\n"))
    found = versions(facts)
    assert found["lmdeploy"] == "0.11.1" and found["numpy"] == "1.26.4"


def test_what_uv_is_told_beside_the_dependencies(tmp_path: Path) -> None:
    text = (
        PROJECT.replace('"transformers', '"torch==2.8.0", "vllm>=0.11", "transformers')
        + """
[tool.uv]
override-dependencies = ["transformers==4.57.3"]
constraint-dependencies = ["numpy==1.26.4"]
[tool.uv.sources]
torch = { index = "pytorch-cu128" }
vllm = { git = "https://git.example/vllm" }
[[tool.uv.index]]
name = "pytorch-cu128"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
"""
    )
    facts = facts_of(put(tmp_path, "pyproject.toml", text))
    found = versions(facts)
    assert found["transformers"] == "4.57.3" and found["torch"] == "2.8.0+cu128" and "vllm" not in found
    assert any("comes from git" in p for p in problems(facts))


@pytest.mark.parametrize(
    ("poetry", "pep"),
    [("^1.2.3", ">=1.2.3,<2"), ("^0.2.3", ">=0.2.3,<0.3"), ("^0.0.3", ">=0.0.3,<0.0.4"), ("^0", ">=0,<1"),
     ("~1.2.3", ">=1.2.3,<1.3"), ("~1", ">=1,<2"), ("1.2.*", "==1.2.*"), ("*", ""), ("1.2", "==1.2"),
     (">=1, <2", ">=1,<2"), ("^1 || ^2", "")],
)  # fmt: skip
def test_versions_of_poetry(poetry: str, pep: str) -> None:
    from doctor.collect.declared.manifests.poetry import specifier

    assert specifier(poetry) == pep


@pytest.mark.parametrize(
    ("conda", "pep"),
    [("=1.2", "==1.2.*"), ("==1.2", "==1.2"), ("=1.2.3", "==1.2.3"), (">=1.2,<2", ">=1.2,<2"), (" 1.2.*", "==1.2.*"),
     ("=1.2=py39_0", "==1.2"), ("", ""), ("=*", ""), ("=1.2|=1.3", "")],
)  # fmt: skip
def test_versions_of_conda(conda: str, pep: str) -> None:
    from doctor.collect.declared.manifests.conda import bounds

    assert bounds(conda) == pep


HOSTILE = {
    "brackets": "[project]\nx = " + "[" * 100_000,
    "keys": "[project]\n" + ".".join("a" * 50_000) + " = 1\n",
    "json": '{"_meta": ' + "[" * 100_000,
    "nothing": "[other]\na = 1\n",
    "bomb": "a: &a [x,x]\n"
    + "".join(f"b{n}: &b{n} [{', '.join(['*a' if not n else f'*b{n - 1}'] * 9)}]\n" for n in range(12))
    + "dependencies:\n- *b11\n",
    "one long key": "a" + ".b" * 20_000 + " = 1\n[[package]]\nname='vllm'\n",
    "one long key inside": "x = {a" + ".b" * 20_000 + " = 1}\n",
    "tables for a text": "lock-version = '1'\nrequires-python" + ".b" * 150 + " = 1\n[[packages]]\nname='vllm'\n",
    "a number without end": "lock-version = '1'\nrequires-python = '>=3." + "1" * 5000 + "'\n[[packages]]\nname='vllm'\n",
    "loop": "[dependency-groups]\na = [{include-group='b'}]\nb = [{include-group='a'}, 'vllm']\n",
    "self": '[project]\nname="a"\ndependencies=[]\n[project.optional-dependencies]\nx=["a[y]", "vllm"]\ny=["a[x]"]\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_soon(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, "file.toml", HOSTILE[name])
    began = time.monotonic()
    try:
        facts_of(path)
    except TargetError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "text", ["\n" * 5000 + "!", " \n" * 3000 + "-", "\n \n\n" * 2000 + "=", "# a\n\n" * 2000 + "x"]
)
def test_empty_lines_are_no_riddle(text: str) -> None:
    """Whether a line break belongs to one empty line or to the next was tried in every way: a minute for a small file."""
    began = time.process_time()
    assert not is_manifest(text)
    assert time.process_time() - began < 2
