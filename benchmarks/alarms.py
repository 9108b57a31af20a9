"""False alarms and failures that are not named: `check` on declared environments that start, and on those that do not.

    python benchmarks/alarms.py [healthy] [starts] [failures] [--keep FOLDER] [--installed ENGINE=FOLDER] [--only ID]

`healthy`: the newest three releases of each engine, resolved as an installer would (needs `uv` and the index), on seven
GPUs, with and without a model; nothing is installed. `--installed` adds real environments. An error is a false alarm,
but for a GPU that the release has no code for. `starts`: the maintainers' own recipes of starts.yaml; an error is a
false alarm. `failures`: each case of failures.yaml must have an error with the right
code and cause. Prints what is wrong and the two figures; the status is 1 with a false alarm, or below 95 % named.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
DATA = HERE / "failures.yaml"
RECIPES = HERE / "starts.yaml"
GPUS = ("H100", "B200", "A100", "RTX 4090", "RTX 3090", "RTX 5090", "V100")
DRIVER = "595.80"  # newer than what any release here asks for
SMALL = "Qwen/Qwen3-VL-2B-Instruct"  # fits on each of the GPUs, and each release knows it
STARTS = {
    "lmdeploy": "lmdeploy serve api_server {model} --session-len 8192",
    "vllm": "vllm serve {model} --max-model-len 8192",
    "sglang": "python -m sglang.launch_server --model-path {model} --context-length 8192",
}
NEWEST = 3
NAMED = 0.95


@dataclass(frozen=True)
class Question:
    """One call of `check`: its words, and which error would be right (`codes`, `words`; none of them: no error)."""

    name: str
    words: tuple[str, ...]
    codes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    source: str = ""
    lacks: bool = field(default=False)  # the GPU has no code in this release: an error is right, none is wrong


def doctor(*words: str) -> subprocess.CompletedProcess[str]:
    """One run of the command line of this checkout."""
    environ = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-m", "doctor", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd="/", timeout=600)


def ask(question: Question) -> dict[str, Any]:
    """The JSON that `check` prints."""
    done = doctor("check", "--offline", "--format", "json", *question.words)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"findings": [], "broken": done.stderr[-400:]}
    return answer


def errors(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [f for f in answer["findings"] if f["severity"] == "error"]


def named(question: Question, answer: dict[str, Any]) -> bool:
    """Whether an error has one of the codes, and each of the words that say the cause."""
    for finding in errors(answer):
        text = json.dumps(finding, ensure_ascii=False).lower()
        if finding["code"] in question.codes and all(
            any(one.lower() in text for one in str(word).split("|")) for word in question.said
        ):
            return True
    return False


def newest(engine: str) -> list[str]:
    """The newest final releases that the matrix has rows of, newest first."""
    from packaging.version import Version

    from doctor.matrix import rows

    known = rows.releases(engine)
    assert known is not None, engine
    final = sorted((Version(v) for v in known.versions), reverse=True)
    return [str(v) for v in final if not v.is_prerelease][:NEWEST]


def resolved(folder: Path, pins: tuple[str, ...], python: str = "3.12", seen: str = "") -> Path:
    """What an installer would take for the first pin on that day, the other pins in place of its choice; kept.

    Where there is no solution (a Python that the release does not take), the pins as they are.
    """
    name = "_".join((python, seen, *pins)).replace("/", "-")
    file = folder / f"{name}.txt"
    if not file.exists():
        public = [pin.partition("+")[0] for pin in pins]
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as others:
            others.write("\n".join(public[1:]))
            others.flush()
            command = [shutil.which("uv") or str(Path(sys.executable).parent / "uv"), "pip", "compile", "-q", "-"]
            command += ["--no-header", "--no-annotate", "--python-version", python, "--override", others.name]
            command += ["--python-platform", "x86_64-manylinux_2_35"]
            command += ["--exclude-newer", seen] if seen else []
            done = subprocess.run(command, input=public[0], capture_output=True, text=True)
        if done.returncode:
            print(f"not resolved {' '.join(pins)}: {' '.join(done.stderr.split())[:200]}", file=sys.stderr)
        mine = {pin.partition("==")[0]: pin for pin in pins}
        lines = [mine.pop(line.partition("==")[0], line) for line in done.stdout.splitlines()]
        file.write_text("\n".join([*lines, *mine.values()]) + "\n", encoding="utf-8")
    return file


def lacks(pins: Path, gpu: str) -> bool:
    """Whether torch of these pins is built without code for the GPU, by the tables read out of the wheels."""
    from doctor.derived.reach.covering import runs
    from doctor.matrix.declared import declared_gpu
    from doctor.matrix.gpu_code import release_code

    version = next((line[7:] for line in pins.read_text().splitlines() if line.startswith("torch==")), "")
    capability = declared_gpu(gpu, DRIVER).devices[0].capability
    if capability is None or release_code("torch", version) is None:
        raise SystemExit(f"nothing is known of the GPU code of torch {version}")
    return not runs("torch", version, capability)


def healthy(folder: Path, installed: dict[str, Path]) -> Iterator[Question]:
    """Environments that start: no error, but for GPUs that torch has no code for."""
    for engine, start in STARTS.items():
        environments = [(v, resolved(folder, (f"{engine}=={v}",))) for v in newest(engine)]
        for gpu in GPUS:
            for model in ("", SMALL):
                launch = ["--", *shlex.split(start.format(model=model or "/models/some-model"))]
                machine = ["--gpu", gpu, "--driver", DRIVER]
                for version, pins in environments:
                    words = ["--requirements", str(pins), "--python-version", "3.12", *machine, *launch]
                    title = f"{engine} {version} on {gpu}" + (f" with {model}" if model else "")
                    yield Question(title, tuple(words), lacks=lacks(pins, gpu))
                if engine in installed:
                    words = ["--python", str(installed[engine]), *machine, *launch]
                    yield Question(f"installed {engine} on {gpu}", tuple(words), lacks=lacks(environments[0][1], gpu))


def recorded(cases: Path, folder: Path, pins: Path, only: list[str]) -> Iterator[Question]:
    """The cases of failures.yaml or starts.yaml, each laid out as files in the folder."""
    data = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    for case in yaml.safe_load(cases.read_text(encoding="utf-8"))[cases.stem]:
        if only and case["id"] not in only:
            continue
        here = folder / case["id"]
        model = here / "model"
        model.mkdir(parents=True, exist_ok=True)
        words = []
        if case.get("pins"):
            python = case.get("python", "3.12")
            file = here / "requirements.txt"
            file.write_text("\n".join(case["pins"]) + "\n", encoding="utf-8")
            if seen := case.get("seen"):
                file = resolved(pins, tuple(case["pins"]), python, seen)
            words += ["--requirements", str(file), "--python-version", python]
        words += ["--image", case["image"]] if case.get("image") else []
        words += [w for key in ("gpu", "driver") if case.get(key) for w in (f"--{key}", case[key])]
        if case.get("config"):
            (model / "config.json").write_text(json.dumps(data["configs"][case["config"]]), encoding="utf-8")
            for name, text in case.get("files", {}).items():
                (model / name).write_text(text, encoding="utf-8")
        words += ["--", *(str(model) if w == "MODEL" else w for w in shlex.split(case["command"]))]
        if case.get("seen"):
            words = ["--facts", str(all_installed(words, here / "facts.json"))]
        codes, said = tuple(case.get("codes", ())), tuple(case.get("words", ()))
        yield Question(case["id"], tuple(words), codes, said, case["source"])


def all_installed(words: list[str], file: Path) -> Path:
    """The facts of a declared environment, saved as those of one in which nothing else is installed."""
    facts = json.loads(doctor("facts", *words).stdout)
    facts["distributions"]["complete"] = True
    facts["target"]["kind"] = "installed"
    file.write_text(json.dumps(facts), encoding="utf-8")
    return file


def main() -> int:
    """Asks all; 1 where a figure is not reached."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parts", nargs="*", default=["healthy", "starts", "failures"])
    options.add_argument("--keep", type=Path, help="folder of the resolved pins, kept for the next time")
    options.add_argument("--installed", action="append", default=[], metavar="ENGINE=ENVIRONMENT")
    options.add_argument("--only", action="append", default=[], help="a case of failures.yaml or starts.yaml")
    options.add_argument("--jobs", type=int, default=2)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="qvl-alarms-") as scratch, ThreadPoolExecutor(asked.jobs) as pool:
        kept = asked.keep or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        right = True
        if "healthy" in asked.parts:
            environments = dict(pair.split("=", 1) for pair in asked.installed)
            questions = list(healthy(kept, {k: Path(v) for k, v in environments.items()}))
            right &= report_healthy(questions, list(pool.map(ask, questions)))
        if "starts" in asked.parts:
            questions = list(recorded(RECIPES, Path(scratch), kept, asked.only))
            right &= report_healthy(questions, list(pool.map(ask, questions)))
        if "failures" in asked.parts:
            questions = list(recorded(DATA, Path(scratch), kept, asked.only))
            right &= report_failures(questions, list(pool.map(ask, questions)))
    return int(not right)


def report_healthy(questions: list[Question], answers: list[dict[str, Any]]) -> bool:
    """Prints false alarms and GPUs without code that are not named; whether there is none."""
    wrong = 0
    for question, answer in zip(questions, answers, strict=True):
        found = errors(answer)
        if question.lacks == bool(found) and "broken" not in answer:
            continue
        wrong += 1
        said = "; ".join(f"{f['code']} {f['message'][:160]}" for f in found) or answer.get("broken", "no error")
        print(f"{'not named' if question.lacks else 'false alarm':12} {question.name}: {said}")
    lacking = sum(q.lacks for q in questions)
    print(f"to start: {wrong} wrong of {len(questions)}, {lacking} of them on GPUs that the release has no code for")
    return not wrong


def report_failures(questions: list[Question], answers: list[dict[str, Any]]) -> bool:
    """Prints the failures that are not named; whether enough are."""
    missed = [(q, a) for q, a in zip(questions, answers, strict=True) if not named(q, a)]
    for question, answer in missed:
        said = "; ".join(f"{f['code']} {f['message'][:140]}" for f in errors(answer))
        said = said or answer.get("broken", "no error")
        print(f"{'not named':12} {question.name} ({question.source}), expected {'/'.join(question.codes)}: {said}")
    count = len(questions) - len(missed)
    print(f"failures: {count} of {len(questions)} named ({count / max(1, len(questions)):.1%})")
    return count >= NAMED * len(questions)


if __name__ == "__main__":
    raise SystemExit(main())
