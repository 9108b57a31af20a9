"""A release of each engine, installed by default: modules linked, and imported for real in a child.

    python benchmarks/imports.py [vllm sglang==0.5.18 lmdeploy] [--keep FOLDER] [--sample 400] [--seed N]

Needs `uv`, the index, about 10 GB per engine, and some minutes. A real import is the first import of a process, as
imports_child.py forks it; where that differs from `link`, a process of its own is asked. All modules that are not
called `ok` are imported, and `--sample` of the others (0: all of them). Printed are, per engine, the modules that
import and are called broken (false alarm), those that fail with an ImportError and are called ok (false ok) or fail on
something else (wrong cause), what is unknown, and the time of the first `link`. The status is 1 where there is a false
alarm or a false ok, or more than 1 % of the modules are unknown or have a wrong cause. `--environment` takes one that
is there; `--record FILE` keeps the real outcomes as JSON, `--real FILE` takes those for granted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ENGINES = ("lmdeploy", "sglang", "vllm")
TIMEOUT = 300
SHARE = 0.01  # of the modules that may be unknown, or have a wrong cause
ALONE = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from imports_child import attempt
del sys.path[0]
print("\\n" + json.dumps(attempt(sys.argv[2])), flush=True)
os._exit(0)
"""
# what follows from a machine without a GPU: what `link` says of it depends on where it runs
DRIVER = re.compile(
    r"libcuda\.so|libnvidia-ml|NVIDIA driver|No CUDA GPUs|no GPU|0 active drivers|cuInit|CUDA driver"
    r"|not compiled with CUDA|NVML",
    re.I,
)
NAMED = re.compile(r"cannot import name '([^']+)'|No module named '([^']+)'|ImportError: (\S+?\.so[.\d]*):")
_SHOWN = ("kind", "module", "name", "file", "line", "text")
Outcome = dict[str, Any] | None


@dataclass(frozen=True)
class Difference:
    """A module whose real import and verdict do not fit together."""

    kind: str
    module: str
    real: Outcome
    said: dict[str, Any]


def install(engine: str, folder: Path) -> Path:
    """A virtual environment with the engine and what it requires, as `pip install ENGINE` would make it."""
    env = folder / engine
    if not (env / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", env], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "--python", env / "bin/python", engine], check=True)
        (env / ".complete").touch()
    return env


def link(engine: str, env: Path) -> dict[str, Any]:
    """The verdicts of this checkout's `link`, by module."""
    environ = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-m", "doctor", "link", engine, "--python", env, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd="/")
    modules: dict[str, Any] = json.loads(done.stdout)["modules"]
    return modules


def real(env: Path, modules: list[str], warm: list[str]) -> dict[str, Outcome]:
    """What Python says of each, forked from a process that has imported its packages; progress on stderr."""
    command = [env / "bin/python", "-B", HERE / "imports_child.py", str(TIMEOUT), *warm]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(json.dumps(modules))
    child.stdin.close()
    out: dict[str, Outcome] = {}
    for line in child.stdout:
        name, outcome = json.loads(line)
        out[name] = outcome
        if len(out) % 50 == 0 or len(out) == len(modules):
            print(f"  {len(out)} of {len(modules)} imported, last {name}", file=sys.stderr, flush=True)
    child.wait()
    return {m: out.get(m, {"error": "Died", "import_error": False}) for m in modules}


def alone(env: Path, module: str) -> Outcome:
    """What Python says in a process started for this module."""
    command = [env / "bin/python", "-B", "-c", ALONE, HERE, module]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, cwd="/")
        answer: Outcome = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        return {"error": "Died", "import_error": False}
    return answer


def difference(module: str, outcome: Outcome, said: dict[str, Any]) -> Difference | None:
    """How the two differ, if they do; exceptions other than ImportError are judged by nobody."""
    status, cause = said["status"], said.get("cause") or {}
    kind = ""
    if outcome is None:
        kind = {"fail": "false alarm", "unknown": "unknown"}.get(status, "")
    elif DRIVER.search(f"{outcome['error']} {outcome.get('root', '')}") or not outcome["import_error"]:
        return None
    elif status == "ok":
        kind = "false ok"
    elif status == "fail":
        found = NAMED.search(outcome["error"])
        wanted = next((x for x in found.groups() if x), None) if found else None
        names = (cause.get("name"), cause.get("module"), f"{cause.get('module')}.{cause.get('name')}")
        kind = "wrong cause" if wanted and wanted not in names else ""
    return Difference(kind, module, outcome, said) if kind else None


def differences(env: Path, said: dict[str, Any], outcomes: dict[str, Outcome], *, again: bool) -> list[Difference]:
    """Where they differ; `again` asks a process of its own before that is believed, and corrects `outcomes`."""
    out = []
    for module, outcome in outcomes.items():
        found = difference(module, outcome, said[module])
        if found is not None and again and found.kind != "unknown":
            print(f"  asked again: {module}, {found.kind}, {outcome}", file=sys.stderr, flush=True)
            outcomes[module] = alone(env, module)
            found = difference(module, outcomes[module], said[module])
        if found is not None:
            out.append(found)
    return out


def contradictions(said: dict[str, Any]) -> list[str]:
    """Modules that are called `ok` below a package that is not."""
    above = ((m, said.get(m.rpartition(".")[0])) for m in said if said[m]["status"] == "ok")
    return [m for m, package in above if package and package["status"] != "ok"]


def chosen(said: dict[str, Any], asked: argparse.Namespace) -> list[str]:
    """All modules that are not called `ok`, and a sample of the others."""
    fine = [m for m, verdict in said.items() if verdict["status"] == "ok"]
    if asked.sample and len(fine) > asked.sample:
        fine = random.Random(asked.seed).sample(fine, asked.sample)
    return sorted({*fine, *(m for m, verdict in said.items() if verdict["status"] != "ok")})


def record(engine: str, outcomes: dict[str, Outcome], asked: argparse.Namespace) -> None:
    """Keeps the real outcomes, where that was asked for."""
    if asked.record:
        Path(asked.record).write_text(json.dumps({"engine": engine, "modules": outcomes}, indent=0))


def compare(engine: str, env: Path, asked: argparse.Namespace) -> bool:
    """Prints what differs; whether all is right."""
    start = time.perf_counter()
    said = link(engine.partition("=")[0], env)
    spent = time.perf_counter() - start
    print(f"{engine}: link took {spent:.0f} s, {Counter(v['status'] for v in said.values())}", flush=True)
    if asked.real:
        known = json.loads(Path(asked.real).read_text())["modules"]
        outcomes = {m: o for m, o in known.items() if m in said}
    else:
        outcomes = real(env, chosen(said, asked), asked.warm)
    record(engine, outcomes, asked)
    found = differences(env, said, outcomes, again=not asked.real)
    record(engine, outcomes, asked)
    for one in found:
        print(f"{one.kind:12} {one.module}: really {one.real and one.real['error']}; said {_short(one.said)}")
    better = contradictions(said)
    print(*(f"better than its package: {m}" for m in better), sep="\n")
    counts = Counter(d.kind for d in found)
    print(f"{engine}: {dict(counts)}, {len(better)} better than their package, {len(outcomes)} of {len(said)} modules")
    few = max(counts["unknown"], counts["wrong cause"]) <= SHARE * len(said)
    return few and not counts["false alarm"] and not counts["false ok"] and not better


def _short(said: dict[str, Any]) -> str:
    cause = said.get("cause") or {}
    return " ".join(str(x) for x in (said.get("reason"), *(cause.get(k) for k in _SHOWN)) if x is not None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=ENGINES, help="names, as `pip install` takes them")
    parser.add_argument("--keep", help="folder of the environments, kept for the next time")
    parser.add_argument("--environment", help="the environment of the one engine")
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--warm", nargs="*", default=[], metavar="MODULE", help="see imports_child.py")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", metavar="FILE")
    parser.add_argument("--real", metavar="FILE")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qvl-imports-") as scratch:
        folder = Path(asked.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        given = Path(asked.environment) if asked.environment else None
        right = [compare(engine, given or install(engine, folder), asked) for engine in asked.engines]
    return int(not all(right))


if __name__ == "__main__":
    raise SystemExit(main())
