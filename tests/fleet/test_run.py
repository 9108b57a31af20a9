"""`fleet run`: who failed first, what is stopped, and that nothing stays when the coordinator dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from doctor.findings.fleet import EndRow
from doctor.fleet.carriers import CarrierError
from doctor.fleet.check import ranked_launch
from doctor.fleet.failing import first_failure, is_echo
from doctor.fleet.places import Asking
from doctor.fleet.ray_jobs import RayCluster
from tests.cli.running import doctor
from tests.fleet.test_check import left, shell

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def server(folder: Path, **ranks: str) -> str:
    """A program that does what its rank's line of shell says."""
    place = folder / f"server{time.monotonic_ns()}"
    cases = "".join(f"{name.removeprefix('r')}) {text};;\n" for name, text in ranks.items())
    place.write_text(f'#!/bin/sh\ncase $1 in\n{cases}esac\n')
    place.chmod(0o755)
    return str(place)


def run(home: Path, program: str, *more: str) -> tuple[int, dict[str, object], str]:
    done = doctor("fleet", "run", "--no-check", "--hosts", "a,b,c", "--through", shell(home), "--format", "json", *more,
                  "--", program, "{rank}", home=home)  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


OOM = "echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB' >&2; exit 7"
GONE = "echo 'RuntimeError: [gloo] Connection closed by peer [10.0.0.2]:1234' >&2; exit 1"


def test_the_rank_with_an_error_of_its_own_is_the_first_even_if_it_ends_last(home: Path) -> None:
    program = server(home, r0=f"sleep 1; {GONE}", r1=f"sleep 3; {OOM}", r2=f"sleep 1; {GONE}")
    status, told, shown = run(home, program)
    rows = {r["name"]: r for r in told["ranks"]}  # type: ignore[attr-defined]
    assert told["first"] == "b" and status == 7
    assert rows["a"]["echo"] and rows["c"]["echo"] and not rows["b"]["echo"]
    assert "memory" in rows["b"]["found"]
    assert "b| torch.OutOfMemoryError" in shown


def test_ranks_that_hang_after_a_failure_are_stopped_and_said_to_be(home: Path) -> None:
    program = server(home, r0="sleep 300", r1=f"sleep 1; {OOM}", r2="trap '' TERM; sleep 300 & wait; sleep 300")
    begun = time.monotonic()
    status, told, _ = run(home, program, "--patience", "1", "--grace", "1")
    rows = {r["name"]: r for r in told["ranks"]}  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 60
    assert (told["first"], status) == ("b", 7)
    assert rows["a"]["stopped"] and rows["c"]["stopped"] and not rows["b"]["stopped"]


def test_all_well_is_0(home: Path) -> None:
    status, told, _ = run(home, server(home, r0="exit 0", r1="exit 0", r2="exit 0"))
    assert status == 0 and told["first"] is None


SECRET = "sk-live-4f1c2b9d8e7a6f5c4b3a"


def test_a_server_gets_its_secrets_and_a_check_shows_none() -> None:
    words = ("vllm", "serve", "m", "--nnodes", "2", "--master-addr", "10.0.0.1", "--api-key", SECRET)
    started = ranked_launch(Asking(launch=words), whole=True)
    assert all(SECRET in started(rank) for rank in (0, 1))
    assert "--node-rank" in started(1)
    checked = ranked_launch(Asking(launch=words))
    assert not any(SECRET in word for rank in (0, 1) for word in checked(rank))


@pytest.mark.parametrize("address", ["http://[x", "ftp://head", "http://"])
def test_what_is_no_address_of_ray_is_one_sentence(address: str) -> None:
    with pytest.raises(CarrierError, match="not the address of a Ray dashboard"):
        RayCluster.at(address, b"")


@pytest.mark.parametrize("moment", [1.0, 4.0, 8.0])
def test_kill_9_of_the_coordinator_ends_the_servers(home: Path, moment: float) -> None:
    mark = f"fleetrun{os.getpid()}x{int(moment * 100)}"
    program = server(home, r0="sleep 600", r1="sleep 600")
    environ = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen(
        [sys.executable, "-m", "doctor", "fleet", "run", "--no-check", "--grace", "1", "--hosts", f"{mark}a,{mark}b", "--through",
         shell(home), "--", program, "{rank}"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(moment)
    child.send_signal(signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 15
    while (found := left(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not found


def test_the_check_before_the_start_stops_it(home: Path) -> None:
    (home / "site").mkdir(exist_ok=True)
    done = doctor("fleet", "run", "--hosts", "a,b", "--through", shell(home), "--path", str(home / "site"), "--python-version",
                  "3.11", "--", "vllm", "serve", "m", "--nnodes", "2", "--master-addr", "127.0.0.1", home=home)  # fmt: skip
    assert done.returncode == 125 and "NET005" in done.stderr


@pytest.mark.parametrize(
    ("line", "echo"),
    [
        ("RuntimeError: [..pair.cc:152] Connection closed by peer [10.77.0.12]:26806", True),
        ("torch.distributed.DistNetworkError: The client socket has timed out after 8000ms", True),
        ("torch.distributed.DistStoreError: Timed out after 9 seconds waiting for clients. 2/3 clients joined.", True),
        ("ncclRemoteError: A call failed possibly due to a network error or a remote process exiting prematurely.", True),
        ("vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.", True),
        ("torch.OutOfMemoryError: CUDA out of memory.", False),
        ("RuntimeError: Unable to find address for: eth9", False),
        ("ModuleNotFoundError: No module named 'vllm'", False),
        ("ValueError: Unsupported quant method: gptq", False),
    ],
)
def test_last_words_that_only_report_another_rank(line: str, echo: bool) -> None:
    assert is_echo(["INFO started", line], None) is echo


def test_of_echoes_alone_the_earliest_is_named_with_that_reason() -> None:
    ends = [EndRow("a", 0, 1, 2.0, echo=True, order=2), EndRow("b", 1, 1, 1.0, echo=True, order=1)]
    first, why = first_failure(ends)
    assert first is ends[1] and "another rank is gone" in why
