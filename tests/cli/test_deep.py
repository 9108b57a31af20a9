"""`check --deep` runs the real imports in a child process of the target, and survives whatever they do."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from doctor.facts import Target, Trials, Unavailable
from doctor.repair.real_import.each import try_each
from tests.cli.running import answer, distribution, doctor, found, lay_out

MINOR = f"python{sys.version_info[0]}.{sys.version_info[1]}"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the real import needs POSIX process groups")


def environment(folder: Path, body: str) -> Path:
    """A venv whose lmdeploy does `body` when its command line module is imported."""
    site = f"env/lib/{MINOR}/site-packages"
    files = distribution("lmdeploy", "0.11.1", {
        "lmdeploy/__init__.py": "", "lmdeploy/cli/__init__.py": "", "lmdeploy/cli/entrypoint.py": "print('noise' * 100)\n" + body,
        "lmdeploy/serve/__init__.py": "",
    })  # fmt: skip
    home = Path(sys.executable).resolve().parent
    lay_out(folder, {
        **{f"{site}/{n}": t for n, t in files.items()},
        "env/pyvenv.cfg": f"home = {home}\ninclude-system-site-packages = false\nversion = {sys.version.split()[0]}\n",
    })  # fmt: skip
    (folder / "env/bin").mkdir()
    (folder / "env/bin/python").symlink_to(Path(sys.executable).resolve())
    return folder / "env"


def tried(folder: Path, body: str, patience: float = 30) -> Trials:
    env = environment(folder, body)
    target = Target("installed", "", python="3", prefix=str(env), executable=str(env / "bin/python"),
                    paths=(str(env / f"lib/{MINOR}/site-packages"),))  # fmt: skip
    modules = ("lmdeploy.cli.entrypoint", "lmdeploy.serve")
    done = try_each(target, modules, {"PATH": "/usr/bin:/bin"}, patience)
    assert isinstance(done, Trials)
    return done


def test_ends_of_an_import_and_the_next_one_still_tried(tmp_path: Path) -> None:
    cases = {
        "fine": ("pass", "ok", None, None),
        "raises": ("raise ImportError('no such thing')", "raised", "ImportError", None),
        "leaves": ("import sys; sys.exit(3)", "raised", "SystemExit", None),
        "exits": ("import os; os._exit(3)", "died", None, "exit 3"),
        "segfaults": ("import ctypes; ctypes.string_at(0)", "died", None, "SIGSEGV"),
        "closes": ("import os; os.closerange(3, 50)", "died", None, None),
    }
    for name, (body, outcome, error, signal) in cases.items():
        first, second = tried(tmp_path / name, body + "\n").trials
        assert (first.module, first.outcome, first.error) == ("lmdeploy.cli.entrypoint", outcome, error), name
        assert signal is None or first.signal == signal
        assert (second.module, second.outcome) == ("lmdeploy.serve", "ok"), name
        if outcome == "raised":
            assert (first.file, first.line) == ("lmdeploy/cli/entrypoint.py", 2)


def test_a_hanging_import_ends_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    body = f"import os, time\nif os.fork() == 0:\n    time.sleep(6); open({str(mark)!r}, 'w')\ntime.sleep(60)\n"
    start = time.monotonic()
    (only,) = tried(tmp_path, body, patience=2).trials
    assert only.outcome == "timed-out" and time.monotonic() - start < 10
    time.sleep(6)
    assert not mark.exists(), "a child of the import outlived it"


def test_a_target_that_cannot_be_started() -> None:
    nowhere = Target("installed", "", executable="/nonexistent/python", paths=())
    assert isinstance(try_each(nowhere, ("x",), {}), Unavailable)
    assert isinstance(try_each(Target("paths", ""), ("x",), {}), Unavailable)


def test_the_command_runs_it_only_when_asked(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    env = environment(tmp_path, f"open({str(mark)!r}, 'w')\nraise RuntimeError('at import')\n")
    quiet = answer(doctor("check", "--python", str(env), "--format", "json", home=tmp_path))
    assert not mark.exists() and not found(quiet, "IMP006")
    deep = answer(doctor("check", "--deep", "--python", str(env), "--format", "json", home=tmp_path))
    assert mark.exists()
    assert "RuntimeError: at import" in found(deep, "IMP006")[0]["message"]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_what_an_import_started_does_not_outlive_it(tmp_path: Path) -> None:
    """In the import's own process group and in a session of its own, behind a parent that has gone."""
    body = (
        "import os, subprocess\n"
        f"out = open({str(tmp_path / 'pids')!r}, 'w')\n"
        "for apart in (False, True):\n"
        "    out.write(f\"{subprocess.Popen(['sleep', '300'], start_new_session=apart).pid}\\n\")\n"
        "out.close()\n"
    )
    assert tried(tmp_path, body).trials[0].outcome == "ok"
    for pid in (tmp_path / "pids").read_text().split():
        stat = Path(f"/proc/{pid}/stat")
        for _ in range(100):
            if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"process {pid} is still there")
