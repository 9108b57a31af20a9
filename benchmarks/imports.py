"""The newest release of each engine, installed by default: every module linked, and imported for real in a child.

    python benchmarks/imports.py [vllm sglang lmdeploy] [--keep FOLDER]

Needs `uv`, the index, about 10 GB per engine, and some minutes. A real import is the first import of a process
started for it alone. Printed are, per engine, the modules that import and are called
broken (false alarm), those that fail with an ImportError and are called ok (false ok), the share that is unknown, and
the time of the first `link`. The status is 1 where there is a false alarm or a false ok.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENGINES = ("lmdeploy", "sglang", "vllm")
TIMEOUT = 300
CHILD = """
import importlib, json, sys
try:
    importlib.import_module(sys.argv[1])
    said = None
except BaseException as error:
    said = [type(error).__name__, isinstance(error, ImportError), str(error)[:500]]
print("\\n" + json.dumps(said))
"""


def install(engine: str, folder: Path) -> Path:
    """A virtual environment with the engine and what it requires, as `pip install ENGINE` would make it."""
    env = folder / engine
    if not (env / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", env], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "--python", env / "bin/python", engine], check=True)
        (env / ".complete").touch()
    return env


def real(env: Path, module: str) -> list[object] | None:
    """What Python says: None, or the exception's class, whether it is an ImportError, and its text."""
    command = [env / "bin/python", "-B", "-c", CHILD, module]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, cwd="/")
        answer: list[object] | None = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        return ["Crash", False, ""]
    return answer


def compare(engine: str, env: Path) -> bool:
    """Prints what differs; whether all is right."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "doctor", "link", engine, "--python", env, "--format", "json"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)["modules"]
    spent = time.perf_counter() - start
    counts = {"false alarm": 0, "false ok": 0, "unknown": 0}
    for module, verdict in said.items():
        truth, status = real(env, module), verdict["status"]
        kind = "unknown" if status == "unknown" else ""
        if truth is None and status == "fail":
            kind = "false alarm"
        elif truth is not None and truth[1] and status == "ok":
            kind = "false ok"
        if kind:
            counts[kind] += 1
            print(f"{kind:12} {module}: really {truth}, said {verdict.get('cause')}")
    print(f"{engine}: {counts} of {len(said)} modules; link took {spent:.0f} s")
    return not counts["false alarm"] and not counts["false ok"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=ENGINES)
    parser.add_argument("--keep", help="folder of the environments, kept for the next time")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qvl-imports-") as scratch:
        folder = Path(asked.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        right = [compare(engine, install(engine, folder)) for engine in asked.engines]
    return int(not all(right))


if __name__ == "__main__":
    raise SystemExit(main())
