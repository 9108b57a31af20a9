"""Signals and the terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, alive, ended, environment, state, text, wait_for

pytestmark = pytest.mark.system

SERVER = """
import signal, os, sys, time
side, life = sys.argv[1], float(sys.argv[2])
def note(s):
    with open(side, 'a') as f: f.write(s + '\\n')
for s in (1, 2, 3, 10, 12, 15, 28):
    signal.signal(s, lambda n, f: note(signal.Signals(n).name))
note('READY %d' % os.getpid())
t = time.monotonic()
while time.monotonic() - t < life: time.sleep(0.02)
"""


def ready(side: Path) -> int:
    """The server's pid, once it has its handlers."""
    return int(wait_for(lambda: "READY" in text(side) and text(side).endswith("\n") and text(side)).split()[1])


def received(side: Path) -> list[str]:
    return [line for line in text(side).split("\n") if line.startswith("SIG")]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"])
def test_each_signal_arrives_once(doctor: Doctor, tmp_path: Path, name: str) -> None:
    side = tmp_path / "side"
    process = doctor.start([PYTHON, "-c", SERVER, str(side), "1.2"])
    ready(side)
    process.send_signal(getattr(signal, name))
    assert ended(process) == 0
    assert received(side) == [name]
    assert [r["name"] for r in doctor.report["requested"]] == [name]
    assert doctor.report["requested"][0]["sender"] == os.getpid()


def test_a_deaf_server_is_killed_after_the_grace(doctor: Doctor, tmp_path: Path) -> None:
    side = tmp_path / "side"
    process = doctor.start([PYTHON, "-c", SERVER, str(side), "60"], "--grace", "1.5")
    ready(side)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert ended(process) == 137
    assert 1.2 < time.monotonic() - began < 6
    assert doctor.report["cause"]["kind"] == "killed-by-doctor"
    assert "oom" not in str(doctor.report["cause"]).lower()


def test_each_ctrl_c_is_handed_on_and_the_third_kills_everything(doctor: Doctor, tmp_path: Path) -> None:
    side, worker = tmp_path / "side", tmp_path / "worker"
    fork = (
        "import os, time\nif os.fork() == 0:\n"
        f"    os.setsid(); open({str(worker)!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    )
    process = doctor.start([PYTHON, "-c", fork + SERVER, str(side), "60"], "--grace", "60")
    ready(side)
    pid = int(wait_for(lambda: text(worker)))
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: received(side) == ["SIGINT"])
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: received(side) == ["SIGINT", "SIGINT"])
    assert process.poll() is None
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert ended(process) == 137
    assert time.monotonic() - began < 3
    assert not alive(pid)
    assert "three times" in str(doctor.report["cause"])


def test_ctrl_c_at_a_terminal_reaches_the_whole_group_once(doctor: Doctor, tmp_path: Path) -> None:
    """Through a shell script that waits, as a terminal does it without doctor."""
    side = tmp_path / "side"
    script = tmp_path / "start.sh"
    script.write_text(f"#!/bin/sh\n'{PYTHON}' -c \"$CODE\" '{side}' 1.5\nexit 7\n")
    script.chmod(0o755)
    pid, terminal = pty.fork()
    if pid == 0:
        command = doctor.command([str(script)])
        os.execvpe(command[0], command, environment(CODE=SERVER))
    ready(side)
    time.sleep(0.2)
    os.write(terminal, b"\x03")
    wait_for(lambda: received(side))
    status = _wait(pid, terminal)
    assert received(side) == ["SIGINT"]
    assert os.WEXITSTATUS(status) in (7, 130)


def test_a_closed_terminal_is_one_hangup(doctor: Doctor, tmp_path: Path) -> None:
    side = tmp_path / "side"
    pid, terminal = pty.fork()
    if pid == 0:
        command = doctor.command([PYTHON, "-c", SERVER, str(side), "1.5"])
        os.execvpe(command[0], command, environment())
    ready(side)
    time.sleep(0.3)
    os.close(terminal)
    assert _wait(pid, None) == 0
    assert received(side) == ["SIGHUP"]
    assert doctor.report["exit_code"] == 0


def _wait(pid: int, terminal: int | None) -> int:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.05)
        if terminal is not None:
            import select

            if select.select([terminal], [], [], 0)[0]:
                try:
                    os.read(terminal, 65536)
                except OSError:
                    terminal = None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("doctor did not end")


def test_stop_and_go_on(doctor: Doctor, tmp_path: Path) -> None:
    side = tmp_path / "side"
    process = doctor.start([PYTHON, "-c", SERVER, str(side), "3"])
    server = ready(side)
    process.send_signal(signal.SIGTSTP)
    wait_for(lambda: state(process.pid) == "T" and state(server) == "T", 3)
    process.send_signal(signal.SIGCONT)
    wait_for(lambda: state(process.pid) in "SR" and state(server) in "SR", 3)
    assert ended(process) == 0


@pytest.mark.parametrize("wrapper", [[], ["nohup"], ["env", "--block-signal=USR1"], ["env", "--ignore-signal=CHLD"]])
def test_the_servers_signals_are_as_without_doctor(doctor: Doctor, wrapper: list[str]) -> None:
    code = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('SigBlk', 'SigIgn'))])"
    kw = {"stdin": subprocess.DEVNULL, "env": environment(), "timeout": 30}
    plain = subprocess.run([*wrapper, PYTHON, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **kw)
    if plain.returncode:
        pytest.skip("this system's env(1) cannot set signals")
    done = subprocess.run([*wrapper, *doctor.command([PYTHON, "-c", code])], capture_output=True, **kw)
    assert done.returncode == 0
    assert doctor.log == plain.stdout


def test_children_ignored_by_our_parent_still_have_a_status(doctor: Doctor) -> None:
    done = doctor.run(["sh", "-c", "exit 3"], preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 3


def test_term_before_the_start(doctor: Doctor, tmp_path: Path) -> None:
    """At whatever moment it comes: the server is not started, or it gets the signal; it never lives on alone."""
    for delay in (0.0, 0.03, 0.06, 0.09, 0.12, 0.16, 0.2, 0.25, 0.3):
        side = tmp_path / f"side{delay}"
        code = f"import os, time; open({str(side)!r}, 'w').write(str(os.getpid())); time.sleep(20)"
        process = doctor.start([PYTHON, "-c", code])
        time.sleep(delay)
        process.send_signal(signal.SIGTERM)
        assert ended(process) in (-15, 143)
        assert not (text(side) and alive(int(text(side))))


def test_nohup_server_survives_a_hangup(doctor: Doctor, tmp_path: Path) -> None:
    side = tmp_path / "side"
    command = ["nohup", *doctor.command([PYTHON, "-c", SERVER, str(side), "1"])]
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, env=environment(), start_new_session=True)
    ready(side)
    process.send_signal(signal.SIGHUP)
    assert ended(process) == 0
    assert received(side) == []


def test_the_server_has_a_session_and_no_terminal_of_ours(doctor: Doctor) -> None:
    done = doctor.run([PYTHON, "-c", "import os; print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid())"])
    assert done.returncode == 0
    assert doctor.log == b"True True\n"


def test_descriptors_given_to_us_reach_the_server(doctor: Doctor, tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_text("content")
    fd = os.open(path, os.O_RDONLY)
    code = f"import os; print(os.read({fd}, 9)); print(len(os.listdir('/proc/self/fd')))"
    doctor.run([PYTHON, "-c", code], pass_fds=(fd,))
    plain = subprocess.run([PYTHON, "-c", code], pass_fds=(fd,), stdin=subprocess.DEVNULL, capture_output=True)
    os.close(fd)
    assert doctor.log.splitlines()[0] == b"b'content'"
    assert plain.returncode == 0 and len(doctor.log.splitlines()) == 2
