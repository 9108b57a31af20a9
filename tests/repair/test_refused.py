"""What is refused, with the reason, and every byte as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.collect.env_factory import wheel
from tests.repair import patients
from tests.repair.conftest import Known
from tests.repair.patients import Patient, command, digest, fix, run


def refused(patient: Patient, *words: str, argv: list[str] | None = None) -> str:
    """Runs the repair, which must fail with these words, nothing changed and nothing left."""
    before = digest(patient.env)
    done = run(argv or fix(patient))
    assert done.returncode == 3, (done.returncode, done.stdout, done.stderr)
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert digest(patient.env) == before and patient.beside() == []
    return done.stderr


def rewritten(path: Path, member: str, data: bytes | None) -> None:
    """A wheel with one member's bytes changed, or left out, and its RECORD as it was."""
    with zipfile.ZipFile(path) as archive:
        content = {n: archive.read(n) for n in archive.namelist()}
    if data is None:
        del content[member]
    else:
        content[member] = data
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)


@pytest.mark.parametrize("data", [b"VERSION = 'evil'\n", None])
def test_a_wheel_that_is_not_what_its_record_says(fresh: Patient, data: bytes | None) -> None:
    rewritten(fresh.wheels / "beta-2.0-py3-none-any.whl", "beta/__init__.py", data)
    refused(fresh, "beta-2.0-py3-none-any.whl", "RECORD")


def test_a_wheel_cut_short(fresh: Patient) -> None:
    path = fresh.wheels / "beta-2.0-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:-100])
    refused(fresh, "beta-2.0-py3-none-any.whl")


def test_a_wheel_that_leads_out(fresh: Patient) -> None:
    path = fresh.wheels / "beta-2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../../../outside.py", "x = 1\n")
    refused(fresh, "beta-2.0-py3-none-any.whl", "points outside")


def test_a_hash_that_is_asked_for(fresh: Patient) -> None:
    fresh.pins.write_text(f"alpha==2.0 --hash=sha256:{'0' * 64}\n")
    refused(fresh, "alpha-2.0-py3-none-any.whl", "hash")


def test_wheels_that_are_no_files_are_not_waited_for(fresh: Patient) -> None:
    for name in ("alpha-2.0-py3-none-any.whl", "beta-2.0-py3-none-any.whl"):
        (fresh.wheels / name).unlink()
    os.mkfifo(fresh.wheels / "alpha-2.0-py3-none-any.whl")
    (fresh.wheels / "beta-2.0-py3-none-any.whl").symlink_to("/dev/zero")
    refused(fresh, "alpha", argv=fix(fresh, "--offline"))


def test_an_environment_whose_settings_are_no_file(fresh: Patient) -> None:
    """No Python of the target's is started to find out what it is."""
    (fresh.env / "pyvenv.cfg").unlink()
    os.mkfifo(fresh.env / "pyvenv.cfg")
    done = run(command("--apply", "--yes", "--python", str(fresh.env), "--to", str(fresh.pins), "--find-links", str(fresh.wheels)))
    assert done.returncode == 3 and "pyvenv.cfg` is not a file" in done.stderr, done.stderr


def test_a_pin_that_no_wheel_has(fresh: Patient) -> None:
    fresh.pins.write_text("alpha==9.9\n")
    refused(fresh, "alpha", argv=fix(fresh, "--offline"))


def test_a_pin_that_breaks_a_requirement(fresh: Patient) -> None:
    fresh.pins.write_text("alpha==2.0\n")
    refused(fresh, "new problem", "PKG001", "beta")


@pytest.mark.parametrize("text", ["alpha>=2\n", "-e .\n", "--index-url http://x/\n", "alpha @ file:///x.whl\n", "\n", "alpha==2.*\n"])
def test_pins_that_are_not_exact(known: Known, tmp_path: Path, text: str) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text(text)
    argv = fix(known.patient)
    argv[argv.index("--to") + 1] = str(pins)
    assert run(argv).returncode == 2 and known.state() == "old" and known.patient.beside() == []


@pytest.mark.parametrize("how", ["path", "PATH", "cwd", "library", "spawned"])
def test_a_process_that_runs_from_it(known: Known, how: str, tmp_path: Path) -> None:
    bin_folder = known.patient.env / "bin"
    sleep = "import time; print('up', flush=True); time.sleep(60)"
    given: dict[str, object] = {"stdout": subprocess.PIPE}
    argv = [str(bin_folder / "python"), "-c", sleep]
    if how == "PATH":
        argv[0] = "python"
        given["env"] = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    elif how == "cwd":
        argv[0], given["cwd"] = "/bin/sh", str(known.patient.env)
        argv[1:] = ["-c", "echo up; sleep 60; true"]
    elif how == "library":
        library = known.patient.site / "mapped.so"
        shutil.copy(_any_library(), library)
        argv = [sys.executable, "-c", f"import mmap; f=open({str(library)!r},'rb'); m=mmap.mmap(f.fileno(),0,access=1); {sleep}"]
    elif how == "spawned":
        argv[2] = (
            "import multiprocessing as m, time, os\n"
            f"m.get_context('spawn').Process(target=exec, args=({sleep!r},)).start(); os._exit(0)"
        )
    process = subprocess.Popen(argv, **given)  # type: ignore[call-overload]
    try:
        assert process.stdout.readline() == b"up\n"
        said = refused(known.patient, "process")
        assert how == "spawned" or str(process.pid) in said
    finally:
        process.kill()
        subprocess.run(["pkill", "-f", "--", f"^{bin_folder}/python"], check=False) if how == "spawned" else None
        process.wait()
        process.stdout.close()


def _any_library() -> Path:
    import _ctypes

    return Path(_ctypes.__file__)


def test_doctors_own_environment(tmp_path: Path) -> None:
    from doctor.repair.errors import Refused
    from doctor.repair.refusals import refuse_prefix

    with pytest.raises(Refused, match="itself runs"):
        refuse_prefix(sys.prefix)


def test_a_link_to_an_environment(fresh: Patient, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(fresh.env)
    argv = fix(fresh)
    argv[argv.index("--python") + 1] = str(link)
    refused(fresh, "symbolic link", str(fresh.env), argv=argv)


def test_a_site_packages_that_is_a_link(fresh: Patient, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(fresh.site, elsewhere)
    (fresh.env / "lib" / f"python3.{sys.version_info[1]}" / "site-packages").symlink_to(elsewhere)
    outside = digest(elsewhere)
    refused(fresh, "symbolic link")
    assert digest(elsewhere) == outside


@pytest.mark.parametrize("package", ["alpha", "fresh_one"])
def test_a_package_folder_that_is_a_link(fresh: Patient, tmp_path: Path, package: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if package == "alpha":
        shutil.move(fresh.site / "alpha", elsewhere)
    else:
        elsewhere.mkdir()
        wheel(fresh.wheels, "fresh-one", "2.0")
        fresh.pins.write_text("fresh-one==2.0\n")
    (fresh.site / package).symlink_to(elsewhere)
    outside = digest(elsewhere)
    refused(fresh, "symbolic link")
    assert digest(elsewhere) == outside


@pytest.mark.parametrize("path", ["{outside}", "../../../../../{name}/kept.txt"])
def test_a_record_that_lists_what_is_not_its_own(fresh: Patient, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "precious" / "kept.txt"
    outside.parent.mkdir()
    outside.write_text("mine")
    record = fresh.site / "alpha-1.0.dist-info/RECORD"
    record.write_text(record.read_text() + path.format(outside=outside, name="precious") + ",,\n")
    refused(fresh, "outside the environment")
    assert outside.read_text() == "mine"


def test_what_has_no_record(fresh: Patient) -> None:
    (fresh.site / "alpha-1.0.dist-info/RECORD").unlink()
    refused(fresh, "alpha", "no RECORD")


def test_a_read_only_environment(fresh: Patient) -> None:
    for folder in (fresh.env, fresh.site):
        folder.chmod(0o555)
    try:
        refused(fresh, "read-only", "permission")
    finally:
        for folder in (fresh.env, fresh.site):
            folder.chmod(0o755)


def test_what_is_managed_by_others(fresh: Patient, tmp_path: Path) -> None:
    marker = fresh.site.parent / "EXTERNALLY-MANAGED"
    marker.write_text("[externally-managed]\n")
    refused(fresh, "managed by the operating system")
    marker.unlink()
    (fresh.env / "conda-meta").mkdir()
    (fresh.env / "condabin").mkdir()
    refused(fresh, "conda's base")


def test_a_folder_that_is_no_environment(tmp_path: Path, known: Known) -> None:
    (tmp_path / "plain/bin").mkdir(parents=True)
    argv = fix(known.patient)
    argv[argv.index("--python") + 1] = str(tmp_path / "plain")
    done = run(argv)
    assert done.returncode == 3 and "pyvenv.cfg" in done.stderr and sorted(tmp_path.iterdir()) == [tmp_path / "plain"]


def test_without_yes_and_without_anybody_to_ask(known: Known) -> None:
    argv = [a for a in fix(known.patient) if a != "--yes"]
    done = run(argv)
    assert done.returncode == 2 and "--yes" in done.stderr and known.state() == "old"


def test_undo_where_nothing_was_done(known: Known) -> None:
    done = run(command("--undo", "--python", str(known.patient.env)))
    assert done.returncode == 3 and "nothing to undo" in done.stderr and known.state() == "old"


def test_undo_while_it_is_used(known: Known) -> None:
    assert run(fix(known.patient)).returncode == 0
    # it would keep the compiled code of what its environment's `.pth` files import
    process = subprocess.Popen([known.patient.env / "bin/python", "-c", "print(1, flush=True); input()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})  # fmt: skip
    assert process.stdout is not None and process.stdout.readline()
    done = patients.undo(known.patient)
    process.kill()
    process.communicate()
    assert done.returncode == 3 and str(process.pid) in done.stderr and known.state() == "new"


def test_a_hostile_record_and_metadata_do_not_hang_or_crash(fresh: Patient) -> None:
    info = fresh.site / "alpha-1.0.dist-info"
    (info / "METADATA").unlink()
    os.mkfifo(info / "METADATA")
    record = info / "RECORD"
    record.write_bytes(record.read_bytes() + b"alpha/\0evil.py,,\n")
    done = run(fix(fresh), timeout=60)
    assert done.returncode == 3 and "Traceback" not in done.stderr, done.stderr
    assert fresh.beside() == []
