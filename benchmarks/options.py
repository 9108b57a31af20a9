"""How often the reader of option lines and an engine's real argument parser differ: accept or refuse, and which option.

Usage: options.py ENGINE VERSION PYTHON [--lines N] [--seed N] [--show N]. PYTHON is that of an installation of the
release, where options_child.py runs its parser. Lines are made at random of what the real parser knows: names and
abbreviations, values that fit and others, settings as JSON and by dots, negations, mistakes. Prints each difference and
`ENGINE VERSION: N lines, R refused, D differences`; exits with 1 where there are any.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from doctor.launch.parser import Problem, read_by
from doctor.launch.table import Table, table

CHILD = Path(__file__).with_name("options_child.py")
WORDS = ["2", "0", "-1", "0.5", "-0.5", "1.5", "8k", "8K", "8Ki", "2.5k", "auto", "AUTO", "awq", "float16", "fp8",
         "true", "True", "None", "none", "", "a=b", '{"a": 1}', "[1]", "x y", "-x", "--", "-", "a,b", "1e3", "1_0",
         "99999", "1.2", "{a:1}", "nan",
         "image=3", "image:3,video:0", '{"image":3}', "'x'", "\u20132", "1 ", " 1"]  # fmt: skip
SCALARS: list[Any] = [
    1,
    0,
    -1,
    2.5,
    True,
    False,
    None,
    "auto",
    "1",
    "true",
    "x",
    [],
    {},
    [1],
    {"a": 1},
    "PIECEWISE",
    "NONE",
    1.0,
]


class Real:
    """The engine's parser in a child process."""

    def __init__(self, engine: str, python: str) -> None:
        words = [python, str(CHILD), engine]
        self.child = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.options: list[dict[str, Any]] = self._answer()

    def _answer(self) -> Any:
        assert self.child.stdout is not None
        return json.loads(self.child.stdout.readline())

    def says(self, lines: list[list[str]]) -> list[str | None]:
        """Why each line is refused; None where it is not."""
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(lines) + "\n")
        self.child.stdin.flush()
        answer: list[str | None] = self._answer()
        return answer


def made(options: list[dict[str, Any]], first: list[str], count: int, seed: int) -> list[list[str]]:
    """Lines at random; the same for the same seed."""
    rnd = random.Random(seed)
    usable = [o for o in options if o["names"] and o["dest"] not in ("help", "config")]
    settings = [o for o in usable if o["fields"]]
    out = []
    for _ in range(count):
        line = [] if rnd.random() < 0.04 else list(first)
        for _ in range(rnd.choice([1, 1, 1, 2, 2, 3])):
            option = rnd.choice(settings) if settings and rnd.random() < 0.25 else rnd.choice(usable)
            piece = written(option, rnd)
            line = line + piece if rnd.random() < 0.9 else piece + line
        if rnd.random() < 0.03:
            line.append(rnd.choice(WORDS))
        out.append(line)
    return out


def written(option: dict[str, Any], rnd: random.Random) -> list[str]:
    """One option with values."""
    name = respelled(rnd.choice(option["names"]), rnd)
    if option["fields"] and rnd.random() < 0.9:
        return as_settings(name, option["fields"], rnd)
    count = {None: 1, 0: 0, "?": rnd.randint(0, 1), "*": rnd.randint(0, 3), "+": rnd.randint(1, 3)}.get(
        option["nargs"], 1
    )
    if rnd.random() < 0.06:
        count = rnd.randint(0, 2)
    values = [value(option, rnd) for _ in range(count)]
    if len(values) == 1 and rnd.random() < 0.3:
        return [f"{name}={values[0]}"]
    if len(values) == 1 and len(name) == 2 and rnd.random() < 0.5:
        return [name + values[0]]
    return [name, *values]


def respelled(name: str, rnd: random.Random) -> str:
    """The name, most often unchanged, else shortened, with underscores, negated, misspelled or with another dash."""
    chance = rnd.random()
    if chance < 0.7 or not name.startswith("--"):
        return name
    if chance < 0.78:
        return name[: rnd.randint(min(5, len(name)), len(name))]
    if chance < 0.85:
        return "--" + name[2:].replace("-", "_")
    if chance < 0.9:
        return "--no-" + name[2:] if not name.startswith("--no-") else "--" + name[5:]
    if chance < 0.94:
        at = rnd.randint(3, len(name) - 1)
        return name[:at] + name[at + 1 :]
    return rnd.choice(
        [name.upper(), name[1:], "\u2014" + name[2:], "\u2013\u2013" + name[2:], name + ".x", name.title(), name + "s"]
    )


def value(option: dict[str, Any], rnd: random.Random) -> str:
    """A value: most often one of its choices or of its type."""
    choices = option["choices"]
    if choices and rnd.random() < 0.6:
        word = str(rnd.choice(choices))
        return word if rnd.random() < 0.8 else rnd.choice([word.upper(), word.replace("_", "-"), word + "x", word[:-1]])
    if not choices and rnd.random() < 0.5:
        kind = option["type"]
        return (
            rnd.choice(["1", "2", "64"])
            if "int" in kind
            else "0.5"
            if "float" in kind
            else rnd.choice(["x", '{"a": 1}', "2"])
        )
    return rnd.choice(WORDS)


def as_settings(name: str, fields: dict[str, Any], rnd: random.Random) -> list[str]:
    """Settings as one JSON object, or key by key with dots."""
    data: dict[str, Any] = {}
    for _ in range(rnd.choice([0, 1, 1, 1, 2])):
        key = rnd.choice(list(fields))
        spelled = key if rnd.random() < 0.85 else rnd.choice([key[:-1], key.replace("_", "-"), key.upper(), "x"])
        data[spelled] = member(fields[key], rnd, 0)
    if rnd.random() < 0.5 and data:
        out: list[str] = []
        for key, held in data.items():
            dotted, text = f"{name}.{key}", held
            if isinstance(held, dict) and held and rnd.random() < 0.7:
                inner = next(iter(held))
                dotted, text = f"{dotted}.{inner}", held[inner]
            word = text if isinstance(text, str) else json.dumps(text)
            out += [f"{dotted}={word}"] if rnd.random() < 0.5 else [dotted, word]
        return out
    word = json.dumps(data)
    if rnd.random() < 0.08:
        word = rnd.choice(
            [word.replace('"', "'"), word[:-1], word.replace('"', ""), "[" + word + "]", "None", "null", "1"]
        )
    return [f"{name}={word}"] if rnd.random() < 0.3 else [name, word]


def member(field: dict[str, Any], rnd: random.Random, depth: int) -> Any:
    """A value for one key."""
    if "type" not in field or not isinstance(field["type"], str):
        if rnd.random() < 0.15 or depth > 2:
            return rnd.choice(SCALARS)
        keys = rnd.sample(list(field), k=min(len(field), rnd.randint(0, 2)))
        return {k if rnd.random() < 0.9 else k + "x": member(field[k], rnd, depth + 1) for k in keys}
    if field[""] and rnd.random() < 0.75:
        word = rnd.choice(field[""])
        return int(word) if word.isdigit() else word if rnd.random() < 0.9 else word.upper()
    kind = field["type"]
    if rnd.random() < 0.5:
        for part, found in (
            ("bool", True),
            ("int", rnd.choice([1, 64])),
            ("float", 0.5),
            ("list", []),
            ("dict", {}),
            ("str", "x"),
        ):
            if part in kind:
                return found
    return rnd.choice(SCALARS)


def different(known: Table, serve: bool, line: list[str], real: str | None) -> str | None:
    """What differs: `accepts` or `refuses` (we do, wrongly), `blames`; None where nothing does."""
    reading = read_by(known, tuple(line), serve=serve)
    if any(g.name == "--help" for g in reading.given):
        return None
    problems = reading.problems
    if bool(problems) != bool(real):
        return "refuses" if problems else "accepts"
    return None if not real or any(blamed(p, real) for p in problems[:1]) else "blames"


def blamed(problem: Problem, real: str) -> bool:
    """Whether the real refusal is about the option of this problem."""
    head = real.splitlines()[0]
    if re.match(r"(?:Index|Key|Assertion|Attribute)Error:", head):
        return True  # the parser itself fell over, and names no option
    if found := re.match(r"argument (\S+?):", head):
        return problem.name in found[1].split("/") or problem.spelled in found[1].split("/")
    if problem.kind == "extra" and not (problem.value or "").strip():
        return real.startswith("unrecognized arguments:")
    return any(word and word.strip() in real for word in (problem.name, problem.spelled, problem.value))


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("engine")
    asked.add_argument("version")
    asked.add_argument("python")
    asked.add_argument("--lines", type=int, default=300)
    asked.add_argument("--seed", type=int, default=20261130)
    asked.add_argument("--show", type=int, default=20)
    args = asked.parse_args()
    serve = args.engine == "vllm"
    known = table(args.engine, args.version, serve=serve)
    assert known is not None, "the data does not cover this release"
    real = Real(args.engine, args.python)
    lines = made(real.options, ["--model-path", "m"] if args.engine == "sglang" else ["m"], args.lines, args.seed)
    said = real.says(lines)
    pairs = zip(lines, said, strict=True)
    found = [(d, line, r) for line, r in pairs if (d := different(known, serve, line, r))]
    for kind, line, refusal in found[: args.show]:
        print(f"{kind:8} {line}\n         real: {(refusal or '')[:200]!r}")
        ours = read_by(known, tuple(line), serve=serve).problems[:2]
        print(f"         ours: {[(p.kind, p.name, (p.value or '')[:60]) for p in ours]}")
    refused = sum(r is not None for r in said)
    print(f"{args.engine} {args.version}: {len(lines)} lines, {refused} refused, {len(found)} differences")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
