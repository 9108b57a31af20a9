"""`qvl-doctor check` beside what else looks at an environment, in one run on one real environment.

    python benchmarks/check.py ENVIRONMENT [--repeat 5] [--launch "lmdeploy serve api_server MODEL"]

Run it with the Python of an environment that qvl-doctor is installed in (not editable: then its bytecode is cached, as
it is for users). ENVIRONMENT is a venv with LMDeploy
in it (`uv venv E && uv pip install --python E lmdeploy`, about 8 GB). Prints medians of wall time and of peak memory
(RSS), and ratios. Commands that this environment or machine does not have are left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 300


def main() -> None:
    """Measures in rounds, so that what else the machine does hits all alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--launch", default="lmdeploy serve api_server MODEL")
    options = parser.parse_args()
    cache = tempfile.mkdtemp(prefix="qvl-doctor-benchmark-")
    try:
        compare(commands(options.environment.absolute(), options.launch), options.repeat, cache)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def commands(env: Path, launch: str) -> dict[str, list[str]]:
    """What is measured, by the name that is printed."""
    python, doctor = str(env / "bin/python"), [sys.executable, "-m", "doctor"]
    check = [*doctor, "check", "--python", str(env)]
    out = {
        "python -c pass (bare)": [sys.executable, "-c", "pass"],
        "qvl-doctor --version": [*doctor, "--version"],
        "qvl-doctor check, warm": [*check, "--", *shlex.split(launch)],
        "qvl-doctor check, cold": [*check, "--no-cache", "--", *shlex.split(launch)],
        "pip check": [sys.executable, "-m", "pip", "--python", python, "check"],
        "torch.utils.collect_env": [python, "-m", "torch.utils.collect_env"],
        "transformers env": [str(env / "bin/transformers"), "env"],
        "lmdeploy check_env": [str(env / "bin/lmdeploy"), "check_env"],
    }
    if uv := shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent)):
        out["uv pip check"] = [uv, "pip", "check", "--python", python]
    return {name: words for name, words in out.items() if Path(words[0]).exists()}


def compare(todo: dict[str, list[str]], repeat: int, cache: str) -> None:
    """Runs everything `repeat` times (heavy ones fewer) and prints the table."""
    walls: dict[str, list[float]] = {name: [] for name in todo}
    sizes: dict[str, float] = {}
    codes: dict[str, int] = {}
    for turn in range(repeat + 1):
        for name, words in todo.items():
            if turn > 2 and walls[name] and walls[name][-1] > 5:
                continue
            wall, size, codes[name] = measure(words, cache)
            if turn:  # the first round fills the page cache and ours
                walls[name].append(wall)
                sizes[name] = max(size, sizes.get(name, 0.0))
    base = statistics.median(walls["qvl-doctor check, warm"])
    print(f"{'':28}{'wall, s':>9}{'of warm':>9}{'peak MB':>9}{'exit':>6}")
    for name, times in sorted(walls.items(), key=lambda item: statistics.median(item[1])):
        middle = statistics.median(times)
        print(f"{name:28}{middle:9.3f}{middle / base:8.1f}x{sizes[name]:9.0f}{codes[name]:6}")


def measure(words: list[str], cache: str) -> tuple[float, float, int]:
    """Wall seconds, peak memory in MB and exit status of one run."""
    environ = {**os.environ, "XDG_CACHE_HOME": cache}
    start = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                          env=environ, cwd="/") as process:  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1024 if resource.RLIM_INFINITY and sys.platform != "darwin" else 1024 * 1024
    return wall, usage.ru_maxrss / unit, process.returncode


if __name__ == "__main__":
    main()
