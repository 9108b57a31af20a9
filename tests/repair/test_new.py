"""`fix --apply`: a new environment beside the old one, proven there; the old one is only read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.collect.env_factory import ask, unpack, wheel
from tests.repair.conftest import Known
from tests.repair.patients import Patient, command, digest, run


def new(patient: Patient, *extra: str) -> list[str]:
    """The command for a new environment."""
    return command("--apply", "--python", str(patient.env), "--to", str(patient.pins), "--find-links",
                   str(patient.wheels), "--offline", *extra)  # fmt: skip


@pytest.fixture
def fixed(known: Known) -> Path:
    """Where the new environment is to be."""
    return known.patient.env.with_name("env-fixed")


@pytest.fixture(autouse=True)
def tidy(known: Known) -> object:
    """Nothing of one test is there for the next."""
    import shutil

    yield
    for path in known.patient.env.parent.glob("env-fixed*"):
        shutil.rmtree(path)


def test_beside_with_everything_else_as_it_was(known: Known, fixed: Path) -> None:
    done = run(new(known.patient, "--format", "json"))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["environment"] == str(fixed) and answer["changes"] == {"alpha": ["1.0", "2.0"], "beta": ["1.0", "2.0"]}
    assert sorted(answer["imported"]) == ["alpha", "beta"] and answer["renewed"] == []
    assert known.state() == "old" and known.patient.beside() == []
    code = "import alpha, beta, gamma.m7; print(alpha.VERSION, beta.VERSION, gamma.m7.x, gamma.m7.__file__)"
    assert ask(fixed / "bin/python", code).split()[:3] == ["2.0", "2.0", "7"]
    assert str(fixed) in ask(fixed / "bin/python", code)
    for name in ("alpha", "gamma"):
        assert (fixed / "bin" / name).read_bytes().startswith(b"#!" + os.fsencode(fixed / "bin/python") + b"\n")
    assert not list(fixed.glob(".qvl*"))


def test_edits_in_one_do_not_show_in_the_other(known: Known, fixed: Path) -> None:
    binary = known.patient.site / "gamma/lib.so"
    binary.write_bytes(b"\x7fELF\0" + b"x" * (2 << 20))
    record = known.patient.site / "gamma-1.0.dist-info/RECORD"
    record.write_text(record.read_text() + "gamma/lib.so,,\n")
    done = run(new(known.patient, "--format", "json"))
    assert done.returncode == 0, done.stderr
    site = next(fixed.glob("lib/python3*/site-packages"))
    assert json.loads(done.stdout)["shared"] == {"files": 1, "bytes": binary.stat().st_size}
    assert [p.name for p in site.rglob("*") if p.is_file() and p.stat().st_nlink > 1] == ["lib.so"]
    before = digest(known.patient.env)
    for path in (site / "gamma/m1.py", site / "alpha/one.py", fixed / "bin/gamma"):
        with path.open("r+b") as file:
            file.write(b"#")
    assert digest(known.patient.env) == before


def test_records_of_what_was_carried(known: Known, fixed: Path) -> None:
    from doctor.repair.installed import damaged, read_installed

    assert run(new(known.patient)).returncode == 0
    site = str(next(fixed.glob("lib/python3*/site-packages")))
    for found in read_installed(site).values():
        assert [damaged(site, one) for one in found] == [None]


def test_never_over_what_is_there(known: Known, fixed: Path) -> None:
    fixed.mkdir()
    (fixed / "mine").write_text("x")
    done = run(new(known.patient))
    assert done.returncode == 0 and (fixed.with_name("env-fixed-2") / "bin/python").exists()
    assert [p.name for p in fixed.iterdir()] == ["mine"]


def test_an_import_that_fails_is_not_offered(known: Known, fixed: Path, tmp_path: Path) -> None:
    code = {"alpha/__init__.py": "import nothing_of_this_name\n"}
    wheel(tmp_path, "alpha", "3.0", code)
    (tmp_path / "pins.txt").write_text("alpha==3.0\n")
    wheel(tmp_path, "beta", "3.0", {"beta/__init__.py": ""}, requires=("alpha==3.0",))
    (tmp_path / "pins.txt").write_text("alpha==3.0\nbeta==3.0\n")
    done = run(command("--apply", "--python", str(known.patient.env), "--to", str(tmp_path / "pins.txt"),
                       "--find-links", str(tmp_path), "--offline"))  # fmt: skip
    assert done.returncode == 3 and "nothing_of_this_name" in done.stderr, done.stderr
    assert not fixed.exists() and known.state() == "old"


def test_an_editable_install_comes_along(known: Known, fixed: Path, tmp_path: Path) -> None:
    source = tmp_path / "src/mine"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("VERSION = 'dev'\n")
    info = known.patient.site / "mine-0.1.dist-info"
    info.mkdir()
    (known.patient.site / "__editable__.mine-0.1.pth").write_text(f"{source.parent}\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.1\n")
    (info / "direct_url.json").write_text(json.dumps({"url": source.parent.as_uri(), "dir_info": {"editable": True}}))
    (info / "RECORD").write_text("".join(f"{p},,\n" for p in (
        "__editable__.mine-0.1.pth", "mine-0.1.dist-info/METADATA", "mine-0.1.dist-info/direct_url.json",
        "mine-0.1.dist-info/RECORD")))  # fmt: skip
    done = run(new(known.patient, "--format", "json"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["editable"] == ["mine"]
    assert ask(fixed / "bin/python", "import mine; print(mine.VERSION)") == "dev\n"


def test_interrupted_nothing_is_left(known: Known, fixed: Path) -> None:
    for words in ("copying", "installing", "verifying", "importing"):
        for _ in range(5):  # on a busy machine it may be done before the signal comes
            process = subprocess.Popen(new(known.patient), stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith(words):
                    process.send_signal(signal.SIGINT)
                    break
            process.stderr.read()
            status = process.wait(60)
            assert (status, fixed.exists()) in ((130, False), (0, True)), (words, status)
            if status == 130:
                break
            shutil.rmtree(fixed)
        assert status == 130 or words == "importing", words
        assert known.state() == "old" and known.patient.beside() == []


def test_killed_the_next_one_clears_the_place(known: Known, fixed: Path) -> None:
    process = subprocess.Popen(new(known.patient), stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("installing"):
            process.kill()
            break
    process.stderr.read()
    process.wait()
    assert fixed.exists(), "it was killed too early to leave anything"
    done = run(new(known.patient, "--format", "json"))
    assert done.returncode == 0 and json.loads(done.stdout)["environment"] == str(fixed)
    assert not list(fixed.glob(".qvl*")) and not list(fixed.parent.glob("env-fixed.qvl-lock"))


def test_recover_removes_what_a_kill_left_half_made(known: Known, fixed: Path) -> None:
    (fixed / ".qvl-unfinished").mkdir(parents=True)
    (fixed / "pyvenv.cfg").write_text("home = /nowhere\n")
    mine = fixed.with_name("env-fixed-mine")
    mine.mkdir()
    done = run(command("--recover", "--python", str(known.patient.env)))
    assert done.returncode == 0 and str(fixed) in done.stdout
    assert not fixed.exists() and mine.exists() and known.state() == "old" and known.patient.beside() == []


def test_bare_search_paths(known: Known, tmp_path: Path) -> None:
    layers = [tmp_path / "one", tmp_path / "two"]
    for layer, name in zip(layers, ("beta", "alpha"), strict=True):
        layer.mkdir()
        unpack(known.patient.wheels / f"{name}-1.0-py3-none-any.whl", layer)
    unpack(known.patient.wheels / "gamma-1.0-py3-none-any.whl", layers[1])
    before = [digest(layer) for layer in layers]
    version = sysconfig.get_python_version()
    paths = [part for layer in layers for part in ("--path", str(layer))]
    done = run(command("--apply", *paths, "--python-version", version, "--to", str(known.patient.pins), "--find-links",
                       str(known.patient.wheels), "--offline", "--format", "json"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    prefix = Path(json.loads(done.stdout)["environment"])
    assert prefix == tmp_path / "one-fixed" and [digest(layer) for layer in layers] == before
    assert ask(prefix / "bin/python", "import alpha, beta, gamma.m1; print(alpha.VERSION)") == "2.0\n"
    assert (prefix / "bin/gamma").exists(), "a console script that the layers do not have was not made"


def test_the_gpu_alone_does_not_count_against_it() -> None:
    from doctor.repair.real_import.proof import Tried

    assert Tried((), "torch", "ImportError: libcuda.so.1: cannot open shared object file").only_gpu
    assert Tried((), "vllm", "RuntimeError: Found no NVIDIA driver on your system.").only_gpu
    assert not Tried((), "lmdeploy", "ImportError: cannot import name 'ImagesKwargs' from 'transformers'").only_gpu


def test_a_child_that_hangs_or_dies(tmp_path: Path) -> None:
    from doctor.repair.real_import.proof import try_until_failure

    (tmp_path / "hangs.py").write_text("import time; time.sleep(60)\n")
    (tmp_path / "dies.py").write_text("import os; os.kill(os.getpid(), 11)\n")
    (tmp_path / "exits.py").write_text("import sys; sys.exit(3)\n")
    (tmp_path / "fine.py").write_text("print('qvl')\n")
    tried = try_until_failure(sys.executable, ("hangs",), str(tmp_path), 2)
    assert tried.failed == "hangs" and "2 s" in str(tried.error)
    tried = try_until_failure(sys.executable, ("fine", "dies"), str(tmp_path), 20)
    assert (tried.modules, tried.failed) == (("fine",), "dies") and "-11" in str(tried.error)
    assert "SystemExit" in str(try_until_failure(sys.executable, ("exits",), str(tmp_path), 20).error)
