"""How long the way out takes: the solver alone, the whole plan, and beside it what `uv pip compile` takes by itself.

    python benchmarks/fix.py [--runs 5]

The environment is made up of the matrix (LMDeploy's story: transformers too old or too new for what is installed beside
it), so that nothing has to be laid out. The caches are warm: first runs are not counted. Times are wall-clock medians,
the solver's from facts to solution with the data already read.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from doctor.derived.goal import goal_of
from doctor.facts import Distributions, Facts, Launch, Target
from doctor.matrix.declared import declared_gpu
from doctor.plan.build import build
from doctor.plan.freedom import Freedom
from doctor.plan.predict import released
from doctor.plan.solver.fewest import best
from doctor.plan.solver.minimal_conflict import conflict
from doctor.plan.solver.resolve import Deadline
from doctor.repair.errors import RepairError
from doctor.repair.wheels.resolver import compile_pins, platform_of

HERE = Path(__file__).resolve().parents[1]
COMMAND = ("lmdeploy", "serve", "api_server", "Qwen/Qwen-VL-Chat-Int4", "--backend", "pytorch")
LIMIT_SOLVE, LIMIT_PLAN = 0.150, 2.0
CASES = {
    "transformers too old": {"lmdeploy": "0.11.1", "transformers": "4.38.2", "tokenizers": "0.15.2"},
    "transformers too new": {"lmdeploy": "0.11.1", "transformers": "4.57.3", "tokenizers": "0.22.2"},
}
BESIDE = {"torch": "2.8.0", "torchvision": "0.23.0", "triton": "3.4.0", "peft": "0.14.0", "accelerate": "1.10.1",
          "huggingface-hub": "0.36.2", "transformers-stream-generator": "0.0.5"}  # fmt: skip


def main() -> int:
    """Prints one line a measurement; 1 where a limit is passed."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--runs", type=int, default=5)
    runs = options.parse_args().runs
    slow = 0.0
    for name, pins in CASES.items():
        facts = made_up({**pins, **BESIDE})
        for kept, what in ((Freedom(), "solved"), (Freedom(keep=("transformers", "lmdeploy")), "conflict")):
            took = median(lambda f=facts, k=kept: solve(f, k), runs)
            busy = median(lambda f=facts, k=kept: solve(f, k), runs, time.process_time)
            slow = max(slow, took / LIMIT_SOLVE)
            print(f"{name}: {what} in {took * 1000:.0f} ms, {busy * 1000:.0f} of CPU (limit {LIMIT_SOLVE * 1000:.0f})")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text("".join(f"{n}=={v}\n" for n, v in {**CASES["transformers too new"], **BESIDE}.items()))
        took = median(lambda: whole(file, folder), runs)
        slow = max(slow, took / LIMIT_PLAN)
        print(f"whole plan, a process of its own: {took:.2f} s (limit {LIMIT_PLAN:.0f}), {whole(file, folder)}")
        anew = median(lambda: whole(file, tempfile.mkdtemp(dir=folder)), runs)
        print(f"the same, uv asked anew for what it said a minute ago: {anew:.2f} s")
        took = median(lambda: alone(tempfile.mkdtemp(dir=folder)), runs)
        print(f"uv pip compile alone: {took:.2f} s")
    return int(slow > 1)


def made_up(pins: dict[str, str]) -> Facts:
    """An installed environment of these releases, as their rows describe them."""
    found = Distributions(tuple(released(n, v, "/nowhere") for n, v in pins.items()))
    launch = Launch(COMMAND, engine="lmdeploy", program="lmdeploy", subcommand=("serve", "api_server"))
    target = Target("installed", "benchmark", "3.11.7", prefix="/nowhere", platform="linux-x86_64")
    return Facts(target, found, launch=launch, gpu=declared_gpu("RTX 3090:24GB:8.6", "570.86"))


def solve(facts: Facts, asked: Freedom) -> None:
    """From facts to the best solution, or to the conflict."""
    _, problem = build(facts, goal_of(facts), asked)
    deadline = Deadline(30)
    if best(problem, deadline) is None:
        conflict(problem, deadline)


def whole(file: Path, cache: str) -> str:
    """The command as a user runs it, with doctor's cache in this folder; the release of transformers that it plans."""
    words = ["fix", "--plan", "--format", "json", "--requirements", str(file), "--python-version", "3.11", "--gpu",
             "RTX 3090:24GB:8.6", "--driver", "570.86", "--", *COMMAND]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(HERE), "QVL_DOCTOR_CACHE": f"{cache}/matrix"}
    command = [sys.executable, "-m", "doctor", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=file.parent)
    plan = json.loads(done.stdout)["plan"]
    return f"transformers {plan['pins'].get('transformers')} by {plan['verified']['resolver']}"


def alone(cache: str) -> None:
    """What the resolver takes for the same pins."""
    os.environ["QVL_DOCTOR_CACHE"] = f"{cache}/matrix"
    pins = {**CASES["transformers too new"], **BESIDE, "transformers": "4.56.2"}
    wanted = [f"{n}=={v}" for n, v in pins.items() if n != "transformers-stream-generator"]
    try:
        compile_pins(wanted, python="3.11", platform=platform_of(Target("declared", "", "3.11"), None))
    except RepairError as error:
        print(f"uv: {error}", file=sys.stderr)


def median(run: Callable[[], object], runs: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of the middle run; one more before it fills the caches."""
    run()
    times = []
    for _ in range(runs):
        start = clock()
        run()
        times.append(clock() - start)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
