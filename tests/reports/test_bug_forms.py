"""Bug forms from files alone: the labels of each project's own reporter, its values, and no secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from doctor import api
from tests.cli.running import distribution, doctor, lay_out

PROJECTS = ("vllm", "lmdeploy", "sglang", "transformers")
TORCH = "__version__ = '2.9.1+cu128'\ndebug = False\ncuda: 'str | None' = '12.8'\nhip = None\n"
GCC = b"\x7fELF\0" + b"\0".join([b"junk", b"13.3.0", b"(Ubuntu 13.3.0-6ubuntu2~24.04) ", b"13", b""])
NVCC = b"\x7fELF\0Cuda compilation tools, release 12.8, V12.8.93\nBuild\0"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Engines with reporters of releases that nobody here has."""
    return lay_out(tmp_path / "site", {
        **distribution("torch", "2.9.1", {"torch/version.py": TORCH, "torch/__init__.py": ""}),
        **distribution("vllm", "0.12.0", {"vllm/collect_env.py": "DEFAULT_PIP_PATTERNS = {'torch', 'newlib'}\n", "vllm/envs.py": "environment_variables: dict = {'LOCAL_RANK': 1, 'VLLM_X': 2}\n"}),
        **distribution("sglang", "0.5.6", {"sglang/check_env.py": "PACKAGE_LIST = ['sglang', 'newlib', 'absent_one']\n"}),
        **distribution("lmdeploy", "0.11.1", {"lmdeploy/cli/cli.py": "class CLI:\n    def f():\n        extra_reqs = ['newlib', 'absent_one']\n"}),
        **distribution("transformers", "4.57.1", {"transformers/commands/env.py": "def run():\n    info = {'`transformers` version': 1, 'Newlib version': 2, 'Flax version (CPU?/GPU?/TPU?)': 3, 'PyTorch version (GPU?)': 4}\n"}),
        **distribution("newlib", "3.2.1", {"newlib.py": ""}),
    })  # fmt: skip


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A PATH with a compiler and with a script that hands on to CUDA's."""
    lay_out(tmp_path / "bin", {"gcc": GCC, "nvcc": f"#!/bin/sh\nexec {tmp_path}/cuda/bin/nvcc \"$@\"\n"})
    lay_out(tmp_path / "cuda" / "bin", {"nvcc": NVCC})
    for path in (tmp_path / "bin").iterdir():
        path.chmod(0o755)
    return str(tmp_path / "bin")


def form(project: str, site: Path, path: str = "", launch: tuple[str, ...] = (), **variables: str) -> str:
    target = api.TargetRequest(paths=(str(site),), python_version="3.11", environ={}, cwd=str(site))
    environ = {"PATH": path, "HOME": str(site), **variables}
    return api.bug_form(project, api.Request(target, launch, gpu="RTX 4090x2", driver="570.86.10", environ=environ, use_cache=False))


def fields(text: str) -> dict[str, str]:
    found = re.findall(r"^(?:- )?([^\n]+?) ?: (.*)$", text.partition("```text")[2].partition("```")[0], re.M)
    return {label.strip(): value for label, value in found}


def test_vllm(site: Path, tools: str) -> None:
    text = form("vllm", site, tools, LOCAL_RANK="0")
    found = fields(text)
    assert found["GCC version"] == "(Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0" and found["CUDA runtime version"] == "12.8.93"
    assert found["PyTorch version"] == "2.9.1+cu128" and found["CUDA used to build PyTorch"] == "12.8"
    assert found["Nvidia driver version"] == "570.86.10" and found["vLLM Version"] == "0.12.0" and found["Is debug build"] == "False"
    assert "[pip3] newlib==3.2.1, torch==2.9.1\n" in text, "what the installed release lists, nothing else"
    assert re.search(r"GPU 0: .*4090\n  GPU 1: .*4090\n", text) and "assumed" in text
    assert list(found)[:3] == ["OS", "GCC version", "Libc version"]


def test_lmdeploy_and_sglang(site: Path, tools: str) -> None:
    found = fields(form("lmdeploy", site, tools))
    assert found["GCC"].startswith("gcc (Ubuntu") and found["LMDeploy"] == "0.11.1+"
    assert (found["newlib"], found["absent_one"]) == ("3.2.1", "Not Found") and "fastapi" not in found
    found = fields(form("sglang", site, tools))
    assert (found["newlib"], found["absent_one"], found["sglang"]) == ("3.2.1", "Module Not Found", "0.5.6")


def test_what_cuda_shows_is_left_out_where_it_does_not_work(site: Path, tools: str) -> None:
    text = form("sglang", site, tools)
    visible = fields(text)["CUDA available"] == "True"
    assert ("NVCC" in fields(text)) == visible == ("GPU 0,1" in fields(text))


def test_transformers_has_the_labels_of_the_installed_release(site: Path) -> None:
    found = fields(form("transformers", site))
    assert list(found)[:3] == ["`transformers` version", "Newlib version", "PyTorch version (GPU?)"]
    assert found["Newlib version"] == "3.2.1" and found["PyTorch version (GPU?)"].startswith("2.9.1+cu128 (")


@pytest.mark.parametrize("project", PROJECTS)
def test_the_verdict_is_on_top_and_secrets_are_hidden(project: str, site: Path) -> None:
    launch = (project, "serve", *(("api_server",) if project == "lmdeploy" else ()), "/home/alice/model", "--api-key", "sk-verysecret123456", "--host", "10.1.2.3")
    text = form(project, site, "", launch, VLLM_API_KEY="k-verysecret99", CUDA_VISIBLE_DEVICES="0,1", NCCL_SOCKET_IFNAME="eth0", VLLM_CACHE_ROOT="/home/alice/c", HF_TOKEN="hf_verysecretverysecret")
    assert re.match(r"qvl-doctor \S+: [✗○✓] ", text)
    assert not re.search(r"verysecret|alice|10\.1\.2\.3", text)
    assert "CUDA_VISIBLE_DEVICES=0,1" in text and "```sh\n" in text
    assert len(text.splitlines()) <= 60 and max(map(len, text.splitlines())) <= 2000


@pytest.mark.parametrize("project", PROJECTS)
def test_an_environment_without_anything(project: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "```text" in form(project, tmp_path / "empty")


@pytest.mark.parametrize("source", ["PACKAGE_LIST = [", "PACKAGE_LIST = [" + "'a'," * 5000 + "]", "\0", "PACKAGE_LIST = {**x}", "x = 1\n" * 300000])
def test_a_hostile_reporter(source: str, site: Path) -> None:
    (site / "sglang/check_env.py").write_text(source)
    assert "sglang: 0.5.6" in form("sglang", site) or "'a'" in source


def test_the_command(site: Path, tmp_path: Path) -> None:
    done = doctor("report", "--for", "sglang", "--offline", "--path", str(site), "--python-version", "3.11", "--", "sglang", "serve", "--model-path", "M", home=tmp_path)
    assert done.returncode == 0 and "newlib: 3.2.1" in done.stdout and "--model-path M" in done.stdout, done.stderr
    wrong = doctor("report", home=tmp_path)
    assert wrong.returncode == 2 and "--for" in wrong.stderr
