"""All performance figures in one table, side by side with the peers that are installed, on a machine that is named.

    benchmarks/run [ENVIRONMENT ...] [--repeat 5] [--offline] [--only WORD] [--json FILE]

Each ENVIRONMENT is a venv with one of the engines. Everything is measured in rounds, so that what else the machine does
hits all alike; the first round fills the page cache and does not count. Printed are medians of wall time, of processor
time and of peak memory (the largest process), and how many times longer a peer takes. A command of more than 20 seconds
is measured twice. Compiled code of the environments is kept elsewhere: nothing is written into them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

DOCTOR = [sys.executable, "-m", "doctor"]
MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"
LAUNCHES = {
    "lmdeploy": ["lmdeploy", "serve", "api_server", MODEL],
    "sglang": ["python", "-m", "sglang.launch_server", "--model-path", MODEL],
    "vllm": ["vllm", "serve", MODEL],
}
REPORTERS = {
    "lmdeploy": ["bin/lmdeploy", "check_env"],
    "sglang": ["bin/python", "-m", "sglang.check_env"],
    "vllm": ["bin/vllm", "collect-env"],
}
LONG, TURNS_OF_LONG = 20.0, 2


@dataclass
class Figure:
    """One command; `of` is the figure whose time the ratio is counted in. `cold`: with an empty cache each time."""

    group: str
    name: str
    words: list[str]
    of: str | None = None
    cold: bool = False
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    note: str = ""

    def middle(self) -> float:
        """The median of wall time in seconds."""
        return statistics.median(self.walls)


def figures_of(env: Path) -> list[Figure]:
    """What is measured of one environment; none where no engine is in it."""
    sites = [*env.glob("lib/python3*/site-packages")]
    engine = next((e for e in LAUNCHES for s in sites if any(s.glob(f"{e}-*.dist-info"))), None)
    if engine is None:
        print(f"{env}: no engine is installed there", file=sys.stderr)
        return []
    group, python = f"{engine} ({env.name})", str(env / "bin/python")
    check = [*DOCTOR, "check", "--python", str(env), "--offline"]
    first = "first check"
    out = [
        Figure(group, first, [*check, "--", *LAUNCHES[engine]], cold=True),
        Figure(group, "first check, no launch", check, first, cold=True),
        Figure(group, "second check", [*check, "--", *LAUNCHES[engine]], first),
        Figure(group, " ".join(REPORTERS[engine]).removeprefix("bin/"), _within(env, REPORTERS[engine]), first),
        Figure(group, "pip check", [sys.executable, "-m", "pip", "--python", python, "check"], "second check"),
    ]
    if uv := _uv():
        out.append(Figure(group, "uv pip check", [uv, "pip", "check", "--python", python], "second check"))
    return [one for one in out if Path(one.words[0]).exists()]


def general(offline: bool) -> list[Figure]:
    """What needs no environment: starting, planning, and with an index the data."""
    bare = "python -c pass"
    out = [
        Figure("start", bare, [sys.executable, "-c", "pass"]),
        Figure("start", "--version", [*DOCTOR, "--version"], bare),
        Figure("start", "--help", [*DOCTOR, "--help"], bare),
    ]
    if offline:
        return out
    pins = "lmdeploy==0.18.0\n"
    story = Path(tempfile.gettempdir()) / f"qvl-figures-{os.getpid()}.txt"
    story.write_text(pins + "transformers==4.40.0\n")
    plan = [*DOCTOR, "fix", "--plan", "--requirements", str(story), "--python-version", "3.11"]
    out.append(Figure("plan", "fix --plan", [*plan, "--", *LAUNCHES["lmdeploy"]], cold=True))
    if uv := _uv():
        wanted = story.with_suffix(".in")
        wanted.write_text(pins)
        compiled = [uv, "pip", "compile", "-q", "--python", sys.executable, "--python-version", "3.11", str(wanted)]
        out.append(Figure("plan", "uv pip compile", compiled, "fix --plan"))
    for engine in LAUNCHES:
        child = [sys.executable, __file__, "--child", engine]
        out.append(Figure("data", f"matrix add {engine}==NEWEST", child, cold=True))
    out.append(Figure("data", "matrix update, nothing new", [*DOCTOR, "matrix", "update", "--dry-run"]))
    return out


def _within(env: Path, words: list[str]) -> list[str]:
    return [str(env / words[0]), *words[1:]]


def _uv() -> str | None:
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def measured(figures: list[Figure], repeat: int) -> None:
    """Runs everything in rounds."""
    with tempfile.TemporaryDirectory(prefix="qvl-figures-") as folder:
        for turn in range(repeat + 1):
            for number, one in enumerate(figures):
                if len(one.walls) >= TURNS_OF_LONG and one.middle() > LONG:
                    continue
                cache = Path(folder) / (f"cold-{number}-{turn}" if one.cold else "warm")
                wall, cpu, size, said = measure(one.words, cache, Path(folder) / "compiled")
                if turn:
                    one.walls.append(wall)
                    one.cpus.append(cpu)
                    one.sizes.append(size)
                    one.note = said or one.note
                if one.cold:
                    shutil.rmtree(cache, ignore_errors=True)


def measure(words: list[str], cache: Path, compiled: Path) -> tuple[float, float, float, str]:
    """Wall and processor seconds, peak MB, and what a child of ours says of itself."""
    environ = {**os.environ, "XDG_CACHE_HOME": str(cache), "QVL_DOCTOR_CACHE": str(cache / "matrix"),
               "QVL_DOCTOR_DATA": str(cache / "data"), "PYTHONPATH": str(ROOT)}  # fmt: skip
    if words[0] != sys.executable:  # a peer: neither our sources, nor compiled files in its environment
        environ.pop("PYTHONPATH")
        environ.pop("XDG_CACHE_HOME")
        environ["PYTHONPYCACHEPREFIX"] = str(compiled)
    ours = "--child" in words
    start = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE if ours else subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, env=environ, cwd="/") as process:  # fmt: skip
        said = process.stdout.read().decode() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    note = said.strip() if ours else f"exit {process.returncode}" if process.returncode not in (0, 1) else ""
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, note


def child(engine: str) -> None:
    """Adds the newest release of an engine to an empty folder, and says what was fetched of its wheel."""
    from doctor.matrix import rows
    from doctor.matrix.extract.projects.registry import project
    from doctor.matrix.update import build
    from doctor.matrix.update.offers import chosen, indexed

    found, known, sources = project(engine), rows.releases(engine), list[Any]()
    assert found is not None and known is not None
    [offer] = chosen(indexed(found), [known.everything().versions[-1]])
    opened: Callable[[], Any] = offer.open

    def noted() -> Any:
        sources.append(opened())
        return sources[-1]

    one = build.Offer(offer.version, offer.yanked, offer.identity, noted, offer.tags)
    with tempfile.TemporaryDirectory() as folder:
        build.add(found, [one], Path(folder) / "out", Path(folder) / "cache")
    file = sources[0].file
    share = 100 * file.fetched / file.size
    print(f"{offer.version}: {file.fetched / 1e6:.1f} of {file.size / 1e6:.1f} MB, {share:.1f} %")


def machine() -> str:
    """Processor, cores, memory, kernel and Python."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (f"{name}, {usable} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
            f"Python {platform.python_version()}, load {load:.1f} at the start")  # fmt: skip


def table(figures: list[Figure]) -> str:
    """The table: a line for each figure, groups apart."""
    lines = [f"{'':34}{'wall, s':>9}{'cpu, s':>9}{'peak MB':>9}{'times':>9}"]
    by_name = {(one.group, one.name): one for one in figures}
    group = ""
    for one in figures:
        if not one.walls:
            continue
        if one.group != group:
            group = one.group
            lines.append(group)
        base = by_name.get((one.group, one.of or ""))
        ratio = f"{one.middle() / base.middle():.2f}x" if base is not None and base.walls else ""
        said = (f"  of {one.of}" if ratio else "") + (f"  {one.note}" if one.note else "")
        middles = f"{one.middle():9.2f}{statistics.median(one.cpus):9.2f}{statistics.median(one.sizes):9.0f}"
        lines.append(f"  {one.name:32}{middles}{ratio:>9}{said}".rstrip())
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", type=Path, nargs="*")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--offline", action="store_true", help="leave out what asks a package index")
    parser.add_argument("--only", default="", help="only figures whose group or name holds this word")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child)
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(machine(), flush=True)
    figures = [*general(given.offline), *(f for env in given.environments for f in figures_of(env.absolute()))]
    figures = [f for f in figures if given.only in f"{f.group} {f.name}"]
    measured(figures, given.repeat)
    print(table(figures))
    if given.json:
        found = [{"group": f.group, "name": f.name, "walls": f.walls, "cpus": f.cpus, "MB": f.sizes, "note": f.note}
                 for f in figures]  # fmt: skip
        given.json.write_text(json.dumps({"machine": machine(), "figures": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
