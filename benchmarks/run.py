"""`qvl-doctor run` beside tee(1): speed, lost bytes, a line's delay, idle cost, memory. Linux.

    python benchmarks/run.py [--rounds 5] [--gigabytes 1] [--large 10]

Both are measured in turn in one process, so that a busy machine is equally busy for both; medians and their ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SPEW = "import os, sys\nb = (b'x' * 119 + b'\\n') * 546\nn = 0\nwhile n < int(sys.argv[1]): n += os.write(1, b)"
TICK = "import os, time\nfor i in range(200):\n    time.sleep(0.013)\n    os.write(1, b'%d\\n' % time.monotonic_ns())"


def doctor(folder: Path, server: list[str], *options: str) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "doctor", "run", "--log-dir", str(folder), *options, "--", *server]


def environment() -> dict[str, str]:
    """With this tree's doctor."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def count(command: list[str]) -> tuple[float, int]:
    """Seconds until the end, and the bytes that came through a pipe to us."""
    began, total = time.monotonic(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()) as process:
        assert process.stdout
        while block := os.read(process.stdout.fileno(), 1 << 20):
            total += len(block)
    return time.monotonic() - began, total


def throughput(folder: Path, size: int, rounds: int) -> dict[str, Any]:
    """The whole way, start and end included: bytes written by a server, on disk and through a pipe, in MB/s."""
    spew = [sys.executable, "-c", SPEW, str(size)]
    rates: dict[str, list[float]] = {"doctor": [], "tee": []}
    lost = 0
    for _ in range(rounds):
        path = folder / "tee.log"
        script = '"$0" -c "$1" "$2" | tee "$3"'
        seconds, seen = count(["sh", "-c", script, sys.executable, SPEW, str(size), str(path)])
        rates["tee"].append(seen / seconds / 1e6)
        path.unlink()
        seconds, seen = count(doctor(folder / "runs", spew, "--max-log", "0"))
        kept = sum(p.stat().st_size for p in (folder / "runs").glob("*/output.log"))
        lost += (seen - kept) + max(0, size - kept)
        rates["doctor"].append(seen / seconds / 1e6)
        shutil.rmtree(folder / "runs")
    middle = {name: statistics.median(values) for name, values in rates.items()}
    return {"MB/s": middle, "ratio": middle["doctor"] / middle["tee"], "bytes lost": lost}


def delay(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds from a server's write to its arrival at the reader."""
    all_of: list[float] = []
    for _ in range(rounds):
        command = doctor(folder / "runs", [sys.executable, "-c", TICK])
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()) as process:
            assert process.stdout
            while block := os.read(process.stdout.fileno(), 1 << 16):
                now = time.monotonic_ns()
                all_of += [(now - int(word)) / 1e6 for word in block.split()]
    ordered = sorted(all_of)
    return {"median": ordered[len(ordered) // 2], "p99": ordered[len(ordered) * 99 // 100], "most": ordered[-1]}


def idle(folder: Path, seconds: float) -> dict[str, float]:
    """Share of one core that doctor takes while a server with four workers says nothing."""
    code = "import os, time\nfor _ in range(4):\n    if os.fork() == 0: time.sleep(600)\ntime.sleep(600)"
    process = subprocess.Popen(doctor(folder / "runs", [sys.executable, "-c", code]), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=environment())  # fmt: skip
    time.sleep(8)
    before = _cpu(process.pid)
    time.sleep(seconds)
    used = _cpu(process.pid) - before
    process.terminate()
    process.wait()
    return {"percent of a core": 100 * used / seconds}


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(folder: Path, gigabytes: float) -> dict[str, float]:
    """Resident MiB of doctor after 1 % and at the end of a long log."""
    spew = [sys.executable, "-c", SPEW, str(int(gigabytes * 1e9))]
    process = subprocess.Popen(
        doctor(folder / "runs", spew), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
    seen = []
    while process.poll() is None:
        with_memory = [x for x in Path(f"/proc/{process.pid}/status").read_text().splitlines() if x.startswith("VmRSS")]
        seen += [int(x.split()[1]) / 1024 for x in with_memory]
        time.sleep(0.05)
    return {"early": seen[min(len(seen) - 1, 20)], "most": max(seen), "gigabytes": gigabytes}


def main() -> None:
    """Measures everything and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--large", type=float, default=10.0)
    parser.add_argument("--idle", type=float, default=20.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = {
            "through a pipe": throughput(folder, int(given.gigabytes * 1e9), given.rounds),
            "delay of a line, ms": delay(folder, 2),
            "idle": idle(folder, given.idle),
            "memory, MiB": memory(folder, given.large),
        }
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
