"""Claims about the kernel carry evidence, or are not made."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, environment

from doctor.findings.run import CoreDump
from doctor.run.story import endings
from doctor.run.watch import coredump, oom

EVENTS = "low 0\nhigh 0\nmax 9\noom 1\noom_kill {n}\noom_group_kill 0\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine's system files, with nothing wrong in them."""
    root = tmp_path / "system"
    for name, content in {
        "proc/vmstat": "nr_free_pages 5\noom_kill 4\n",
        "proc/self/cgroup": "0::/user.slice/a.scope\n",
        "sys/fs/cgroup/user.slice/a.scope/memory.events": EVENTS.format(n=0),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    monkeypatch.setenv("QVL_DOCTOR_SYSROOT", str(root))
    return root


def _die(doctor: Doctor, system: Path, first: str = "") -> None:
    code = f"{first}\nimport os; os.kill(os.getpid(), 9)"
    assert doctor.run([PYTHON, "-c", code], env=environment(QVL_DOCTOR_SYSROOT=str(system))).returncode == 137


def test_a_moved_cgroup_counter_confirms(doctor: Doctor, system: Path) -> None:
    path = system / "sys/fs/cgroup/user.slice/a.scope/memory.events"
    _die(doctor, system, f"open({str(path)!r}, 'w').write({EVENTS.format(n=1)!r})")
    assert (doctor.report["cause"]["kind"], doctor.report["cause"]["confidence"]) == ("oom-kill", "confirmed")
    assert "from 0 to 1" in str(doctor.report["cause"]["evidence"])


def test_a_moved_vmstat_alone_makes_it_likely(doctor: Doctor, system: Path) -> None:
    _die(doctor, system, f"open({str(system / 'proc/vmstat')!r}, 'w').write('oom_kill 5\\n')")
    assert (doctor.report["cause"]["kind"], doctor.report["cause"]["confidence"]) == ("oom-kill", "likely")


def test_nothing_moved_is_not_called_oom(doctor: Doctor, system: Path) -> None:
    _die(doctor, system)
    assert doctor.report["cause"]["kind"] == "signal"
    assert "sender unknown" in str(doctor.report["cause"])
    assert not re.search(r"(?i)oom[^\n]{0,60}confirmed", doctor.beside)


def test_an_unreadable_counter_proves_nothing(doctor: Doctor, system: Path) -> None:
    (system / "proc/vmstat").unlink()
    _die(doctor, system, f"open({str(system / 'proc/vmstat')!r}, 'w').write('oom_kill 5\\n')")
    assert doctor.report["cause"]["confidence"] == "unknown"
    assert "not readable" in str(doctor.report["cause"]["evidence"])


def test_another_end_with_a_moved_counter_is_no_oom_kill(doctor: Doctor, system: Path) -> None:
    path = system / "sys/fs/cgroup/user.slice/a.scope/memory.events"
    code = f"open({str(path)!r}, 'w').write({EVENTS.format(n=1)!r}); raise SystemExit(3)"
    doctor.run([PYTHON, "-c", code], env=environment(QVL_DOCTOR_SYSROOT=str(system)))
    assert doctor.report["cause"]["kind"] == "exit-status"


def test_the_kernel_log_names_the_victim(doctor: Doctor, system: Path) -> None:
    kmsg = system / "dev/kmsg"
    kmsg.parent.mkdir()
    code = (
        "import os, time\n"
        "line = '3,7,%d,-;Memory cgroup out of memory: Killed process %d (python) total-vm:1kB'\n"
        f"open({str(kmsg)!r}, 'w').write(line % (time.monotonic() * 1e6, os.getpid()) + '\\n')"
    )
    _die(doctor, system, code)
    assert doctor.report["cause"]["confidence"] == "confirmed"


def _xid(when: str) -> str:
    return (
        "import os, time, sys\nline = '4,1,%d,-;NVRM: Xid (PCI:0000:01:00): 79, pid=%d, name=python3, "
        "GPU has fallen off the bus.'\n"
        f"open(sys.argv[1], 'w').write(line % ({when} * 1e6, os.getpid()) + '\\n'); sys.exit(1)"
    )


def test_a_gpu_error_of_the_run_is_evidence(doctor: Doctor, system: Path) -> None:
    (system / "dev").mkdir()
    server = [PYTHON, "-c", _xid("time.monotonic()"), str(system / "dev/kmsg")]
    doctor.run(server, env=environment(QVL_DOCTOR_SYSROOT=str(system)))
    (found,) = doctor.report["xid"]
    assert (found["xid"], found["pid"]) == (79, doctor.report["processes"][0]["pid"])
    assert "fallen off the bus" in (doctor.folder / "report.txt").read_text()


def test_a_gpu_error_before_the_run_is_not(doctor: Doctor, system: Path) -> None:
    (system / "dev").mkdir()
    server = [PYTHON, "-c", _xid("(time.monotonic() - 5)"), str(system / "dev/kmsg")]
    doctor.run(server, env=environment(QVL_DOCTOR_SYSROOT=str(system)))
    assert doctor.report["xid"] == []


def test_a_gpu_error_of_another_process_is_not(doctor: Doctor, system: Path) -> None:
    (system / "dev").mkdir()
    server = [PYTHON, "-c", _xid("time.monotonic()").replace("os.getpid()", "1"), str(system / "dev/kmsg")]
    doctor.run(server, env=environment(QVL_DOCTOR_SYSROOT=str(system)))
    assert doctor.report["xid"] == []


def test_an_unreadable_kernel_log_is_said(doctor: Doctor, system: Path) -> None:
    (system / "dev/kmsg").mkdir(parents=True)
    done = doctor.run(["sh", "-c", "exit 1"], env=environment(QVL_DOCTOR_SYSROOT=str(system)))
    assert done.returncode == 1
    assert any("kernel log not readable" in n for n in doctor.report["notes"])


def test_counters_of_version_one_and_of_containers(system: Path) -> None:
    (system / "proc/self/cgroup").write_text("4:memory:/docker/abc\n0::/\n")
    place = system / "sys/fs/cgroup/memory"
    place.mkdir(parents=True)
    (place / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    found = oom.snapshot()
    assert found["cgroup memory.oom_control oom_kill"] == 3
    assert found["cgroup memory.events oom_kill"] is None
    assert oom.moved(found, found | {"cgroup memory.events oom_kill": 5}) == {}


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [("core", "core", "core"), ("core.%p", "core.77", "core.77"), ("dump-%e-%p-%t", "dump-x-77-123", "dump-x-77-123")],
)
def test_core_files_are_found(system: Path, tmp_path: Path, pattern: str, name: str, expected: str) -> None:
    (system / "proc/sys/kernel").mkdir(parents=True)
    (system / "proc/sys/kernel/core_pattern").write_text(pattern + "\n")
    (tmp_path / name).write_text("")
    found = coredump.where(77, "x", str(tmp_path), True, time.time())
    assert found and found.file == str(tmp_path / expected)
    old = coredump.where(77, "x", str(tmp_path), True, time.time() + 60)
    assert old and old.file is None


def test_core_handlers_are_explained(system: Path) -> None:
    (system / "proc/sys/kernel").mkdir(parents=True)
    path = system / "proc/sys/kernel/core_pattern"
    path.write_text("|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h\n")
    assert coredump.where(77, "x", "/", True, 0) == CoreDump(77, path.read_text().strip(), hint="coredumpctl info 77")
    path.write_text("|/wsl-capture-crash %t %E %p %s\n")
    assert "wsl-crashes" in str(coredump.where(77, "x", "/", True, 0))
    assert coredump.where(77, "x", "/", False, 0) is None


def test_endings_in_words() -> None:
    assert "SIGSEGV" in endings.sentence(endings.ending(11)) and "core dump" in endings.sentence(endings.ending(11 | 0x80))
    assert endings.ending(13 << 8).exit_code == 13
    assert endings.ending(None).exit_code is None
    assert endings.name_of(int(os.WTERMSIG(9))) == "SIGKILL"
