"""No code of the target runs: everything in it that could run would leave a mark."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from tests.cli.running import answer, distribution, doctor, lay_out

MINOR = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def booby_trapped(folder: Path, extra: dict[str, str | bytes]) -> tuple[Path, Path]:
    """A venv in which every file that could be run would write `mark`."""
    mark = folder / "mark"
    write = f"open({str(mark)!r}, 'a').write(__name__)\n"
    site = f"env/lib/{MINOR}/site-packages"
    files = {f"{site}/{n}": t for n, t in distribution("lmdeploy", "0.11.1", {
        "lmdeploy/__init__.py": write, "lmdeploy/cli/__init__.py": write, "lmdeploy/cli/entrypoint.py": write + "import torch\n",
        "lmdeploy/__main__.py": write,
    }).items()}  # fmt: skip
    shell = f"#!/bin/sh\necho ran >> {mark}\n"
    lay_out(folder, {
        **files, **{f"{site}/{n}": t for n, t in extra.items()},
        "env/pyvenv.cfg": f"home = {Path(sys.executable).parent}\nversion = {sys.version.split()[0]}\n",
        f"{site}/sitecustomize.py": write, f"{site}/usercustomize.py": write,
        f"{site}/trap.pth": f"import os; open({str(mark)!r}, 'a').write('pth')\n",
        "env/bin/python": shell, "env/bin/python3": shell, "env/bin/pip": shell, f"env/bin/{MINOR}": shell,
        "env/bin/lmdeploy": f"#!{folder}/env/bin/python\n" + write,
    })  # fmt: skip
    for program in (folder / "env/bin").iterdir():
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder / "env", mark


TORCHES = {
    "writes": "open('torch-ran', 'w')\n",
    "segfaults": "import ctypes\nctypes.string_at(0)\n",
    "hangs": "while True:\n    pass\n",
    "hangs-importing": "import importlib\nn = 0\nwhile n >= 0:\n    n += 1\n",
    "raises": "raise RuntimeError('no CUDA')\n",
    "exits": "import os\nos._exit(7)\n",
    "recurses": "def f():\n    x = 1\n    y = 2\n    return f()\nf()\n",
    "grows": "x = ['a' * 1000]\nwhile True:\n    x = x + x\n",
}


@pytest.mark.parametrize("torch", TORCHES)
def test_check_runs_nothing(torch: str, tmp_path: Path) -> None:
    files = distribution("torch", "2.8.0", {"torch/__init__.py": TORCHES[torch]})
    env, mark = booby_trapped(tmp_path, files)
    before = sorted(p for p in tmp_path.rglob("*") if "cache" not in p.parts)
    for words in (
        ("check", "--python", str(env), "--format", "json"),
        ("check", "--format", "json", "--", str(env / "bin/lmdeploy"), "serve", "api_server", "M"),
        ("link", "lmdeploy", "torch", "--python", str(env / "bin/python"), "--format", "json"),
        ("facts", "--python", str(env)),
    ):
        done = doctor(*words, home=tmp_path)
        assert done.returncode in (0, 1), done.stderr
        answer(done)
    assert not mark.exists(), mark.read_text()
    assert sorted(p for p in tmp_path.rglob("*") if "cache" not in p.parts) == before


def test_the_launchers_own_environment_is_the_target(tmp_path: Path) -> None:
    env, mark = booby_trapped(tmp_path, distribution("torch", "2.8.0", {"torch/__init__.py": ""}))
    done = doctor("check", "--format", "json", "--", "lmdeploy", "serve", "api_server", "M", home=tmp_path,
                  PATH=f"{env}/bin:/usr/bin:/bin")  # fmt: skip
    target = answer(done)["target"]
    assert target["prefix"] == str(env)
    assert "lmdeploy" in target["why"]
    assert any("trap.pth" in line["path"] for line in target["code_lines"])
    assert not mark.exists()
