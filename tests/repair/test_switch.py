"""The switch when nothing goes wrong, what it leaves behind, and taking it back."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.collect.env_factory import ask
from tests.repair import patients
from tests.repair.conftest import Known
from tests.repair.patients import Patient, command, digest, fix, recover, run, undo


def test_versions_scripts_and_previous_tree(known: Known) -> None:
    done = run(fix(known.patient, "--format", "json"))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["changes"] == {"alpha": ["1.0", "2.0"], "beta": ["1.0", "2.0"]}
    assert known.state() == "new"
    assert list(map(str, known.patient.beside())) == [answer["previous"]]
    assert digest(Path(answer["previous"])) == known.old
    first = (known.patient.env / "bin/alpha").read_bytes().splitlines()[0]
    assert first == b"#!" + os.fsencode(known.patient.env / "bin/python")
    python = known.patient.env / "bin/python"
    assert ask(python, "import alpha, beta, gamma.m1; print(alpha.VERSION, beta.VERSION)") == "2.0 2.0\n"
    assert not (known.patient.site / "alpha/only_1.py").exists()


def test_record_tells_the_truth_afterwards(known: Known) -> None:
    from doctor.repair.installed import damaged, read_installed

    assert run(fix(known.patient)).returncode == 0
    site = str(known.patient.site)
    for found in read_installed(site).values():
        assert [damaged(site, one) for one in found] == [None]
    listed = (known.patient.site / "alpha-2.0.dist-info/RECORD").read_text()
    assert "bin/alpha,sha256=" in listed and "uv_cache" not in listed


def test_no_code_of_the_environment_runs(known: Known, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    environ = {**os.environ, "QVL_TRAP": str(trap)}
    ask(known.patient.env / "bin/python", "pass", {"QVL_TRAP": str(trap)})
    assert trap.exists(), "the trap does not work"
    trap.unlink()
    assert run(fix(known.patient), env=environ).returncode == 0
    assert run(command("--undo", "--python", str(known.patient.env)), env=environ).returncode == 0
    assert not trap.exists()


def test_undo_brings_back_every_byte_and_leaves_nothing(known: Known) -> None:
    before = {p: (p.lstat().st_ino, p.lstat().st_mtime_ns) for p in known.patient.env.rglob("*") if not p.is_dir()}
    assert run(fix(known.patient)).returncode == 0
    assert undo(known.patient).returncode == 0
    assert known.state() == "old" and known.patient.beside() == []
    assert before == {
        p: (p.lstat().st_ino, p.lstat().st_mtime_ns) for p in known.patient.env.rglob("*") if not p.is_dir()
    }


def test_second_undo_says_there_is_nothing_and_touches_nothing(known: Known) -> None:
    assert run(fix(known.patient)).returncode == 0
    assert undo(known.patient).returncode == 0
    again = undo(known.patient)
    assert again.returncode == 3 and "nothing to undo" in again.stderr and known.state() == "old"


def test_fix_undo_fix_is_the_same_again(known: Known) -> None:
    for _ in range(2):
        assert run(fix(known.patient)).returncode == 0 and known.state() == "new"
        assert undo(known.patient).returncode == 0 and known.state() == "old"


def test_undo_after_the_users_own_install_warns_and_keeps_it(known: Known) -> None:
    assert run(fix(known.patient)).returncode == 0
    patients.install(known.patient.env, known.patient.wheels, "--reinstall", "beta==1.0", "alpha==1.0")
    changed = digest(known.patient.env)
    done = undo(known.patient)
    assert done.returncode == 0 and "changed after the repair" in done.stderr
    assert known.state() == "old"
    assert [digest(p) for p in known.patient.beside()] == [changed]


def test_using_the_environment_is_no_change(known: Known) -> None:
    assert run(fix(known.patient)).returncode == 0
    subprocess.run([known.patient.env / "bin/python", "-c", "import alpha.two, gamma.m3"], check=True,
                   env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"})  # fmt: skip
    assert list(known.patient.site.glob("alpha/__pycache__/*.pyc")), "no byte code was written"
    done = undo(known.patient)
    assert done.returncode == 0 and "warning" not in done.stderr and known.state() == "old"


def backwards(known: Known, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """A second repair, to the pins that the environment was built with."""
    back = folder / "back.txt"
    back.write_text("alpha==1.0\nbeta==1.0\n")
    return run([*fix(known.patient)[:-3], str(back), "--find-links", str(known.patient.wheels), *more])


def test_generations_are_kept_and_undone_one_after_the_other(known: Known, tmp_path: Path) -> None:
    assert run(fix(known.patient)).returncode == 0
    middle = digest(known.patient.env)
    done = backwards(known, tmp_path, "--format", "json")
    assert done.returncode == 0 and json.loads(done.stdout)["kept"] == 2 and json.loads(done.stdout)["dropped"] == []
    assert sorted(digest(p) for p in known.patient.beside()) == sorted([middle, known.old])
    listed = json.loads(run(command("--list", "--python", str(known.patient.env), "--format", "json")).stdout)
    assert [digest(Path(g["path"])) for g in listed["generations"]] == [middle, known.old]
    assert [g["first"] for g in listed["generations"]] == [False, True]
    first = undo(known.patient)
    assert first.returncode == 0 and "1 more" in first.stdout and digest(known.patient.env) == middle, first.stderr
    assert undo(known.patient).returncode == 0 and known.state() == "old" and known.patient.beside() == []


def test_the_first_environment_is_never_dropped_without_a_word(known: Known, tmp_path: Path) -> None:
    assert run(fix(known.patient)).returncode == 0
    middle, (oldest,) = digest(known.patient.env), known.patient.beside()
    done = backwards(known, tmp_path, "--generations", "1")
    assert done.returncode == 0 and str(oldest) in done.stderr and str(oldest) in done.stdout
    assert [digest(p) for p in known.patient.beside()] == [middle]
    assert undo(known.patient).returncode == 0 and digest(known.patient.env) == middle


def test_edits_in_one_do_not_show_in_the_other(known: Known) -> None:
    """Written into, not replaced: with `>>`, as an editor with links does, and at the same size with the time put back."""
    assert run(fix(known.patient)).returncode == 0
    (kept,) = known.patient.beside()
    live = known.patient.site
    with (live / "gamma/m1.py").open("a") as file:
        file.write("y = 2\n")
    same_size = live / "gamma/m2.py"
    at = same_size.stat()
    same_size.write_text("x = 9\n")
    os.utime(same_size, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert digest(kept) == known.old
    changed = digest(known.patient.env)
    done = undo(known.patient)
    assert done.returncode == 0 and known.state() == "old"
    assert "gamma/m1.py" in done.stderr and "gamma/m2.py" in done.stderr
    assert [digest(p) for p in known.patient.beside()] == [changed]


def test_undo_says_where_the_kept_environment_was_changed(known: Known) -> None:
    assert run(fix(known.patient)).returncode == 0
    (kept,) = known.patient.beside()
    edited = next(kept.glob("lib/python3*/site-packages/gamma/m3.py"))
    edited.write_text("x = 8\n")
    done = undo(known.patient)
    assert done.returncode == 0 and "gamma/m3.py" in done.stdout and "back to its state" not in done.stdout
    assert known.patient.beside() == [] and (known.patient.site / "gamma/m3.py").read_text() == "x = 8\n"


def test_large_binaries_are_shared_and_said_to_be(fresh: Patient) -> None:
    binary, text = fresh.site / "gamma/lib.so", fresh.site / "gamma/big.py"
    binary.write_bytes(b"\x7fELF\0" + b"x" * (2 << 20))
    text.write_text("x = 1\n" * (1 << 18))
    done = run(fix(fresh, "--format", "json"))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    kept = Path(answer["previous"]) / fresh.site.relative_to(fresh.env) / "gamma"
    assert answer["shared"] == {"files": 1, "bytes": binary.stat().st_size}
    assert (kept / "lib.so").samefile(binary) and not (kept / "big.py").samefile(text)
    at = binary.stat()
    with binary.open("r+b") as file:
        file.seek(100)
        file.write(b"y")
    os.utime(binary, ns=(at.st_atime_ns, at.st_mtime_ns))
    said = undo(fresh)
    assert said.returncode == 0 and "gamma/lib.so" in said.stdout and "back to its state" not in said.stdout
    assert len(fresh.beside()) == 1, "the state that was changed is kept"


def test_rubbish_that_cannot_be_removed_is_a_warning(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    from doctor.repair.switch import names
    from doctor.repair.switch import recover as recovery

    trash = Path(names.trash_path(str(known.patient.env), "0" * 12))
    (trash / "inner").mkdir(parents=True)

    def refuses(path: str) -> None:
        raise PermissionError(1, "Operation not permitted", path)

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "remove_tree", refuses)
        assert recovery.recover(str(known.patient.env)).finished == ()
        recovery.discard(str(known.patient.env), str(trash), "0" * 12)
        assert len(recovery.leftovers(str(known.patient.env))) == 1
    assert run(fix(known.patient)).returncode == 0 and known.state() == "new"
    assert len(known.patient.beside()) == 1


def test_the_same_change_again_after_the_environment_was_put_back_by_hand(known: Known) -> None:
    assert run(fix(known.patient)).returncode == 0
    subprocess.run(["rm", "-rf", str(known.patient.env)], check=True)
    subprocess.run(["cp", "-a", str(known.patient.template), str(known.patient.env)], check=True)
    assert run(fix(known.patient)).returncode == 0 and known.state() == "new"
    assert [digest(p) for p in known.patient.beside()] == [known.old]


def test_pins_that_are_there_change_nothing(known: Known) -> None:
    known.patient.pins.with_name("same.txt").write_text("gamma==1.0\n")
    done = run(command("--apply", "--in-place", "--yes", "--python", str(known.patient.env), "--to",
                       str(known.patient.pins.with_name("same.txt")), "--find-links", str(known.patient.wheels)))  # fmt: skip
    assert done.returncode == 0 and "nothing to change" in done.stdout
    assert known.state() == "old" and known.patient.beside() == []


def test_a_damaged_distribution_is_installed_anew(known: Known, tmp_path: Path) -> None:
    (known.patient.site / "gamma/m1.py").unlink()
    pins = tmp_path / "p.txt"
    pins.write_text("gamma==1.0\n")
    done = run([*fix(known.patient)[:-3], str(pins), "--find-links", str(known.patient.wheels)])
    assert done.returncode == 0 and (known.patient.site / "gamma/m1.py").is_file(), done.stderr


def test_interpreter_or_bin_name_the_environment_too(known: Known) -> None:
    for given in ("bin/python", "bin"):
        argv = fix(known.patient)
        argv[argv.index("--python") + 1] = str(known.patient.env / given)
        assert run(argv).returncode == 0 and known.state() == "new"
        assert run(command("--undo", "--python", str(known.patient.env / given))).returncode == 0
        assert known.state() == "old"


@pytest.mark.parametrize("name", ["mit Leerzeichen", "环境-ü", "e" * 240, "it's"])
def test_names_that_are_awkward(tmp_path: Path, name: str) -> None:
    patient = patients.build(tmp_path, name)
    old = digest(patient.env)
    done = run(fix(patient))
    assert done.returncode == 0, done.stderr
    said = subprocess.run([patient.env / "bin/alpha"], capture_output=True, text=True)
    assert "cannot import name 'main' from 'alpha'" in said.stderr, said.stderr  # the interpreter was found and ran it
    assert undo(patient).returncode == 0 and digest(patient.env) == old and not patient.beside()


def test_a_path_beyond_260_characters(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 120) / ("e" * 120)
    folder.mkdir(parents=True)
    patient = patients.build(folder)
    old = digest(patient.env)
    done = run(fix(patient))
    assert done.returncode == 0, done.stderr
    said = subprocess.run([patient.env / "bin/alpha"], capture_output=True, text=True)
    assert "cannot import name 'main' from 'alpha'" in said.stderr, said.stderr
    assert undo(patient).returncode == 0 and digest(patient.env) == old


def test_editable_install_survives_untouched(fresh: Patient, tmp_path: Path) -> None:
    source = tmp_path / "src/mine"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("VERSION = 'dev'\n")
    (fresh.site / "__editable__.mine-0.pth").write_text(f"{source.parent}\n")
    outside = digest(source.parent)
    assert run(fix(fresh)).returncode == 0
    assert digest(source.parent) == outside
    assert ask(fresh.env / "bin/python", "import mine, alpha; print(mine.VERSION, alpha.VERSION)") == "dev 2.0\n"


def test_recover_on_a_healthy_environment(known: Known) -> None:
    done = recover(known.patient)
    assert done.returncode == 0 and "nothing to recover" in done.stdout
    assert known.state() == "old" and known.patient.beside() == []
