"""The installed command runs doctor's own code alone, wherever an installer put it, and loses nothing of the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from doctor.base import held

REPOSITORY = Path(__file__).parents[2]
LAUNCHER = REPOSITORY / "launcher" / "qvl-doctor"
SITE = Path("lib") / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
PYTHON = os.path.realpath(sys.executable)
TRAPS = ("sitecustomize", "usercustomize", "click", "yaml", "doctor", "subprocess", "site")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the launcher is for POSIX systems")


def _fill(site: Path) -> None:
    """All that doctor needs, and doctor itself."""
    site.mkdir(parents=True)
    for one in Path(sysconfig.get_path("purelib")).iterdir():
        if "doctor" not in one.name and not one.name.endswith(".pth"):
            (site / one.name).symlink_to(one)
    (site / "qvl_doctor-0.dist-info").mkdir()
    (site / "doctor").symlink_to(REPOSITORY / "doctor")


def _own_environment(base: Path) -> Path:
    """As pip, uv and pipx lay out an environment of doctor's own."""
    _fill(base / SITE)
    (base / "bin").mkdir()
    (base / "pyvenv.cfg").write_text(f"home = {Path(PYTHON).parent}\n")
    (base / "bin" / "python").symlink_to(PYTHON)
    return shutil.copy(LAUNCHER, base / "bin")


def _user_site(base: Path, first: str = f"#!{PYTHON}\n") -> Path:
    """As `pip install --user` does: the launcher is far from its Python, which the command beside it names."""
    _fill(base / SITE)
    (base / "bin").mkdir()
    (base / "bin" / "qvl-doctor-python").write_text(first + "import sys\n")
    return shutil.copy(LAUNCHER, base / "bin")


def _behind_a_shell(base: Path) -> Path:
    """The same where the path of the Python is too long for a first line, as uv and pip write it then."""
    return _user_site(base, f"#!/bin/sh\n'''exec' \"{PYTHON}\" \"$0\" \"$@\"\n' '''\n")


def _linked(base: Path) -> Path:
    """Behind two links, one of them relative."""
    _own_environment(base / "opt")
    (base / "one").symlink_to("opt/bin/qvl-doctor")
    (base / "two").symlink_to(base / "one")
    return base / "two"


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder whose modules tell that they ran."""
    folder = tmp_path / "trap"
    folder.mkdir()
    for name in TRAPS:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write('{name} ')\n")
    inside = folder / SITE
    inside.mkdir(parents=True)
    shutil.copy(folder / "usercustomize.py", inside)
    (inside / "own.pth").write_text(f"import os; open({str(tmp_path / 'ran')!r}, 'a').write('pth ')\n")
    (folder / "pyvenv.cfg").write_text(f"home = {Path(PYTHON).parent}\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(PYTHON)
    return folder


def _environ(trap: Path) -> dict[str, str]:
    return {
        "PATH": f"{trap}:/usr/bin:/bin", "HOME": str(trap.parent), "PYTHONPATH": str(trap), "PYTHONHOME": str(trap),
        "PYTHONSTARTUP": str(trap / "click.py"), "PYTHONUSERBASE": str(trap), "LD_PRELOAD": str(trap / "own.so"),
        "PYTHONEXECUTABLE": str(trap / "bin/python"), "__PYVENV_LAUNCHER__": str(trap / "bin/python"),
    }  # fmt: skip


@pytest.mark.parametrize("layout", [_own_environment, _user_site, _behind_a_shell, _linked], ids=lambda f: f.__name__)
def test_nothing_of_the_users_environment_runs_in_it(layout, tmp_path: Path, trap: Path) -> None:
    command = layout(tmp_path / "a place")
    found = subprocess.run([command, "--help"], env=_environ(trap), cwd=trap, capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout.startswith("Usage: qvl-doctor"), found.stderr
    assert not (tmp_path / "ran").exists()
    assert found.stderr.count("ld.so") <= 1, "only the shell that drops LD_PRELOAD has met it"


@pytest.mark.parametrize("layout", [_own_environment, _user_site], ids=lambda f: f.__name__)
def test_the_server_gets_the_very_environment_of_the_user(layout, tmp_path: Path, trap: Path) -> None:
    odd = {"a.b": "1\n2", "BASH_FUNC_x%%": "() { :;}", "LD_LIBRARY_PATH": "/x y", "PYTHONUNBUFFERED": "", "_": "mine"}
    given = {**_environ(trap), **odd, "QVL_DOCTOR_HELD_LD_AUDIT": "/nowhere", "PYTHONFAULTHANDLER": "0"}
    command = layout(tmp_path / "o")
    script = trap / "server"
    script.write_text(f"#!/bin/sh\ncat /proc/$$/environ >{tmp_path}/seen\n")
    script.chmod(0o755)
    found = subprocess.run(
        [command, "run", "--no-check", "--log-dir", tmp_path / "log", "--", script], env=given, capture_output=True
    )
    assert found.returncode == 0, found.stderr
    seen = dict(x.split(b"=", 1) for x in (tmp_path / "seen").read_bytes().split(b"\0") if x)
    assert {os.fsdecode(k): os.fsdecode(v) for k, v in seen.items()} == given


def test_a_check_judges_the_environment_that_was_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_own", [])
    monkeypatch.setattr(os, "environ", {
        "QVL_DOCTOR_HELD_LD_PRELOAD": "/a.so", "QVL_DOCTOR_HELD_LD_LIBRARY_PATH": "", "PATH": "/bin",
        "LD_LIBRARY_PATH": "/opt/python/lib",
    })  # fmt: skip
    held.put_back()
    assert os.environ == {"LD_PRELOAD": "/a.so", "LD_LIBRARY_PATH": "", "PATH": "/bin"}
    assert held.without_loader(os.environ) == {"PATH": "/bin", "LD_LIBRARY_PATH": "/opt/python/lib"}


def test_started_without_the_launcher_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"PATH": "/bin", "LD_LIBRARY_PATH": "/x", "PYTHONPATH": "/y"}
    monkeypatch.setattr(os, "environ", dict(before))
    held.put_back()
    assert os.environ == before and held.without_loader(os.environ) == {"PATH": "/bin"}


def test_no_library_of_our_own_loads_what_a_variable_names(tmp_path: Path) -> None:
    """OpenSSL loads modules by its configuration when it is first used; the variable stays known, as data."""
    text = "import os; from doctor.base.held import put_back; put_back(); print(os.environ['OPENSSL_CONF'], flush=True); "
    text += "import subprocess; subprocess.run(['printenv', 'OPENSSL_CONF'])"
    found = subprocess.run(
        [PYTHON, "-c", text], env={**os.environ, "OPENSSL_CONF": "/x"}, cwd=REPOSITORY, capture_output=True, text=True
    )
    assert found.stdout == "/x\n", found.stderr


def test_a_python_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    command = _own_environment(tmp_path / "o")
    (tmp_path / "o" / "bin" / "python").unlink()
    found = subprocess.run([command, "check"], capture_output=True, text=True)
    assert found.returncode == 3 and "reinstall qvl-doctor" in found.stderr and found.stderr.count("\n") == 1


def test_windows_says_what_it_cannot_promise() -> None:
    said = held.not_promised({"PYTHONPATH": "C:\\x"}, "win32")
    assert said and "PYTHONPATH" in said
    assert held.not_promised({"PYTHONPATH": "/x"}, "linux") is held.not_promised({}, "win32") is None
    assert "qvl-doctor-python.exe" in (LAUNCHER.parent / "qvl-doctor.cmd").read_text()


@pytest.mark.registry
def test_a_wheel_installs_the_launcher_as_it_is(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    built = subprocess.run([uv, "build", "--wheel", "-q", "-o", tmp_path, REPOSITORY], capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f"the build backend cannot be had: {built.stderr[-200:]}")
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = {n.partition(".data/")[2] for n in archive.namelist()}
    assert {"scripts/qvl-doctor", "scripts/qvl-doctor.cmd"} <= names
    subprocess.run([uv, "venv", "-q", "--python", PYTHON, tmp_path / "v"], check=True)
    there = ["--python", tmp_path / "v" / "bin" / "python", "--no-deps", wheel]
    subprocess.run([uv, "pip", "install", "-q", *there], check=True)
    (tmp_path / "v" / SITE / "needs.pth").write_text(sysconfig.get_path("purelib"))
    found = subprocess.run([tmp_path / "v" / "bin" / "qvl-doctor", "--help"], capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout.startswith("Usage: qvl-doctor"), found.stderr
