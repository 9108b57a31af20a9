"""The native check of one environment beside `lddtree` and `ldd -r`, side by side in one run.

    python benchmarks/native.py VENV [--repeat 5] [--lddtree PYTHON] [--drop-caches] [--json FILE]

VENV is an environment with an engine in it. Every tool looks at the same files, the extension modules of all its
distributions, each time in a new process, the tools in turn; the medians of the wall time are reported, the start of
the interpreter included. `--lddtree PYTHON` is an interpreter that has auditwheel (its `lddtree` module is measured).
`--drop-caches` empties the system's page cache before each cold run (needs root): then the disk is measured as well.

What each answers: we say which modules would load and which not, and why, symbols and versions included, and what GPU
code they hold. `lddtree` lists the libraries, without symbols. `ldd -r` runs the real loader on each file, without what
Python or torch bring into the process, so that it reports thousands of symbols that are there.
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

LDDTREE = """
import json, sys
from auditwheel.lddtree import Libc, ldd, load_ld_paths
from pathlib import Path
paths = load_ld_paths(Libc.GLIBC)
known = {}
for file in json.load(sys.stdin):
    try:
        tree = ldd(Path(file), ldpaths=paths)
    except Exception as error:
        known[file] = repr(error)
        continue
    lost = [n for n, lib in tree.libraries.items() if lib.realpath is None]
    known[file] = lost
print(len(known), sum(bool(v) for v in known.values()), "with lost libraries")
"""


def check(venv: str, kept: Path | None) -> dict[str, object]:
    """Our own check in this process: worked out anew, or taken from `kept` where nothing has changed."""
    from doctor.collect import cache
    from doctor.collect.native.libraries import reader_for
    from doctor.facts import Natives
    from doctor.link.loader.natives import NativeLinker, judged

    start = time.perf_counter()
    natives = cache.load(kept, Natives) if kept else None
    if natives is None:
        from doctor.collect.native.natives import collect_natives
        from doctor.collect.packages.distributions import read_distributions
        from doctor.collect.python.target import TargetRequest, find_target

        target = find_target(TargetRequest(python=venv))
        distributions = read_distributions(target)
        start = time.perf_counter()
        reader = reader_for(target)
        found = collect_natives(target, distributions, [d.key for d in distributions.installed], reader)
        if not isinstance(found, Natives):
            raise SystemExit(found.detail)
        natives = judged(found, NativeLinker(reader, target.paths, target.executable), distributions)
        seconds = time.perf_counter() - start
        if kept:
            cache.save(kept, natives, reader.seen)
    else:
        seconds = time.perf_counter() - start
    modules = [lib for lib in natives.libraries if lib.verdict is not None]
    return {
        "seconds": seconds,
        "libraries": len(natives.libraries),
        "modules": [f"{lib.location}/{lib.path}" for lib in modules],
        "refused": [f"{lib.path}: {lib.verdict.text}" for lib in modules if lib.verdict and lib.verdict.text],
    }


def ours(venv: str, kept: Path | None) -> tuple[float, dict[str, object]]:
    """The same in a process of its own: wall time with its start, and what it said."""
    command = [sys.executable, __file__, venv, "--child", str(kept or "")]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - start
    said: dict[str, object] = json.loads(done.stdout)
    return wall, said


def lddtree(python: str, files: list[str]) -> float:
    """auditwheel's lddtree over the files, in one process."""
    start = time.perf_counter()
    subprocess.run([python, "-c", LDDTREE], input=json.dumps(files), capture_output=True, text=True, check=True)
    return time.perf_counter() - start


def ldd_r(files: list[str]) -> float:
    """`ldd -r` for each file; it runs the loader, and with it the libraries' own start code does not run."""
    start = time.perf_counter()
    for file in files:
        subprocess.run(["ldd", "-r", file], capture_output=True)
    return time.perf_counter() - start


def drop_caches() -> None:
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("venv")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--lddtree", metavar="PYTHON")
    parser.add_argument("--drop-caches", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        print(json.dumps(check(arguments.venv, Path(arguments.child) if arguments.child else None)))
        return
    times: dict[str, list[float]] = {}
    inside: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.json"
        said = ours(arguments.venv, kept)[1]
        files = [str(f) for f in said["modules"]]  # type: ignore[attr-defined]
        for _ in range(arguments.repeat):
            if arguments.drop_caches:
                drop_caches()
            for name, store in (("ours, cold", None), ("ours, warm", kept)):
                wall, answer = ours(arguments.venv, store)
                times.setdefault(name, []).append(wall)
                inside.setdefault(name, []).append(float(str(answer["seconds"])))
            if arguments.lddtree:
                times.setdefault("auditwheel's lddtree", []).append(lddtree(arguments.lddtree, files))
            if shutil.which("ldd"):
                times.setdefault("ldd -r", []).append(ldd_r(files))
    report(said, files, times, inside, arguments.json)


def report(
    said: dict[str, object],
    files: list[str],
    times: dict[str, list[float]],
    inside: dict[str, list[float]],
    out: Path | None,
) -> None:
    """Prints the medians as a table, and writes all times where asked."""
    print(f"{said['libraries']} libraries, {len(files)} extension modules; refused: {said['refused']}")
    print("| tool | median wall time | of it the check |\n| --- | ---: | ---: |")
    for name, values in times.items():
        own = f"{statistics.median(inside[name]) * 1000:.0f} ms" if name in inside else ""
        print(f"| {name} | {statistics.median(values) * 1000:.0f} ms | {own} |")
    if out is not None:
        out.write_text(json.dumps({"times": times, "inside": inside, **said}, indent=1))


if __name__ == "__main__":
    main()
