"""Killed at any moment: the path holds exactly the old or exactly the new environment, before and after `--recover`.

QVL_FULL=1 kills at every call and 60 times at random; without it every call of the switch itself and a sample.
"""

from __future__ import annotations

import collections
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.repair.conftest import Known
from tests.repair.patients import command, digest, fix, recover, run, undo

pytestmark = pytest.mark.system

FULL = bool(os.environ.get("QVL_FULL"))
RANDOM_KILLS = 60 if FULL else 12
STRACE = shutil.which("strace")
CALLS = ("rename", "renameat2", "fsync", "unlink")


def settled(known: Known, why: str) -> str:
    """The state, which must be whole before recovery and the same after it, with nothing left but an old tree."""
    before = known.state()
    assert before in ("old", "new"), f"{why}: the environment is neither the old nor the new one"
    done = recover(known.patient)
    assert done.returncode == 0, f"{why}: {done.stderr}"
    assert known.state() == before, f"{why}: recovery changed the environment"
    left = known.patient.beside()
    assert [digest(p) for p in left] == ([known.old] if before == "new" else []), f"{why}: left over: {left}"
    return before


def count_calls(argv: list[str], log: Path) -> dict[str, int]:
    """How often one process makes each call at most; strace counts for each process apart."""
    traced = ",".join(CALLS)
    assert run([str(STRACE), "-f", "-o", str(log), "-e", f"trace={traced}", *argv]).returncode == 0
    each = collections.Counter(
        (m[2], m[1]) for line in log.read_text().splitlines() if (m := re.match(r"(\d+) +(\w+)\(", line))
    )
    return {call: max([n for (c, _), n in each.items() if c == call], default=0) for call in CALLS}


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@pytest.mark.parametrize("what", ["fix", "undo"])
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_each_call(known: Known, tmp_path: Path, call: str, what: str) -> None:
    argv = fix(known.patient) if what == "fix" else command("--undo", "--python", str(known.patient.env))

    def ready() -> None:
        known.patient.reset()
        assert what == "fix" or run(fix(known.patient)).returncode == 0

    ready()
    count = count_calls(argv, tmp_path / "log")[call]
    if count == 0:
        pytest.skip(f"{what} makes no {call} here")
    chosen = range(1, count + 1)
    if not FULL and call != "renameat2" and count > 4:
        chosen = sorted(random.Random(call + what).sample(chosen, 4))  # type: ignore[assignment]
    hit = 0
    for k in chosen:
        ready()
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={k}"]
        killed = run([str(STRACE), "-f", "-o", os.devnull, *inject, *argv])
        if killed.returncode == 0:  # the installer's threads share the calls otherwise in every run
            continue
        hit += 1
        if what == "fix":
            settled(known, f"killed at {call} {k} of {count}")
        else:
            assert known.state() in ("old", "new")
            state = known.state()
            assert recover(known.patient).returncode == 0 and known.state() == state
            assert [digest(p) for p in known.patient.beside()] == ([known.old] if state == "new" else [])
    assert hit, f"{call}: nothing was killed"


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_order_on_disk(known: Known, tmp_path: Path) -> None:
    """For a loss of power: everything of the new tree is on disk before the exchange, the exchange right after it."""
    log = tmp_path / "log"
    trace = ["-f", "-y", "-e", "trace=syncfs,fsync,renameat2,rename"]
    assert run([str(STRACE), *trace, "-o", str(log), *fix(known.patient)]).returncode == 0
    lines = log.read_text().splitlines()
    swap = next(i for i, x in enumerate(lines) if "RENAME_EXCHANGE" in x and f'"{known.patient.env}"' in x)
    assert any("syncfs(" in x for x in lines[:swap])
    journal = [i for i, x in enumerate(lines) if "journal.json" in x and "rename(" in x]
    assert len([i for i in journal if i < swap]) == 2, "PREPARED and SWAPPING are written before the exchange"
    assert "fsync(" in lines[swap - 1] and ".qvl-work-" in lines[swap - 1], "the journal's folder is not on disk"
    assert "fsync(" in lines[swap + 1] and f"<{known.patient.env.parent}>" in lines[swap + 1]


def test_random_kills_of_the_process_group(known: Known) -> None:
    started = time.monotonic()
    assert run(fix(known.patient)).returncode == 0
    takes = time.monotonic() - started
    chance = random.Random(28)
    states = collections.Counter()
    for number in range(RANDOM_KILLS):
        known.patient.reset()
        process = subprocess.Popen(fix(known.patient), start_new_session=True, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(chance.uniform(0.15, 1.1) * takes)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        states[settled(known, f"random kill {number}")] += 1
    assert sum(states.values()) == RANDOM_KILLS


def test_killed_alone_its_installer_dies_with_it(known: Known) -> None:
    """Only doctor is killed, not its group: uv must not go on writing, and `--recover` finds the lock free."""
    for delay in (0.3, 0.45, 0.6):
        known.patient.reset()
        process = subprocess.Popen(fix(known.patient), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.kill()
        process.wait()
        settled(known, f"killed alone after {delay} s")


def test_after_a_kill_the_next_fix_goes_through(known: Known) -> None:
    process = subprocess.Popen(fix(known.patient), start_new_session=True, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("installing"):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert known.patient.beside(), "it was killed too late to leave anything"
    assert run(fix(known.patient)).returncode == 0 and known.state() == "new"
    assert undo(known.patient).returncode == 0 and known.state() == "old" and not known.patient.beside()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_everything_as_it_was(known: Known, number: int, status: int) -> None:
    for words in ("cloning", "installing", "verifying"):
        process = subprocess.Popen(fix(known.patient), stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(words):
                process.send_signal(number)
                break
        process.stderr.read()
        assert process.wait(30) == status, words
        assert known.state() == "old" and known.patient.beside() == [], words


def test_a_second_fix_finds_it_locked(known: Known) -> None:
    process = subprocess.Popen(fix(known.patient), stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("cloning"):
            break
    process.send_signal(signal.SIGSTOP)
    second = run(fix(known.patient))
    assert second.returncode == 3 and "locked" in second.stderr and str(process.pid) in second.stderr
    assert known.state() == "old"
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    process.stderr.read()
    assert process.wait(60) == 0 and known.state() == "new"


def test_a_change_meanwhile_by_someone_else_is_not_lost(known: Known) -> None:
    process = subprocess.Popen(fix(known.patient), stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("installing"):
            process.send_signal(signal.SIGSTOP)
            break
    (known.patient.site / "mine.py").write_text("x = 1\n")
    process.send_signal(signal.SIGCONT)
    said = process.stderr.read()
    assert process.wait(60) == 3 and "changed by another process" in said
    assert (known.patient.site / "mine.py").exists() and known.patient.beside() == []
