"""A small change to a large environment, in place and undone, its parts, beside a plain `cp -al`.

    python benchmarks/repair.py VENV NAME==VERSION WHEELS [--repeat 3] [--json FILE]

VENV is only read: the measurements are made on a clone of it by hard links, in a folder beside it that is removed at
the end. WHEELS is a folder with the wheel of NAME at VERSION. What is timed, each time in a new process: our whole
`fix --apply --in-place` (every rule run before and after), its parts, `fix --undo`, `cp -al`, and removing such a tree.
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
from collections.abc import Callable
from pathlib import Path

PARTS = (
    "clone_tree", "install", "verify_pins", "verify_judged", "entries_of", "write_manifest", "sync_file_system",
    "snapshot", "exchange",
)  # fmt: skip


def timed(action: Callable[[], object]) -> float:
    """Seconds on the wall."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def call(*argv: str) -> None:
    """Runs a command that must succeed."""
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{argv[0]}: {done.stdout}{done.stderr}")


def parts(prefix: str, pins: str, wheels: str) -> dict[str, float]:
    """One repair in this process, its parts timed; it is undone again."""
    from doctor.collect.python.target import TargetRequest
    from doctor.pipeline import Request
    from doctor.pipeline.repair import switch_in_place
    from doctor.repair.switch import inplace
    from doctor.repair.switch.undo import undo
    from doctor.repair.wheels.pins import read_pins
    from doctor.repair.wheels.prepare import Source

    took: dict[str, float] = {}

    def watched(name: str, inner: Callable[..., object]) -> Callable[..., object]:
        def outer(*args: object) -> object:
            start = time.perf_counter()
            try:
                return inner(*args)
            finally:
                took[name] = took.get(name, 0.0) + time.perf_counter() - start

        return outer

    for name in PARTS:
        setattr(inplace, name, watched(name, getattr(inplace, name)))
    wanted = inplace.WantedPins(read_pins(pins))
    switch_in_place(prefix, wanted, Source(wheels), Request(TargetRequest()), lambda _: None)
    undo(prefix)
    return took


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv")
    parser.add_argument("pin")
    parser.add_argument("wheels")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="qvl-repair-", dir=Path(given.venv).absolute().parent))
    env, other, pins = str(folder / "env"), str(folder / "other"), str(folder / "pins.txt")
    Path(pins).write_text(f"{given.pin}\n")
    doctor = (sys.executable, "-m", "doctor", "fix")
    fix = (*doctor, "--apply", "--in-place", "--yes", "--python", env, "--to", pins, "--find-links", given.wheels)
    results: dict[str, list[float]] = {}
    try:
        call("cp", "-al", given.venv, env)
        for _ in range(given.repeat):
            row = {
                "cp -al": timed(lambda: call("cp", "-al", env, other)),
                "rm -rf": timed(lambda: shutil.rmtree(other)),
                "fix --apply --in-place": timed(lambda: call(*fix)),
                "fix --undo": timed(lambda: call(*doctor, "--undo", "--python", env)),
            }
            row.update({f"  {name}": value for name, value in parts(env, pins, given.wheels).items()})
            for name, value in row.items():
                results.setdefault(name, []).append(value)
    finally:
        shutil.rmtree(folder)
    for name, values in results.items():
        print(f"{name:26} {statistics.median(values):8.3f} s   ({', '.join(f'{v:.3f}' for v in values)})")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if given.json:
        Path(given.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
