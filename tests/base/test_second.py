"""A second process: what it answers, that its end is not ours, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from doctor.base import second as module
from doctor.base.second import Gone, Second, second

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")


@contextmanager
def started(prepare: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Second]:
    monkeypatch.setattr(module, "_pays", lambda: True)
    process = second(prepare)  # type: ignore[arg-type]
    assert process is not None
    try:
        yield process
    finally:
        process.close()


def test_answers_in_order_from_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with started(lambda: lambda question: (os.getpid(), question * 2), monkeypatch) as process:
        pid, first = process.ask(21)
        assert (first, process.ask("ab")) == (42, (pid, "abab"))
    assert pid != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_prepares_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare() -> object:
        made = time.monotonic()
        return lambda question: made

    with started(prepare, monkeypatch) as process:
        time.sleep(0.2)
        assert process.ask(None) < time.monotonic() - 0.1


def test_a_failure_there_is_no_answer_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare() -> object:
        raise MemoryError

    with started(prepare, monkeypatch) as process, pytest.raises(Gone):
        process.ask(1)


def test_killed_meanwhile_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with started(lambda: lambda question: os.getpid(), monkeypatch) as process:
        os.kill(process.ask(None), signal.SIGKILL)
        with pytest.raises(Gone):
            process.ask(None)


def test_ends_with_its_parent() -> None:
    code = (
        "import os, doctor.base.second as s; s._pays = lambda: True\n"
        "p = s.second(lambda: lambda q: os.getpid()); print(p.ask(0), flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    pid, until = int(done.stdout), time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_one_process_is_better_beside_threads_or_with_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    assert second(lambda: lambda question: question) is None
