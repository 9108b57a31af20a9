"""How it ended, and who was first."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, alive, ended, environment, state, text, wait_for

pytestmark = pytest.mark.system


@pytest.mark.parametrize("code", [0, 1, 2, 100, 124, 125, 126, 127, 128, 137, 254, 255])
def test_exit_statuses_come_through(doctor: Doctor, code: int) -> None:
    assert doctor.run(["sh", "-c", f"exit {code}"]).returncode == code
    assert doctor.report["exit_code"] == code


@pytest.mark.parametrize("name", ["TERM", "HUP", "QUIT", "KILL", "SEGV", "ABRT", "BUS", "FPE", "ILL", "SYS", "USR1"])
def test_signals_come_through(doctor: Doctor, name: str) -> None:
    number = getattr(signal, f"SIG{name}")
    reset = f"signal.signal({number}, 0)" if name != "KILL" else "0"
    done = doctor.run([PYTHON, "-c", f"import os, signal; {reset}; os.kill(os.getpid(), {number})"])
    assert done.returncode == 128 + number
    assert doctor.report["signal_name"] == f"SIG{name}"
    assert f"SIG{name}" in doctor.report["sentence"]


@pytest.mark.parametrize(
    ("make", "status"), [("missing", 127), ("plain", 126), ("folder", 126), ("no interpreter", 127)]
)
def test_what_cannot_be_started(doctor: Doctor, tmp_path: Path, make: str, status: int) -> None:
    target = tmp_path / "target"
    if make == "plain":
        target.write_text("x")
    elif make == "folder":
        target.mkdir()
    elif make == "no interpreter":
        target.write_text("#!/nonexistent/python\n")
        target.chmod(0o755)
    done = doctor.run([str(target)])
    assert done.returncode == status
    assert b"Traceback" not in done.stdout and str(target).encode() in done.stdout
    assert doctor.report["outcome"] == "not_started"


def test_a_script_without_a_first_line_runs_as_in_a_shell(doctor: Doctor, tmp_path: Path) -> None:
    script = tmp_path / "start"
    script.write_text("echo from a script $1\nexit 4\n")
    script.chmod(0o755)
    assert doctor.run([str(script), "word"]).returncode == 4
    assert doctor.log == b"from a script word\n"


def test_an_unusable_log_folder_stops_the_start(tmp_path: Path) -> None:
    side, blocked = tmp_path / "side", tmp_path / "file"
    blocked.write_text("x")
    done = Doctor(blocked / "logs").run([PYTHON, "-c", f"open({str(side)!r}, 'w')"])
    assert done.returncode == 125
    assert not side.exists()
    assert b"Traceback" not in done.stdout and b"not a directory" in done.stdout.lower()


def test_the_usual_places_unusable(tmp_path: Path) -> None:
    """HOME and XDG_STATE_HOME below a file: the log goes to /tmp, and the user is told where."""
    blocked = tmp_path / "file"
    blocked.write_text("x")
    env = environment(HOME=str(blocked / "home"), XDG_STATE_HOME=str(blocked / "state"))
    command = [PYTHON, "-m", "doctor", "run", "--", "sh", "-c", "echo kept"]
    done = subprocess.run(command, env=env, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    place = Path(f"/tmp/qvl-doctor-{os.getuid()}")
    assert done.returncode == 0
    assert str(place).encode() in done.stderr and b"warning" in done.stderr
    assert place.stat().st_mode & 0o777 == 0o700
    folder = Path(done.stderr.decode().split("the log is kept in ")[1].split("\n")[0])
    assert folder.parent == place and (folder / "output.log").read_bytes() == b"kept\n"
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_fallback_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    place = Path(f"/tmp/qvl-doctor-{os.getuid()}")
    place.mkdir(exist_ok=True)
    blocked = tmp_path / "file"
    blocked.write_text("x")
    os.chown(place, 12345, 12345)
    before = set(place.iterdir())
    try:
        env = environment(HOME=str(blocked / "home"), XDG_STATE_HOME=str(blocked / "state"))
        command = [PYTHON, "-m", "doctor", "run", "--", "sh", "-c", ":"]
        done = subprocess.run(command, env=env, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
        assert done.returncode == 0 and set(place.iterdir()) == before
        assert f"the log is kept in `/var/tmp/qvl-doctor-{os.getuid()}`" in done.stderr.decode()
        shutil.rmtree(done.stderr.decode().split("the log is kept in ")[1].split("\n")[0])
    finally:
        os.chown(place, os.getuid(), os.getgid())


def test_the_silent_worker_is_named(doctor: Doctor, tmp_path: Path) -> None:
    side, script = tmp_path / "side", tmp_path / "server.py"
    script.write_text(
        "import multiprocessing as mp, os, sys, time\n"
        "def w(s):\n    open(s, 'w').write(str(os.getpid())); time.sleep(0.8); os._exit(13)\n"
        "if __name__ == '__main__':\n"
        "    p = mp.get_context('spawn').Process(target=w, args=(sys.argv[1],))\n"
        "    p.start(); time.sleep(2); os._exit(1)\n"
    )
    assert doctor.run([PYTHON, str(script), str(side)]).returncode == 1
    first = doctor.report["first_failure"]
    assert (first["pid"], first["exit_code"]) == (int(side.read_text()), 13)


def test_the_worker_killed_by_a_signal_is_named_though_its_parent_collects_it(doctor: Doctor, tmp_path: Path) -> None:
    side = tmp_path / "side"
    code = (
        "import os, sys, time\npid = os.fork()\n"
        "if pid == 0:\n    time.sleep(0.6); os.kill(os.getpid(), 11)\n"
        f"open({str(side)!r}, 'w').write(str(pid)); os.waitpid(pid, 0); time.sleep(0.8)\nsys.exit(1)"
    )
    assert doctor.run([PYTHON, "-c", code]).returncode == 1
    first = doctor.report["first_failure"]
    assert first["pid"] == int(side.read_text())
    assert first["signal_name"] in ("SIGSEGV", None), "None only where the kernel does not tell"


HANGS = (
    "import multiprocessing as mp, os, sys, time\n"
    "def w(s, n):\n    open(s, 'w').write(str(os.getpid())); time.sleep(0.3); os.kill(os.getpid(), int(n))\n"
    "if __name__ == '__main__':\n"
    "    p = mp.get_context('spawn').Process(target=w, args=tuple(sys.argv[1:3]))\n"
    "    p.start(); p.join() if len(sys.argv) > 3 else None; open(sys.argv[1] + '.hang', 'w'); time.sleep(60)\n"
)


@pytest.mark.parametrize("collected", [True, False], ids=["collected", "left"])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_a_worker_that_dies_without_a_word_is_the_failure_of_a_server_that_hangs(
    doctor: Doctor, tmp_path: Path, name: str, collected: bool
) -> None:
    if collected and tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) < (6, 15):
        pytest.skip("this kernel does not tell how a process ended that its parent has collected")
    side, script = tmp_path / "side", tmp_path / "server.py"
    script.write_text(HANGS)
    words = [PYTHON, str(script), str(side), str(int(getattr(signal, name))), *(["join"] if collected else [])]
    with (tmp_path / "said").open("wb") as said:
        process = doctor.start(words, stderr=said)
    wait_for(lambda: b"qvl-doctor: process" in (tmp_path / "said").read_bytes())
    process.send_signal(signal.SIGINT)
    ended(process)
    first = doctor.report["first_failure"]
    assert (first["pid"], first["signal_name"]) == (int(side.read_text()), name)
    assert f"First to fail: process {first['pid']}" in (doctor.folder / "report.txt").read_text()
    assert f"process {first['pid']} (python" in text(tmp_path / "said")


def test_a_crash_and_the_end_of_its_parent_in_one_moment(doctor: Doctor) -> None:
    """The parent reads the status and ends with another at once; so does the main process when both are looked at.

    On a busy machine the crash can be over between two looks: then it is not said, but nothing else is in its place.
    """
    code = "import os; os.kill(os.getpid(), 6)"
    assert doctor.run(["sh", "-c", f"{PYTHON} -c '{code}'; exit 6"]).returncode == 6
    first = doctor.report["first_failure"]
    assert first["signal_name"] == "SIGABRT" or (first["signal_name"] is None and first["exit_code"] == 6)


def test_a_helper_that_says_no_is_not_the_failure(doctor: Doctor) -> None:
    code = (
        "import subprocess, time, sys; subprocess.call(['sh', '-c', 'sleep 0.3; exit 1']); time.sleep(0.5); sys.exit(7)"
    )
    assert doctor.run([PYTHON, "-c", code]).returncode == 7
    assert doctor.report["first_failure"]["exit_code"] == 7


def test_many_orphans_leave_no_zombie_and_no_descriptor(doctor: Doctor) -> None:
    code = (
        "import os, time\nfor i in range(200):\n    if os.fork() == 0:\n        if os.fork() == 0:\n"
        "            time.sleep(0.3); os._exit(7)\n        os._exit(0)\n    os.wait()\ntime.sleep(3)"
    )
    process = doctor.start([PYTHON, "-c", code])
    time.sleep(2.5)
    children = text(Path(f"/proc/{process.pid}/task/{process.pid}/children")).split()
    assert [c for c in children if state(int(c)) == "Z"] == []
    assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) < 40
    assert ended(process) == 0


def test_a_daemon_is_left_alone_and_listed(doctor: Doctor, tmp_path: Path) -> None:
    side = tmp_path / "side"
    code = (
        "import os, sys, time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n"
        f"open({str(side)!r}, 'w').write(str(os.getpid()))\n"
        "for i in range(20): os.write(1, b'daemon %d\\n' % i); time.sleep(0.1)"
    )
    done = doctor.run([PYTHON, "-c", code])
    pid = int(side.read_text())
    assert done.returncode == 0
    assert [s["pid"] for s in doctor.report["survivors"]] == [pid]
    wait_for(lambda: not alive(pid), 5)
    assert doctor.log.count(b"daemon") == 20


@pytest.mark.parametrize("way", ["crash", "asked"])
def test_no_worker_stays_behind(doctor: Doctor, tmp_path: Path, way: str) -> None:
    """A worker in a session of its own that ignores SIGTERM is gone after a crash, and after an orderly stop."""
    side = tmp_path / "side"
    code = (
        "import os, signal, sys, time\n"
        "if os.fork() == 0:\n    os.setsid(); signal.signal(15, signal.SIG_IGN)\n"
        f"    open({str(side)!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
        "signal.signal(15, lambda *_: os._exit(0))\n"
        f"while not os.path.exists({str(side)!r}): time.sleep(0.02)\n"
        "time.sleep(0.5)\n" + ("os.kill(os.getpid(), 9)" if way == "crash" else "time.sleep(60)")
    )
    process = doctor.start([PYTHON, "-c", code], "--grace", "1")
    pid = int(wait_for(lambda: text(side)))
    if way == "asked":
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
    assert ended(process) == (137 if way == "crash" else 0)
    assert not alive(pid)
    assert doctor.report["survivors"] == []


def test_the_clock_may_jump(doctor: Doctor, compiled: Callable[..., Path]) -> None:
    source = (
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <time.h>\n#include <sys/time.h>\n"
        "static int real(clockid_t c,struct timespec*t){static int(*r)(clockid_t,struct timespec*);"
        'if(!r)r=dlsym(RTLD_NEXT,"clock_gettime");return r(c,t);}\n'
        "static long off(void){static struct timespec s;struct timespec n;real(CLOCK_MONOTONIC,&n);if(!s.tv_sec)s=n;"
        "long e=n.tv_sec-s.tv_sec;return e>=2?86400:e>=1?-86400:0;}\n"
        "int clock_gettime(clockid_t c,struct timespec*t)"
        "{int x=real(c,t);if(c==CLOCK_REALTIME)t->tv_sec+=off();return x;}\n"
        "time_t time(time_t*t){struct timespec p;clock_gettime(CLOCK_REALTIME,&p);if(t)*t=p.tv_sec;return p.tv_sec;}\n"
    )
    library = compiled("jump.c", source, ["-shared", "-fPIC", "-ldl"])
    began = time.monotonic()
    done = doctor.run(
        [PYTHON, "-c", "import time; time.sleep(3); raise SystemExit(6)"], env=environment(LD_PRELOAD=str(library))
    )
    assert done.returncode == 6
    assert time.monotonic() - began < 10
    assert 2.8 < doctor.report["duration_seconds"] < 5
    assert 2.8 < doctor.report["first_failure"]["exited_after"] < 5


def test_six_runs_at_once_do_not_mix(doctor: Doctor) -> None:
    runs = [doctor.start(["sh", "-c", f"for i in 1 2 3 4 5; do echo RUN{k}; done"]) for k in range(6)]
    assert [ended(p) for p in runs] == [0] * 6
    logs = sorted(p.read_bytes() for p in doctor.base.glob("*/output.log"))
    assert logs == [b"RUN%d\n" % k * 5 for k in range(6)]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_everything_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    doctor = Doctor(tmp_path / "a b" / "日志")
    done = doctor.run(["sh", "-c", "umask; exit 3"], preexec_fn=lambda: os.umask(umask))
    assert done.returncode == 3
    assert int(doctor.log, 8) == umask, "the server's own umask is not changed"
    assert doctor.folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in doctor.folder.iterdir()} == {0o600}


def test_doctor_killed_then_reported(doctor: Doctor) -> None:
    process = doctor.start(
        [PYTHON, "-c", "import time\nprint('CUDA out of memory. Tried to allocate')\ntime.sleep(1.5)\nprint('END')"]
    )
    wait_for(lambda: doctor.base.exists() and b"CUDA" in doctor.log)
    process.kill()
    process.wait()
    again = [PYTHON, "-m", "doctor", "report", str(doctor.folder), "--format", "json"]
    early = subprocess.run(again, capture_output=True, env=environment(), timeout=30)
    assert json.loads(early.stdout)["outcome"] == "running"
    wait_for(lambda: b"END" in doctor.log, 5)
    time.sleep(0.3)
    late = subprocess.run(again, capture_output=True, env=environment(), timeout=30)
    assert late.returncode == 1 and b"Traceback" not in late.stderr
    assert json.loads(late.stdout)["outcome"] == "unobserved"
    assert any("out of memory" in line for line in doctor.report["tail"])


def test_doctor_and_server_killed_together(doctor: Doctor) -> None:
    process = doctor.start(
        [PYTHON, "-c", "import os, time\nos.write(1, b'x' * 5000 + b'\\nlast words')\ntime.sleep(30)"]
    )
    wait_for(lambda: doctor.base.exists() and b"last words" in doctor.log)
    lines = (doctor.folder / "events.jsonl").read_text().splitlines()
    pid = next(e["pid"] for e in map(json.loads, lines) if e["event"] == "start")
    os.kill(process.pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    process.wait()
    again = subprocess.run(
        [PYTHON, "-m", "doctor", "report", str(doctor.folder)], capture_output=True, env=environment()
    )
    assert again.returncode == 1
    assert b"last words" in again.stdout


def test_few_descriptors_are_enough(doctor: Doctor) -> None:
    """A low limit is the server's as well, and doctor watches without pidfds then."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))

    code = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.4 & done; ulimit -n; wait; exit 5"
    done = doctor.run(["sh", "-c", code], preexec_fn=limit)
    assert done.returncode == 5
    assert doctor.log == b"20\n"
    assert len(doctor.report["processes"]) == 13


def test_a_working_folder_that_is_gone(doctor: Doctor, tmp_path: Path) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    done = doctor.run(["sh", "-c", "echo hi; exit 3"], cwd=place, preexec_fn=place.rmdir)
    assert done.returncode == 3
    assert b"hi\n" in doctor.log


def test_almost_no_environment(tmp_path: Path) -> None:
    env = {"PYTHONPATH": environment()["PYTHONPATH"], "HOME": str(tmp_path)}
    command = [PYTHON, "-m", "doctor", "run", "--", "sh", "-c", "echo hi; exit 4"]
    assert subprocess.run(command, env=env, capture_output=True, timeout=30).returncode == 4
    (folder,) = (tmp_path / ".local/state/qvl-doctor/runs").iterdir()
    assert (folder / "output.log").read_bytes() == b"hi\n"


_FAILS = f"{PYTHON} -c 'import time; time.sleep(0.4); print(1); raise SystemExit(7)'"
_HANDLED = (f"{_FAILS} | cat || true", f"if {_FAILS} | cat; then exit 0; fi", f"trap 'exit 0' EXIT; {_FAILS} | cat", f"! {_FAILS} | false", f"{_FAILS} | cat; exit $((PIPESTATUS[0] - 7))", f"f() {{ {_FAILS} | cat; }}; f || true",
            f"{_FAILS}; true", f"{PYTHON} -c 'print(1)' | grep -v 1 | cat", "yes | head -1")  # fmt: skip


@pytest.mark.parametrize(
    "script",
    [
        f"{_FAILS} | tee /dev/null",
        f"cd / && {_FAILS} 2>&1 | cat >/dev/null",
        f"( {_FAILS} ) | cat; echo done",
        f"PY=1 {_FAILS} | cat | cat",
        f"A=1 nohup {_FAILS} 2>&1 | cat",
        f"serve() {{ {_FAILS}; }}; serve | cat",
        f"main() {{ if [ -n x ]; then {_FAILS} | cat; fi; }}; main",
    ],
)
def test_a_pipeline_that_hides_a_failure_ends_with_it(doctor: Doctor, script: str) -> None:
    assert doctor.run(["bash", "-c", script]).returncode == 7
    report = doctor.report
    assert (report["exit_code"], report["command_exit_code"]) == (7, 0)
    assert report["first_failure"]["exit_code"] == 7 and "pipeline" in report["sentence"]


@pytest.mark.parametrize("script", _HANDLED)
def test_a_pipeline_whose_failure_the_user_handles_stays_as_the_shell_says(doctor: Doctor, script: str) -> None:
    assert doctor.run(["bash", "-c", script]).returncode == 0
    assert doctor.report["command_exit_code"] == 0


def test_a_pipeline_in_a_script_file_and_with_pipefail(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(f"#!/bin/bash\n{_FAILS} | cat\n")
    (tmp_path / "run.sh").chmod(0o755)
    assert doctor.run([str(tmp_path / "run.sh")]).returncode == 7
