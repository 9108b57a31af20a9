"""What this user cannot read is never fine: the error that Python gives, or open, with the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import answer, distribution, lay_out

SITE = "lib/python3.11/site-packages"
FILES: dict[str, str | bytes] = {
    "vllm/__init__.py": "", "vllm/a.py": "import torch\n", "vllm/entrypoints/__init__.py": "", "vllm/entrypoints/cli/__init__.py": "",
    "vllm/entrypoints/cli/main.py": "from vllm import a\nimport transformers\n",
}  # fmt: skip


def bound() -> list[str]:
    """What makes root as bound by file modes as anybody."""
    if os.name == "nt":
        pytest.skip("no file modes")
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs another user than root, or setpriv")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    lay_out(base, {"bin/python3.11": b"\x7fELF", "lib/python3.11/os.py": "", "lib/python3.11/encodings/__init__.py": ""})
    (base / "bin/python3.11").chmod(0o755)
    prefix = tmp_path / "v"
    engine = distribution("vllm", "0.11.0", FILES, ("torch==2.8.0", "transformers>=4.55"))
    engine["vllm-0.11.0.dist-info/entry_points.txt"] = "[console_scripts]\nvllm = vllm.entrypoints.cli.main:main\n"
    others = [("torch", "2.8.0"), ("transformers", "4.57.0")]
    for one in (engine, *(distribution(n, v, {f"{n}/__init__.py": ""}) for n, v in others)):
        lay_out(prefix / SITE, one)
    lay_out(prefix, {"pyvenv.cfg": f"home = {base}/bin\nversion = 3.11.4\n", "bin/vllm": f"#!{prefix}/bin/python\n"})
    (prefix / "bin/python").symlink_to(base / "bin/python3.11")
    (prefix / "bin/vllm").chmod(0o755)
    return prefix


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "c"), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [*bound(), sys.executable, "-m", "doctor", *words], capture_output=True, text=True, timeout=120, cwd=home, env=environ
    )  # fmt: skip


def check(venv: Path, locked: str) -> tuple[dict[str, str], dict[str, str]]:
    """Errors by code, and what is open with its reason, where one path may not be read."""
    (venv / locked).chmod(0)
    words = ("--offline", "--format", "json", "--python", str(venv), "--", str(venv / "bin/vllm"), "serve", "org/name")
    done = run(venv.parent, "check", *words)
    (venv / locked).chmod(0o755)
    data: dict[str, Any] = answer(done)
    errors = {f["code"]: f["message"] for f in data["findings"] if f["severity"] == "error"}
    return errors, {r["code"]: r["reason"] or "" for r in data["results"] if r["status"] == "open"}


@pytest.mark.parametrize("locked", [f"{SITE}/vllm/a.py", f"{SITE}/vllm"])
def test_a_module_that_the_launch_imports(venv: Path, locked: str) -> None:
    errors, left = check(venv, locked)
    assert not errors
    for code in ("IMP001", "IMP002", "IMP004"):
        assert "cannot read" in left[code] and locked in left[code]


def test_a_distribution_is_unknown_not_missing(venv: Path) -> None:
    errors, left = check(venv, f"{SITE}/torch-2.8.0.dist-info")
    assert not errors and "`torch`" in left["PKG001"] and "permission denied" in left["PKG001"]


@pytest.mark.parametrize(
    ("locked", "code"),
    [(SITE, "PKG010"), ("lib/python3.11", "PKG010"), ("pyvenv.cfg", "PKG009"), ("bin/vllm", "PKG009"), ("../base/bin", "PKG009")],
)
def test_what_python_cannot_start_from(venv: Path, locked: str, code: str) -> None:
    errors, _ = check(venv, locked)
    assert "permission denied" in errors[code]


def test_nothing_is_planned_for_what_may_not_be_read(venv: Path) -> None:
    (venv / SITE).chmod(0)
    done = run(venv.parent, "fix", "--plan", "--offline", "--python", str(venv), "--", "vllm", "serve", "x")
    (venv / SITE).chmod(0o755)
    assert "undecided" in done.stdout and "permission denied" in done.stdout


def test_an_environment_and_a_folder_of_logs(venv: Path) -> None:
    (venv.parent / "logs").mkdir()
    (venv.parent / "logs" / "a.log").write_text("x\n")
    for path, words in ((venv, ("check", "--python")), (venv.parent / "logs", ("explain",)), (venv.parent / "logs", ("report",))):
        path.chmod(0)
        done = run(venv.parent, *words, str(path))
        path.chmod(0o755)
        assert done.returncode == 2 and "permission denied" in done.stderr, done.stderr


def test_a_file_that_decides_nothing(venv: Path) -> None:
    """With such a file locked all is fine, so that the others fail for nothing else."""
    errors, left = check(venv, f"{SITE}/transformers-4.57.0.dist-info/INSTALLER")
    assert not errors and not [c for c in left if c.startswith(("IMP", "PKG"))]


def test_an_environment_is_not_empty_where_it_may_not_be_read(venv: Path) -> None:
    """Without a launch too: nothing is said to be missing, and what to do is not to reinstall."""
    (venv / SITE).chmod(0)
    data: dict[str, Any] = answer(run(venv.parent, "check", "--offline", "--format", "json", "--python", str(venv)))
    (venv / SITE).chmod(0o755)
    left = {r["code"]: r["reason"] for r in data["results"] if r["status"] == "open"}
    assert "permission denied" in left["PKG010"]
    (damage,) = (f for f in data["findings"] if f["code"] == "PKG003")
    assert damage["remediations"][0]["title"].startswith("let this user read")


def test_a_script_that_may_be_run_and_not_read(venv: Path) -> None:
    (venv / "bin/vllm").chmod(0o111)
    done = run(venv.parent, "check", "--offline", "--format", "json", "--", str(venv / "bin/vllm"), "serve", "org/name")
    found = {f["code"]: f for f in answer(done)["findings"] if f["severity"] == "error"}
    assert "permission denied" in found["PKG009"]["message"]
    assert found["PKG009"]["remediations"][0]["title"].startswith("let this user read")


def test_no_package_is_missing_for_link_where_it_may_not_be_read(venv: Path) -> None:
    (venv / SITE).chmod(0)
    done = run(venv.parent, "link", "vllm", "--python", str(venv))
    (venv / SITE).chmod(0o755)
    assert done.returncode == 2 and "is not known" in done.stderr and "permission denied" in done.stderr


MODEL = {"config.json": '{"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}', "tokenizer.json": "{}"}


@pytest.mark.parametrize(
    ("locked", "mode", "code"),
    [("", 0, "ENG002"), ("", 0o111, "ENG002"), ("model.safetensors", 0, "MDL002"), ("tokenizer.json", 0, "MDL003")],
)
def test_a_model_that_may_not_be_read(venv: Path, locked: str, mode: int, code: str) -> None:
    """It is not said to be empty, damaged or no model."""
    folder = venv.parent / "m"
    header = b'{"w": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}'
    lay_out(folder, {**MODEL, "model.safetensors": len(header).to_bytes(8, "little") + header + bytes(4)})
    (folder / locked).chmod(mode)
    words = ("--python", str(venv), "--", str(venv / "bin/vllm"), "serve", str(folder))
    data: dict[str, Any] = answer(run(venv.parent, "check", "--offline", "--format", "json", *words))
    (folder / locked).chmod(0o755)
    said = [f["message"] for f in data["findings"] if f["code"] == code]
    said += [r["reason"] or "" for r in data["results"] if r["code"] == code]
    assert any(locked in text and "permission denied" in text for text in said), said


def test_nothing_is_kept_in_the_home_of_another_user(venv: Path) -> None:
    """As under `sudo` with HOME of the user: what root makes there, the user could not write to."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    home = venv.parent / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    for words in (("check", "--offline", "--python", str(venv)), ("run", "--no-check", "--", "true")):
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run([sys.executable, "-m", "doctor", *words], capture_output=True, text=True, env=environ, cwd=home)
        assert done.returncode in (0, 1), done.stderr
    assert not list(home.iterdir())
