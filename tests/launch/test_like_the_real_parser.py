"""The reader's verdict on command lines equals that of the release's own argument parser, in a child process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from doctor.launch.parser import read_by
from doctor.launch.table import Option, Table, table
from tests.launch.lines import LINES
from tests.matrix.test_reality import CACHE, CHILD, asked

pytestmark = [pytest.mark.registry, pytest.mark.timeout(900)]
MODEL = "Qwen/Qwen2-VL-7B-Instruct"
RELEASES = ["0.4.2", "0.6.5", "0.8.0", "0.11.1", "0.18.0"]
WORDS = ["2", "0", "-1", "0.5", "-0.5", "8k", "auto", "awq", "float16", "fp8", "true", "None", "", "a=b", '{"a": 1}', "[1]",
         "x y", "-x", "--", "-", "pytorch", "a,b", "--tp", "1e3", "1_0"]  # fmt: skip


def said(project: str, version: str, lines: list[tuple[str, ...]], tmp_path: Path) -> list[str | None]:
    """What the real parser says to each line: its refusal, or None."""
    asked(project, version)
    file = tmp_path / "lines.json"
    file.write_text(json.dumps(lines), encoding="utf-8")
    child = [sys.executable, "-I", "-S", str(CHILD), str(CACHE / f"{project}-{version}"), project, str(file)]
    done = subprocess.run(child, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: list[str | None] = json.loads(done.stdout.splitlines()[-1])
    return answer


BEHIND = ("--chat-template", "choice")  # LMDeploy looks at the name right behind its parser, in `get_chat_template`


def differences(known: Table, lines: list[tuple[str, ...]], real: list[str | None]) -> list[Any]:
    """The lines on which we and the real parser disagree; what the engine refuses after its parser is not compared."""
    out = []
    for line, refusal in zip(lines, real, strict=True):
        problems = [p for p in read_by(known, line).problems if (p.name, p.kind) != BEHIND and p.kind != "together"]
        if bool(problems) != bool(refusal) and not asks_for_help(known, line):
            out.append((line, refusal, problems))
    return out


def asks_for_help(known: Table, line: tuple[str, ...]) -> bool:
    """Help ends the parser before it looks at the rest."""
    return any(g.name == "--help" for g in read_by(known, line).given)


def by_chance(known: Table, count: int, seed: int) -> list[tuple[str, ...]]:
    """Lines made of the table: mostly options that exist with values that may fit, and some mistakes."""
    rnd = random.Random(seed)
    return [tuple(_line(known, rnd)) for _ in range(count)]


def _line(known: Table, rnd: random.Random) -> list[str]:
    out = [] if rnd.random() < 0.1 else [MODEL]
    for _ in range(rnd.randint(0, 4)):
        option = rnd.choice([o for o in known.options if o.name != "--help"])
        piece = _written(option, rnd)
        out = out + piece if rnd.random() < 0.8 else piece + out
    return out


def _written(option: Option, rnd: random.Random) -> list[str]:
    name = rnd.choice(option.spellings)
    if rnd.random() < 0.15:
        name = name[: rnd.randint(min(3, len(name)), len(name))]
    if rnd.random() < 0.1:
        name = name.replace("-", "_").replace("__", "--", 1)
    if rnd.random() < 0.05:
        name += rnd.choice(["x", ".x", ".x.y"])
    count = {None: 1, 0: 0, "?": rnd.randint(0, 1)}.get(option.nargs, rnd.randint(0, 3))  # type: ignore[call-overload]
    if rnd.random() < 0.1:
        count = rnd.randint(0, 2)
    likely = [str(c) for c in option.choices or ()] + ["1", "2"] + (['{"a": 2}'] if "json" in option.type else [])
    values = [rnd.choice(likely) if rnd.random() < 0.7 else rnd.choice(WORDS) for _ in range(count)]
    if len(values) == 1 and rnd.random() < 0.3:
        return [f"{name}={values[0]}"]
    return [name, *values]


@pytest.mark.parametrize("version", RELEASES)
def test_lmdeploy(version: str, tmp_path: Path) -> None:
    known = table("lmdeploy", version)
    assert known is not None
    lines = [*LINES, *by_chance(known, int(os.environ.get("QVL_TEST_LINES", "1500")), 20260601)]
    real = said("lmdeploy", version, lines, tmp_path)
    assert 25 < sum(r is not None for r in real[: len(LINES)]) < len(LINES) - 25, "both kinds are there"
    assert differences(known, lines, real) == []


@pytest.mark.parametrize("version", ["0.3.6", "0.4.9"])
def test_sglang(version: str, tmp_path: Path) -> None:
    known = table("sglang", version)
    assert known is not None
    lines = [("--model-path", "m", *line[1:]) for line in by_chance(known, 1500, 20260601) if line[:1] == (MODEL,)]
    assert differences(known, lines, said("sglang", version, lines, tmp_path)) == []
