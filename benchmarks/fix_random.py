"""Broken environments out of real packages, each with the plan that doctor makes for it, carried out and tried.

    python benchmarks/fix_random.py WORK --base DIR --base DIR [--count 40] [--seed 1]

A base is a virtual environment that works; of it, a few distributions are replaced by releases drawn at random from the
matrix, without looking whether they fit. `qvl-doctor fix --plan` is asked for the way out with a GPU that fits, the
plan's pins are installed into a new environment, and the modules that a launch imports are imported there for real, in
a child process. A plan that was promised and fails is a failure; a conflict is put to uv as it stands. One line of JSON
an environment goes to WORK/results.jsonl; the sums are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from doctor.facts import Target, normalize
from doctor.matrix import rows
from doctor.matrix.engines import entry_modules
from doctor.plan.choices import for_python
from doctor.repair.wheels.uv import find_uv

HERE = Path(__file__).resolve().parents[1]
CARD = ("--gpu", "RTX 4090:24GB:8.9", "--driver", "570.86")
LIBRARIES = ("transformers", "peft", "optimum", "accelerate", "tokenizers", "huggingface-hub", "autoawq", "timm")
OTHERS = {"autoawq": ("awq",), "optimum": ("optimum", "optimum.gptq"), "peft": ("peft",), "timm": ("timm",)}
# what only a machine with a GPU gets past
GPU_ONLY = re.compile(
    r"libcuda\.so\.1|NVIDIA driver|No CUDA|no NVIDIA|CUDA_HOME|0 active drivers|not compiled with CUDA|cuInit", re.I
)
IMPORT = """
import importlib, json, sys, traceback
out = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        out[name] = None
    except BaseException as error:
        out[name] = f"{type(error).__name__}: {error}"
print("RESULT" + json.dumps(out))
"""


def main() -> int:
    """Makes, mends and tries the environments; 1 where a plan that was promised does not work."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("work", type=Path)
    options.add_argument("--base", type=Path, action="append", required=True)
    options.add_argument("--count", type=int, default=40)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    sums: Counter[str] = Counter()
    with (asked.work / "results.jsonl").open("a") as log:
        for seed in range(asked.seed, asked.seed + asked.count):
            result = one(random.Random(seed), seed, asked.base, asked.work)
            sums[result["outcome"]] += 1
            print(seed, result["outcome"], result["drawn"], result.get("why", "")[:300], flush=True)
            log.write(json.dumps(result) + "\n")
            log.flush()
    print(dict(sums))
    return 1 if sums["failed"] or sums["crashed"] else 0


def one(dice: random.Random, seed: int, bases: list[Path], work: Path) -> dict[str, Any]:
    """One environment from start to end; its folders are removed."""
    base = dice.choice(bases)
    drawn, engine = draw(dice, base)
    result: dict[str, Any] = {"seed": seed, "base": base.name, "drawn": drawn}
    broken, mended = work / f"broken-{seed}", work / f"mended-{seed}"
    try:
        pins = {**frozen(base), **drawn}
        if engine is None:
            pins.pop("lmdeploy", None)
        if not install(broken, pins, base):
            return {**result, "outcome": "not laid out"}
        modules = serving(engine, pins)
        plan = planned(broken, engine)
        if plan is None:
            return {**result, "outcome": "crashed"}
        return {**result, **judged(plan, broken, mended, modules, engine, base)}
    finally:
        for folder in (broken, mended):
            shutil.rmtree(folder, ignore_errors=True)


def draw(dice: random.Random, base: Path) -> tuple[dict[str, str], str | None]:
    """Two to four distributions at random releases; in every fourth environment there is no engine."""
    engine = None if dice.random() < 0.25 else "lmdeploy"
    torch = frozen(base)["torch"]
    drawn = {}
    if engine:
        having = [v for v in fitting("lmdeploy") if admits("lmdeploy", v, "torch", torch)]
        drawn["lmdeploy"] = dice.choice(having)
    for name in dice.sample(LIBRARIES, dice.randint(1, 3)):
        drawn[name] = dice.choice(fitting(name))
    if "transformers" not in drawn:
        drawn["transformers"] = dice.choice(fitting("transformers"))
    return drawn, engine


def fitting(name: str) -> list[str]:
    """The releases for Python 3.11 on Linux that an installer would take."""
    known = rows.releases(name)
    assert known is not None
    here = known.usable & for_python(name, Target("installed", "", "3.11", platform="linux-x86_64"), (2, 35))
    return [v for i, v in enumerate(known.versions) if here >> i & 1]


def admits(name: str, version: str, other: str, release: str) -> bool:
    """Whether a release requires nothing against this release of another distribution."""
    row = rows.row(name, version, "requires") or {}
    lines = [line for line in row.get("requires", {}).get(other, []) if "extra" not in line]
    specifiers = (re.sub(r"[()]", "", line.partition(";")[0].removeprefix(other)).strip() for line in lines)
    return all(SpecifierSet(specifier).contains(release) for specifier in specifiers)


def frozen(base: Path) -> dict[str, str]:
    """What is installed in an environment."""
    text = uv("pip", "freeze", "--python", str(base / "bin/python")).stdout
    pairs = (line.partition("==") for line in text.split())
    return {normalize(name): version.partition("+")[0] for name, _, version in pairs if version}


def install(folder: Path, pins: dict[str, str], base: Path) -> bool:
    """A new environment with exactly these releases: the base's own files, hard-linked, and what differs from them."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder, symlinks=True, copy_function=os.link)
    there = frozen(base)
    into = ("--python", str(folder / "bin/python"))
    if gone := [n for n in there if n not in pins]:
        uv("pip", "uninstall", "-q", *into, *gone)
    words = [f"{n}=={v}" for n, v in sorted(pins.items()) if there.get(n) != v]
    if not words:
        return True
    done = uv("pip", "install", "-q", *into, "--no-deps", "--only-binary", ":all:", *words)
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
    return done.returncode == 0


def serving(engine: str | None, pins: dict[str, str]) -> list[str]:
    """The modules that have to import: the engine's, what needs the driver last; else those of the libraries."""
    if engine:
        return sorted(entry_modules(engine, pins[engine], None), key=lambda m: "turbomind" in m)
    return ["transformers", *(m for name, found in OTHERS.items() if name in pins for m in found)]


def tried(folder: Path, modules: list[str]) -> dict[str, str | None]:
    """How the imports end, in a child."""
    environ = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    words = [folder / "bin/python", "-c", IMPORT, *modules]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, env=environ)
    found = re.search(r"^RESULT(.*)$", done.stdout, re.M)
    if found is None:
        return dict.fromkeys(modules, f"ended with {done.returncode}: {done.stderr[-300:]}")
    answers: dict[str, str | None] = json.loads(found[1])
    return answers


def planned(folder: Path, engine: str | None) -> dict[str, Any] | None:
    """The plan as JSON, None where doctor did not answer."""
    launch = ("--", "lmdeploy", "serve", "api_server", "internlm/internlm2-chat-7b") if engine else ()
    asked = ["fix", "--plan", "--format", "json", "--python", str(folder), *CARD, *launch]
    environ = {**os.environ, "PYTHONPATH": str(HERE)}
    words = [sys.executable, "-m", "doctor", *asked]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environ)
    if done.returncode not in (0, 1):
        print(done.stderr[-800:], file=sys.stderr)
        return None
    plan: dict[str, Any] = json.loads(done.stdout)["plan"]
    return plan


def judged(
    plan: dict[str, Any], broken: Path, mended: Path, modules: list[str], engine: str | None, base: Path
) -> dict[str, Any]:
    """What became of the plan: works, gpu (only a GPU is missing), failed, conflict confirmed or not, idle."""
    kept = {k: plan[k] for k in ("changes", "resolves", "remains", "conflict", "undecided", "verified")}
    if plan["conflict"] or plan["undecided"]:
        outcome = "undecided" if plan["undecided"] else "no way"
        return {"outcome": outcome, "plan": kept, "why": str(plan["conflict"] or plan["undecided"])}
    if not plan["actions"]:
        errors = {m: e for m, e in tried(broken, modules).items() if e and not GPU_ONLY.search(e)}
        why = f"nothing to do, but {errors}" if errors else ""
        return {"outcome": "failed" if errors and not plan["remains"] else "idle", "plan": kept, "why": why}
    if not install(mended, plan["pins"], base):
        return {"outcome": "failed", "plan": kept, "why": "the pins cannot be installed"}
    if engine:
        modules = serving(engine, plan["pins"])
    result: dict[str, Any] = {"plan": kept}
    answers = tried(mended, modules)
    wrong = {m: e for m, e in answers.items() if e and not GPU_ONLY.search(e)}
    if wrong:
        return {**result, "outcome": "partial" if plan["remains"] else "failed", "why": json.dumps(wrong)}
    return {**result, "outcome": "gpu" if any(answers.values()) else "works", "why": json.dumps(answers)}


def uv(*words: str) -> subprocess.CompletedProcess[str]:
    """uv, with its answer."""
    return subprocess.run([find_uv(), *words], capture_output=True, text=True, timeout=1200)


if __name__ == "__main__":
    sys.exit(main())
