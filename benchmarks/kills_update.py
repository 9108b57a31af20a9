"""Kills `matrix update` at random moments: every row is whole, the data can be read, and the next update goes on.

    python benchmarks/kills_update.py [--number 100] [--seed N] [--releases 12]

Small wheels are made in a folder of their own. Half of the kills come at a moment drawn evenly from the command's whole
length, the others after it has begun to write. Ends with 1 where a row was half there, was lost, or the next update did
not work.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.kills import DOCTOR, Lost, adapted, killed, need
from doctor.matrix.files.own_rows import read_rows
from tests.matrix.test_update import wheel

PROJECT = "qwen-vl-utils"


class Updates:
    """One folder of wheels, and one of data that is filled again and again."""

    def __init__(self, folder: Path, chance: random.Random, releases: int) -> None:
        self.wheels, self.data, self.chance, self.releases = folder / "wheels", folder / "data", chance, releases
        for number in range(releases):
            wheel(self.wheels, f"90.1.{number}")
        os.environ["QVL_DOCTOR_DATA"] = str(self.data)
        self.update = [*DOCTOR, "matrix", "update", "--from", str(self.wheels)]
        began = time.monotonic()
        self._works()
        self.takes = time.monotonic() - began

    def _works(self) -> None:
        done = subprocess.run(self.update, capture_output=True, text=True)
        need(done.returncode == 0, f"the next update did not work: {done.stderr[-300:]}")
        need(self._whole() == self.releases, "the next update did not add all")
        left = [p.name for p in self.data.rglob("*") if p.name.startswith(".new-") and p.parent.name == "rows"]
        need(not left, f"left over: {left}")

    def _whole(self) -> int:
        rows = read_rows(self.data).of(PROJECT)
        for row in rows:
            try:
                facts, names = row.read()
            except ValueError as error:
                raise Lost(f"half a row: {error}") from None
            need(facts["meta"]["version"] == row.version and names, f"{row.path.name} is another's")
        return len(rows)

    def ask(self) -> str:
        """One kill; how much was there after it."""
        shutil.rmtree(self.data, ignore_errors=True)
        if self.chance.random() < 0.5:
            done = killed(self.update, self.chance.uniform(0.1, 1.05) * self.takes)
            self.takes = adapted(self.takes, done)
        else:
            killed(self.update, self.chance.random() * 0.1, (self.data / "rows").exists)
        there = self._whole()
        if self.chance.random() < 0.3:
            shown = subprocess.run([*DOCTOR, "matrix", "list"], capture_output=True, text=True)
            need(shown.returncode == 0 and PROJECT in shown.stdout, f"the data cannot be read: {shown.stderr[-300:]}")
            self._works()
        return "nothing" if not there else "all" if there == self.releases else "some"


def main() -> int:
    """Kills and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--seed", type=int, default=28)
    parser.add_argument("--releases", type=int, default=12)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="qvl-kills-"))
    seen: collections.Counter[str] = collections.Counter()
    try:
        updates = Updates(folder, random.Random(given.seed), given.releases)
        for number in range(given.number):
            try:
                seen[updates.ask()] += 1
            except Lost as why:
                seen["LOST"] += 1
                print(f"{number}: {why}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    said = ", ".join(f"{n} {state}" for state, n in sorted(seen.items()))
    print(f"matrix update: {given.number - seen['LOST']} of {given.number} well: {said}")
    return 1 if seen["LOST"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
