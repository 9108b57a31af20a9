"""The command itself against a hub that misbehaves in every way of `tests/remote/misbehaving.py`, with the real limits.

    python benchmarks/hostile_hub.py [--only NAME] [--seconds 20] [--megabytes 500] [--at-once 3]

Prints for each act the seconds on the wall, the most memory and what was said; ends with 1 where an act took longer or
more, ended in a traceback or a status of its own, or where anything was written outside of the cache.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOKEN = "hf_abcdefghijklmnopqrstuvwxyzabcdefgh"
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.remote.misbehaving import REPOSITORY, Act, Server, every, traps  # noqa: E402


def asked(act: Act, files: bool, home: Path) -> tuple[int, float, int, str]:
    """Status, seconds, bytes of memory and all output of one check."""
    (home / "requirements.txt").write_text("vllm==0.11.0\n")
    with Server() as other, Server(act, files, other=other.address) as server:
        environ = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HF_TOKEN": TOKEN}
        environ["HF_ENDPOINT"] = server.address
        argv = [sys.executable, "-m", "doctor", "facts", "--requirements", "requirements.txt", "--model", REPOSITORY]
        out = home / "out.txt"
        handle = os.open(out, os.O_RDWR | os.O_CREAT)
        began = time.monotonic()
        child = os.posix_spawn(
            "/bin/sh", ["sh", "-c", 'cd "$0" && exec "$@"', str(home), *argv], environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, handle, 1), (os.POSIX_SPAWN_DUP2, handle, 2)],
        )  # fmt: skip
        os.close(handle)
        _, status, used = os.wait4(child, 0)
        return os.waitstatus_to_exitcode(status), time.monotonic() - began, used.ru_maxrss << 10, out.read_text()


def one(name: str, act: Act, files: bool, most: tuple[float, int]) -> tuple[bool, str]:
    """Whether an act ended well, and the line about it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        status, seconds, memory, text = asked(act, files, home)
        there = [p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()]
        stray = [f for f in there if not f.startswith((".cache/qvl-doctor/", "out.txt", "requirements.txt"))]
    bad = [*(["late"] if seconds > most[0] else []), *(["large"] if memory > most[1] else []),
           *(["traceback"] if "Traceback" in text else []), *([f"status {status}"] if status not in (0, 1) else []),
           *(["token"] if TOKEN in text else []), *([f"wrote {stray}"] if stray else [])]  # fmt: skip
    said = next((line.strip() for line in text.splitlines() if REPOSITORY in line and "`" in line), "read")
    shown = f"{'FAIL' if bad else 'ok  '} {seconds:5.1f} s {memory >> 20:4} MB  {name}"
    return not bad, f"{shown}: {', '.join(bad) or said[:150]}"


def main() -> int:
    """Runs all acts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=3)
    options = parser.parse_args()
    most = (options.seconds, options.megabytes << 20)
    with tempfile.TemporaryDirectory() as trap, ThreadPoolExecutor(options.at_once) as pool:
        acts = [(name, act, files) for name, act, _, files in every()]
        acts += [(f"path as ETag, {name}", act, True) for name, act in traps(Path(trap) / "x").items()]
        jobs = [pool.submit(one, *a, most) for a in acts if options.only in a[0]]
        results = [job.result() for job in jobs]
        results.append((not list(Path(trap).iterdir()), "nothing lies where an ETag pointed"))
    print("\n".join(line for _, line in results))
    print(f"{sum(fine for fine, _ in results)} of {len(results)}")
    return 0 if all(fine for fine, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
