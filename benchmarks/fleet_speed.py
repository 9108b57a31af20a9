"""How long a fleet takes: digests to compare, the single file to start, three nodes against each one's own check.

    python benchmarks/fleet_speed.py [NODES ...]
    python benchmarks/fleet_speed.py --environment /opt/vllm [--rounds 5] [-- LAUNCH COMMAND]

The second form starts three nodes on this machine, reached by a shell and by OpenSSH servers (QVL_TEST_SSHD names a
server), each with a cache of its own. It prints medians of rounds in which the nodes' own checks (the same single file,
three at once) and `fleet check` take turns, with fresh caches and with warm ones. What other programs do at the same
time is in the figures: an idle machine, with a core for each node, is where they mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from doctor import api  # noqa: E402
from doctor.derived.digest import digest_of  # noqa: E402
from doctor.derived.fleet import Fleet, Member  # noqa: E402
from doctor.fleet.digest_line import from_line, to_line  # noqa: E402
from doctor.rules.fleet import FLEET_RULES  # noqa: E402
from doctor.rules.fleet.engine import evaluate_fleet  # noqa: E402
from tests.fleet.servers import NoServerError, ssh_servers  # noqa: E402

NODES = ("1", "2", "3")
LAUNCH = ("vllm", "serve", "MODEL", "--nnodes", "3", "--master-addr", "127.0.0.1")


def compared(nodes: int) -> tuple[float, int]:
    """Seconds of processor time for reading, grouping and judging, and the bytes that the nodes sent."""
    known = api.collect()
    digest = digest_of(known)
    lines = []
    for rank in range(nodes):
        address = f"10.{rank >> 16 & 255}.{rank >> 8 & 255}.{rank & 255}"
        sections = {**digest.sections, "driver": f"{rank:012x}"} if rank % 250 == 7 else digest.sections
        one = replace(digest, sections=sections, host=f"n{rank}", address=address, addresses=(address,))
        lines.append(json.dumps(to_line(one), separators=(",", ":")))
    begun = time.process_time()
    members = tuple(
        Member(f"n{rank}", rank, from_line(json.loads(line)), known)
        for rank, line in enumerate(lines)
    )
    fleet = Fleet(members)
    assert fleet.differing
    evaluate_fleet(fleet, FLEET_RULES)
    return time.process_time() - begun, sum(map(len, lines))


def started(runs: int = 5) -> float:
    """Seconds until `matrix list` of the single file has ended."""
    with tempfile.TemporaryDirectory() as folder:
        file = single_file(Path(folder))
        words = [sys.executable, file, "matrix", "list"]
        return statistics.median(
            seconds_of(lambda: subprocess.run(words, check=True, capture_output=True)) for _ in range(runs)
        )


def single_file(folder: Path) -> str:
    """Builds it."""
    file = folder / "qvl-doctor.pyz"
    words = [sys.executable, "-m", "doctor.fleet.single_file", str(file)]
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    return str(file)


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes, on the clock on the wall."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@dataclass(frozen=True)
class Three:
    """Three nodes on this machine: the options that reach them, and what they are asked about."""

    folder: Path
    file: str
    environment: str
    launch: tuple[str, ...]
    way: tuple[str, ...]

    def cache(self, node: str) -> Path:
        """Of a node, or of the coordinator."""
        return self.folder / f"cache.{node}"

    def forget(self) -> None:
        """Fresh caches for all of them."""
        for node in (*NODES, "coordinator"):
            shutil.rmtree(self.cache(node), ignore_errors=True)

    def environ(self, node: str) -> dict[str, str]:
        """Without what this process was started with for its own imports."""
        mine = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}
        return {**mine, "XDG_CACHE_HOME": str(self.cache(node)), "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def own(self, node: str) -> subprocess.Popen[bytes]:
        """The check of one node alone, by the same file."""
        ranked = [*self.launch, "--node-rank", str(int(node) - 1)]
        words = [sys.executable, "-I", "-S", self.file, "check", "--python", self.environment, "--format", "json", "--"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([*words, *ranked], env=self.environ(node), **quiet)

    def alone(self) -> None:
        """One node's own check, with the machine to itself."""
        self.own(NODES[0]).wait()

    def at_once(self) -> None:
        """The three own checks at the same time, as three machines would."""
        for child in [self.own(node) for node in NODES]:
            child.wait()

    def fleet(self) -> None:
        """`fleet check` of the three."""
        words = [sys.executable, "-m", "doctor", "fleet", "check", *self.way, "--python", self.environment]
        words += ["--format", "json", "--node-python", sys.executable, "--", *self.launch]
        done = subprocess.run(words, cwd=ROOT, env=self.environ("coordinator"), capture_output=True, check=False)
        rows = json.loads(done.stdout)["nodes"] if done.stdout else []
        if [r["status"] for r in rows] != ["answered"] * len(NODES):
            raise SystemExit(f"the nodes did not answer: {done.stderr.decode()[-300:]}{rows}")


def ways(folder: Path, stack: ExitStack) -> Iterator[tuple[str, tuple[str, ...]]]:
    """How the three are reached: by a shell, and by real ssh servers where there are any."""
    through = folder / "through"
    through.write_text(f'#!/bin/sh\nn=$1\nshift\nexec env XDG_CACHE_HOME={folder}/cache.$n "$@"\n')
    through.chmod(0o755)
    yield "shell", ("--hosts", ",".join(NODES), "--through", str(through))
    try:
        ports = stack.enter_context(ssh_servers(folder, [folder / f"cache.{n}" for n in NODES]))
        yield "ssh", ("--hosts", ",".join(f"127.0.0.1:{p}" for p in ports))
    except NoServerError as error:
        print(f"ssh: {error}")


def three(environment: str, launch: Sequence[str], rounds: int) -> None:
    """Prints the medians."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        file = single_file(folder)
        for name, way in ways(folder, stack):
            nodes = Three(folder, file, environment, tuple(launch), way)
            nodes.fleet()  # the page cache is warm, whatever the caches are
            for state in ("fresh", "warm"):
                spent: dict[str, list[float]] = {"alone": [], "at_once": [], "fleet": []}
                for _ in range(rounds):
                    for what, seconds in spent.items():
                        if state == "fresh":
                            nodes.forget()
                        seconds.append(seconds_of(getattr(nodes, what)))
                alone, own, all_ = (statistics.median(s) for s in spent.values())
                busy = f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
                print(f"{name}, {state} caches: one node's own check {alone:.2f} s, three at once {own:.2f} s, "
                      f"fleet check {all_:.2f} s: {all_ - own:+.2f} s ({busy})", flush=True)  # fmt: skip


def main() -> None:
    """One of the two forms."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("nodes", nargs="*", type=int, help="how many digests are compared")
    parser.add_argument("--environment", help="measure three nodes that check this environment")
    parser.add_argument("--rounds", type=int, default=3)
    words = sys.argv[1:]
    launch = words[words.index("--") + 1 :] if "--" in words else list(LAUNCH)
    asked = parser.parse_args(words[: words.index("--")] if "--" in words else words)
    if asked.environment:
        three(asked.environment, launch, asked.rounds)
        return
    for count in asked.nodes or [1000, 10000]:
        seconds, size = compared(count)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{count} nodes: {seconds:.2f} s, {size >> 10} KiB of digests, {peak} MiB at most")
    print(f"single file: {started():.2f} s")


if __name__ == "__main__":
    main()
