"""A full disk stops neither the server nor the report."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from doctor_run import PYTHON, ROOT, Doctor, ended, environment, wait_for

from doctor.run.log import logfile, sink

pytestmark = pytest.mark.system

LOUD = "import sys\nfor i in range(int(sys.argv[1])): print('LINE %09d %s' % (i, 'x' * 80))\nprint('THE END')"


@pytest.fixture(autouse=True)
def _other_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize("size", [2, 8, 40])
def test_a_disk_too_small_for_the_log(small_disk: Callable[[int], Path], size: int) -> None:
    doctor = Doctor(small_disk(size) / "logs")
    done = doctor.run([PYTHON, "-c", LOUD, "1000000"], stdout=subprocess.DEVNULL)
    assert done.returncode == 0
    assert doctor.report["tail"][-1] == "THE END"
    assert any("nearly full" in w for w in doctor.report["warnings"])


def test_no_space_at_all_for_anything(small_disk: Callable[[int], Path]) -> None:
    place = small_disk(1)
    doctor = Doctor(place / "logs")
    doctor.base.mkdir()
    _fill(place)
    done = doctor.run([PYTHON, "-c", "print('hello'); raise SystemExit(3)"])
    assert done.returncode in (3, 125), "it ran, or it said that there is no place for the log"
    assert b"Traceback" not in done.stdout


def _in_full_places(small_disk: Callable[[int], Path], tmp_path: Path, places: tuple[str, ...]) -> list[str]:
    """A run without `--log-dir` whose home is full and whose `places` are hidden by read-only disks."""
    home = small_disk(1)
    _fill(home)
    if any(Path(PYTHON).is_relative_to(place) for place in places):
        pytest.skip(f"the interpreter lies below a place that is hidden here: {PYTHON}")
    mounts = [f"mount -t tmpfs -o ro tmpfs {place}" for place in places]
    server = "'echo hello; echo err >&2; exit 3'"
    script = " && ".join(["cd /", *mounts, f"exec {PYTHON} -m doctor run --no-check -- sh -c {server}"])
    env = environment(HOME=str(home), XDG_STATE_HOME=str(home / "state"))
    env["PYTHONPATH"] = "/mnt"
    inner = f"mount --bind {ROOT} /mnt && {script}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", inner], env=env, capture_output=True, stdin=subprocess.DEVNULL)
    if b"unshare" in done.stderr:
        pytest.skip("mounts of one's own are not allowed here")
    assert done.returncode == 3 and done.stdout == b"hello\n"
    return done.stderr.decode().splitlines()


def test_a_full_home_is_no_place_for_the_log(small_disk: Callable[[int], Path], tmp_path: Path) -> None:
    said = _in_full_places(small_disk, tmp_path, ())
    folder = Path(next(x for line in said if (x := line.partition("doctor: the log is kept in ")[2])))
    assert str(folder).startswith("/tmp/qvl-doctor-") and (folder / "output.log").read_bytes() == b"hello\n"
    assert any("the default log folder cannot be used" in line for line in said)
    shutil.rmtree(folder)


def test_where_nothing_can_be_written_the_server_starts_all_the_same(
    small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    said = _in_full_places(small_disk, tmp_path, ("/var/tmp", "/dev/shm", "/tmp"))
    assert any("the log is shown here only" in line for line in said) and "err" in said
    assert any("exited with status 3" in line for line in said)
    assert not any("report" in line for line in said)


def test_somebody_else_fills_the_disk(small_disk: Callable[[int], Path]) -> None:
    place = small_disk(160)
    doctor = Doctor(place / "logs")
    code = (
        "import sys, time\nfor i in range(60):\n    time.sleep(0.05)\n"
        "    for j in range(400): print('LINE %06d %06d %s' % (i, j, 'x' * 80))\nprint('THE END')"
    )
    process = doctor.start([PYTHON, "-c", code])
    wait_for(lambda: doctor.base.exists() and doctor.log.count(b"LINE") > 2000)
    _fill(place)
    assert ended(process) == 0
    assert doctor.log.endswith(b"THE END\n")
    assert doctor.report["outcome"] == "exited"


LINES = "import time\nfor i in range({count}): print('LINE %04d' % i + 'x' * {width}, flush=True); time.sleep(0.01)\n"


@pytest.mark.parametrize("size", [20, 100], ids=["through a holder", "by the server itself"])
def test_what_comes_on_a_full_disk_is_kept_elsewhere_and_in_order(
    small_disk: Callable[[int], Path], tmp_path: Path, size: int
) -> None:
    """Somebody fills the disk and takes every byte that becomes free; the server says 12 MB more."""
    place = small_disk(size)
    doctor = Doctor(place / "logs")
    with (tmp_path / "shown").open("wb") as shown, (place / "filler").open("wb", buffering=0) as filler:
        process = doctor.start([PYTHON, "-c", LINES.format(count=200, width=60_000)], stdout=shown)
        wait_for(lambda: doctor.base.exists() and b"LINE 0009" in doctor.log)
        while process.poll() is None:
            _take_all(filler)
            time.sleep(0.01)
    whole = b"".join(b"LINE %04d" % i + b"x" * 60_000 + b"\n" for i in range(200))
    assert process.returncode == 0
    assert doctor.log == whole == (tmp_path / "shown").read_bytes()
    assert any("the disk of the log is full" in w for w in doctor.report["warnings"])
    log = doctor.folder / "output.log"
    if not log.is_symlink():
        return  # there was room again in the very last moment
    kept = log.readlink()
    assert str(tmp_path / "state") in str(kept) and kept.stat().st_mode & 0o077 == 0
    prune = [PYTHON, "-m", "doctor", "runs", "prune", "--keep", "0", "--log-dir", str(doctor.base)]
    subprocess.run(prune, env=environment(), check=True, capture_output=True)
    assert not kept.parent.exists()


def test_a_disk_with_room_again_has_the_whole_log(small_disk: Callable[[int], Path], tmp_path: Path) -> None:
    place = small_disk(100)
    doctor = Doctor(place / "logs")
    process = doctor.start([PYTHON, "-c", LINES.format(count=150, width=200_000)])
    wait_for(lambda: doctor.base.exists() and b"LINE 0009" in doctor.log)
    _fill(place)
    wait_for(lambda: list((tmp_path / "state").rglob("output.log")))
    (place / "filler").unlink()
    assert ended(process) == 0
    assert doctor.log.count(b"x" * 200_000 + b"\n") == 150 and b"\0" not in doctor.log
    assert not (doctor.folder / "output.log").is_symlink() and not list((tmp_path / "state").rglob("output.log"))


def test_a_link_in_a_run_folder_that_leads_anywhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("a secret")
    (tmp_path / "output.log").symlink_to(tmp_path / "other")
    assert logfile.logs_of(tmp_path) == []


def _fill(place: Path) -> None:
    with (place / "filler").open("wb", buffering=0) as filler:
        _take_all(filler)


def _take_all(filler: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        while filler.write(b"\xff" * (1 << 16)):
            pass


def test_the_holder_outlives_doctor(small_disk: Callable[[int], Path]) -> None:
    doctor = Doctor(small_disk(8) / "logs")
    process = doctor.start(
        [PYTHON, "-c", "import time\nfor i in range(20): print('LINE', i); time.sleep(0.1)\nprint('THE END')"]
    )
    wait_for(lambda: doctor.base.exists() and b"LINE 3" in doctor.log)
    process.kill()
    process.wait()
    wait_for(lambda: b"THE END" in doctor.log, 6)


def test_a_killed_holder_gets_a_successor(small_disk: Callable[[int], Path]) -> None:
    doctor = Doctor(small_disk(8) / "logs")
    code = "import time\nfor i in range(200): print('LINE', i); time.sleep(0.01)\nprint('THE END')"
    process = doctor.start([PYTHON, "-c", code])
    wait_for(lambda: doctor.base.exists() and b"LINE 3" in doctor.log)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    holder = next(int(c) for c in children if "--log-dir" in Path(f"/proc/{c}/cmdline").read_text())
    os.kill(holder, 9)
    assert ended(process) == 0
    assert doctor.log.endswith(b"THE END\n") and doctor.log.count(b"LINE") >= 199


def test_where_nothing_can_be_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without holes: the beginning stays in the log, the end comes in a second part."""
    monkeypatch.setattr(sink.reserve, "can_punch", lambda fd: False)
    full = sink.Sink(logfile.create(tmp_path / "output.log"), 1 << 20)
    for i in range(100_000):
        full.write(b"LINE %09d xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" % i)
    full.write(b"THE END\n")
    full.close()
    parts = [p.read_bytes() for p in logfile.logs_of(tmp_path)]
    assert parts[0].startswith(b"LINE 000000000 ")
    assert parts[1].endswith(b"THE END\n") and len(parts[1]) >= 1 << 20
    assert sum(map(len, parts)) < 3 << 20
