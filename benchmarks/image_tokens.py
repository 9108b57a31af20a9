"""Tokens of pictures as doctor counts them, next to the processors of transformers in a child.

    python benchmarks/image_tokens.py --python VENV/bin/python [--sizes 40] [--seed 1]

VENV holds torch (its CPU build is enough), transformers and Pillow. The families are those of
tests/memory/test_pictures.py, each asked about its six sizes and about `--sizes` random ones, from thumbnails to
photographs, steep ones too. Printed are the sizes that differ; the status is 1 where there is one.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from doctor.memory.layout import layout
from doctor.memory.pictures import tokens_of
from tests.memory.test_pictures import CASES, CHILD, SIZES

TIMEOUT = 900
SHOWN = 5


def sizes(count: int, seed: int) -> list[tuple[int, int]]:
    """The six sizes, and random ones: a shorter side of 30 to 3,000 pixels, up to six times as long."""
    chance = random.Random(seed)
    found = list(SIZES)
    for _ in range(count):
        short = int(30 * 100 ** chance.random())
        long = int(short * chance.uniform(1, 6))
        found.append((short, long) if chance.random() < 0.5 else (long, short))
    return found


def counted(python: str, asked: list[tuple[int, int]]) -> dict[str, list[int] | str]:
    """Tokens of every size for each family by its own processor; a text says why there are none."""
    question = json.dumps([asked, [case[2:] for case in CASES.values()]])
    done = subprocess.run([python, "-c", CHILD], input=question, capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(zip(CASES, map(json.loads, done.stdout.splitlines()), strict=True))


def main() -> int:
    """Prints a line for each family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--sizes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asked = sizes(given.sizes, given.seed)
    wrong = equal = 0
    for family, truth in counted(given.python, asked).items():
        if isinstance(truth, str):
            print(f"{family:18} its processor cannot count here: {truth[:100]}")
            continue
        found = layout(CASES[family][0])
        ours = [found and tokens_of(found, CASES[family][1], *size) for size in asked]
        off = [(size, mine, real) for size, mine, real in zip(asked, ours, truth, strict=True) if mine != real]
        wrong, equal = wrong + len(off), equal + len(asked) - len(off)
        print(f"{family:18} {len(asked) - len(off)} of {len(asked)} equal")
        for size, mine, real in off[:SHOWN]:
            print(f"  {size[0]} x {size[1]}: {mine}, the processor says {real}")
    print(f"{equal} counts equal, {wrong} differ")
    return 1 if wrong or not equal else 0


if __name__ == "__main__":
    sys.exit(main())
