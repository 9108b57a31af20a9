"""Kills `fix` and `run` at random moments and looks at what is left: the old or the new, nothing lost, nothing blocked.

    python benchmarks/kills.py [apply in-place undo recover prune start] [--number 100] [--seed N] [--json FILE]

A small environment and small runs are made in a folder of their own. Each command is first timed on its own. Half of
the kills come at a moment drawn evenly from its whole length, the others after the command has begun to write; they hit
it and all that it started (SIGKILL to the group). Ends with 1 where anything was lost, mixed or blocked.

What is asked afterwards:
apply     the old environment is untouched, a new one is whole or marked as unfinished, and the next `fix --apply` works
in-place  the environment is the old or the new one, `--recover` works and leaves an old tree at most, `fix` then works
undo      the environment is the old or the new one, and another `--undo`, if it is the new one, brings the old one back
recover   after a killed repair and a killed `--recover`: as in-place
prune     every run is there with all its files or gone, the running one is there, and the next prune removes the rest
start     the run is listed or leaves nothing that is not removed by prune, and the next start works
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.repair import patients

DOCTOR = [sys.executable, "-m", "doctor"]
Question = Callable[[], str]  # puts everything back, kills, asks; gives the state, or raises Lost


class Lost(Exception):
    """Something was lost, mixed or blocked."""


def need(true: object, why: str) -> None:
    """Raises Lost."""
    if not true:
        raise Lost(why)


def killed(argv: list[str], after: float, once: Callable[[], bool] | None = None) -> bool:
    """Runs a command and kills its group after so many seconds, counted from the moment when `once()` is true.

    False where it was done before.
    """
    null = subprocess.DEVNULL
    process = subprocess.Popen(argv, start_new_session=True, stdin=null, stdout=null, stderr=null)
    while once and process.poll() is None and not once():
        time.sleep(0.001)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def adapted(takes: float, was_killed: bool) -> float:
    """How long a command is taken to last, as the load of the machine changes."""
    return takes * (1.05 if was_killed else 0.8)


class Repairs:
    """The four commands that change environments."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.patient = patients.build(folder / "repair")
        self.env, self.chance = self.patient.env, chance
        self.old = patients.digest(self.env)
        self.fix = patients.fix(self.patient, "--offline")
        self.undo = patients.command("--undo", "--python", str(self.env))
        self.recover = patients.command("--recover", "--python", str(self.env))
        self.beside = [word for word in self.fix if word not in ("--in-place", "--yes")]
        self._works(self.fix)  # the first one fills caches
        self._reset()
        self.takes = {"in-place": self._works(self.fix)}
        self.new = patients.digest(self.env)
        self.switched = folder / "switched"
        self.switched.mkdir()
        self._copy([self.env, *self.patient.beside()], self.switched)
        self.takes["undo"] = self._works(self.undo)
        self.takes["apply"] = self._works(self.beside)
        self.takes["recover"] = self._works(self.recover)

    def _works(self, argv: list[str]) -> float:
        start = time.monotonic()
        done = patients.run(argv)
        need(done.returncode == 0, f"blocked: {argv[3:6]}: {done.stderr[-300:]}")
        return time.monotonic() - start

    def _copy(self, paths: list[Path], to: Path) -> None:
        subprocess.run(["cp", "-a", *map(str, paths), str(to)], check=True)

    def _reset(self, switched: bool = False) -> None:
        for path in (self.env, *self.patient.beside(), *self.env.parent.glob(f"{self.env.name}-fixed*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self._copy(list(self.switched.iterdir()), self.env.parent) if switched else self.patient.reset()

    def _kill(self, what: str, argv: list[str], once: Callable[[], bool]) -> None:
        if self.chance.random() < 0.5:
            done = killed(argv, self.chance.uniform(0.1, 1.05) * self.takes[what])
        else:
            done = killed(argv, self.chance.random() ** 2 * self.takes[what] / 2, once)
        self.takes[what] = adapted(self.takes[what], done)

    def _state(self) -> str:
        now = patients.digest(self.env)
        need(now in (self.old, self.new), "the environment is neither the old nor the new one")
        return "old" if now == self.old else "new"

    def _settled(self, state: str) -> None:
        """After `--recover`, which must not change the environment; then it is undone or repaired again."""
        from doctor.repair.errors import RepairError
        from doctor.repair.switch.recover import recover
        from doctor.repair.switch.undo import undo

        try:
            recover(str(self.env))
            need(self._state() == state, "recovery changed the environment")
            left = [patients.digest(p) for p in self.patient.beside()]
            need(left == ([self.old] if state == "new" else []), f"left over: {self.patient.beside()}")
            if state == "new":
                done = undo(str(self.env))
                need(done.kept is None and done.differs == (), "the undo found a change where there was none")
                need(self._state() == "old" and not self.patient.beside(), "the undo did not bring the old one back")
        except RepairError as error:
            raise Lost(f"blocked: {error}") from None
        if self.chance.random() < 0.1:
            self._works(self.fix)
            need(self._state() == "new", "the next repair did not work")

    def in_place(self) -> str:
        """A killed repair in place."""
        self._reset()
        self._kill("in-place", self.fix, lambda: len(self.patient.beside()) > 1)
        state = self._state()
        self._settled(state)
        return state

    def undone(self) -> str:
        """A killed undo."""
        self._reset(switched=True)
        self._kill("undo", self.undo, lambda: len(self.patient.beside()) > 1)
        state = self._state()
        self._settled(state)
        return state

    def recovered(self) -> str:
        """A killed recovery of a killed repair."""
        self._reset()
        killed(self.fix, self.takes["in-place"] * self.chance.random() / 2, lambda: len(self.patient.beside()) > 1)
        state, before = self._state(), len(self.patient.beside())
        self._kill("recover", self.recover, lambda: len(self.patient.beside()) != before)
        need(self._state() == state, "a killed recovery changed the environment")
        self._settled(state)
        return state

    def apply(self) -> str:
        """A killed repair beside the old environment."""
        self._reset()
        new = self.env.with_name(f"{self.env.name}-fixed")
        self._kill("apply", self.beside, new.exists)
        need(patients.digest(self.env) == self.old, "the old environment was touched")
        if new.exists() and not (new / ".qvl-unfinished").exists():
            site = next(new.glob("lib/python3*/site-packages"))
            need("2.0" in (site / "alpha/one.py").read_text(), "an environment without a mark is not whole")
            need((site / "gamma/m49.py").is_file() and (new / "bin/gamma").is_file(), "an environment is not whole")
            return "new"
        begun = new.exists()
        if self.chance.random() < 0.2:
            self._works(self.beside)
            need(new.exists() and len(list(new.parent.glob("env-fixed*"))) == 1, "the next repair did not work")
        elif begun:
            self._works(self.recover)
            need(not new.exists(), "recovery left a half made environment")
        return "begun" if begun else "old"


class Runs:
    """The commands that keep and remove runs."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.base, self.chance = folder / "runs", chance
        self.start = [*DOCTOR, "run", "--no-check", "--log-dir", str(self.base), "--", sys.executable, "-c", "print(1)"]
        self.prune = [*DOCTOR, "runs", "prune", "--keep", "0", "--log-dir", str(self.base)]
        subprocess.run(self.start, check=True, capture_output=True)
        self.template = folder / "template"
        next(self.base.iterdir()).rename(self.template)
        self.takes = {}
        for name, argv in (("start", self.start), ("prune", self.prune)):
            self._many() if name == "prune" else None
            began = time.monotonic()
            subprocess.run(argv, check=True, capture_output=True)
            self.takes[name] = time.monotonic() - began

    def _many(self, number: int = 60) -> list[Path]:
        shutil.rmtree(self.base, ignore_errors=True)
        out = [self.base / f"20260101T0000{n:02}Z-{n + 1}" for n in range(number)]
        for path in out:
            shutil.copytree(self.template, path)
        return out

    def _list(self) -> list[str]:
        argv = [*DOCTOR, "runs", "list", "--format", "json", "--log-dir", str(self.base)]
        done = subprocess.run(argv, capture_output=True, text=True)
        need(done.returncode == 0, f"the list is blocked: {done.stderr[-300:]}")
        answer = json.loads(done.stdout)
        need(not answer["damaged"], f"damaged: {answer['damaged']}")
        return [run["id"] for run in answer["runs"]]

    def pruned(self) -> str:
        """A killed `runs prune`."""
        runs = self._many()
        files = sorted(p.name for p in self.template.iterdir())
        holder = os.open(runs[7], os.O_RDONLY)
        try:
            import fcntl

            fcntl.flock(holder, fcntl.LOCK_EX)
            if self.chance.random() < 0.5:
                done = killed(self.prune, self.chance.uniform(0.1, 1.05) * self.takes["prune"])
                self.takes["prune"] = adapted(self.takes["prune"], done)
            else:
                killed(self.prune, self.chance.random() * 0.1, lambda: not runs[0].exists())
            there = [path for path in runs if path.exists()]
            need(runs[7] in there, "a run that somebody has was removed")
            for path in there:
                need(sorted(p.name for p in path.iterdir()) == files, f"half removed: {path}")
            need(self._list() == [p.name for p in there], "the list does not show what is there")
            subprocess.run(self.prune, check=True, capture_output=True)
            left = [p.name for p in self.base.iterdir()]
            need(left == [runs[7].name], f"the next prune left {left}")
        finally:
            os.close(holder)
        return f"{'all' if len(there) == len(runs) else 'none' if len(there) == 1 else 'some'} left"

    def started(self) -> str:
        """A killed start of a run."""
        shutil.rmtree(self.base, ignore_errors=True)
        if self.chance.random() < 0.5:
            done = killed(self.start, self.chance.uniform(0.1, 1.05) * self.takes["start"])
            self.takes["start"] = adapted(self.takes["start"], done)
        else:
            killed(self.start, self.chance.random() ** 2 * 0.1, lambda: self.base.exists() and any(self.base.iterdir()))
        listed = self._list() if self.base.exists() else []
        folders = [p.name for p in self.base.iterdir()] if self.base.exists() else []
        subprocess.run(self.start, check=True, capture_output=True)
        need(len(self._list()) == len(listed) + 1, "the next start does not work")
        subprocess.run(self.prune, check=True, capture_output=True)
        left = [p.name for p in self.base.iterdir()]
        need(not left, f"prune left {left}")
        return "listed" if listed else "begun" if folders else "nothing"


def questions(folder: Path, chance: random.Random, wanted: list[str]) -> dict[str, Question]:
    """What is to be asked."""
    out: dict[str, Question] = {}
    if set(wanted) & {"apply", "in-place", "undo", "recover"}:
        repairs = Repairs(folder, chance)
        out |= {
            "apply": repairs.apply,
            "in-place": repairs.in_place,
            "undo": repairs.undone,
            "recover": repairs.recovered,
        }
    if set(wanted) & {"prune", "start"}:
        runs = Runs(folder, chance)
        out |= {"prune": runs.pruned, "start": runs.started}
    return {name: out[name] for name in wanted}


def main() -> int:
    """Kills and prints."""
    names = ("apply", "in-place", "undo", "recover", "prune", "start")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="COMMAND", help=", ".join(names))
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--seed", type=int, default=28)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    wanted = [name for name in names if name in given.what] or list(names)
    folder = Path(tempfile.mkdtemp(prefix="qvl-kills-"))
    results: dict[str, dict[str, int]] = {}
    bad = 0
    try:
        for name, ask in questions(folder, random.Random(given.seed), wanted).items():
            seen: collections.Counter[str] = collections.Counter()
            for number in range(given.number):
                try:
                    seen[ask()] += 1
                except Lost as why:
                    bad += 1
                    seen["LOST"] += 1
                    print(f"{name} {number}: {why}", flush=True)
            results[name] = dict(sorted(seen.items()))
            said = ", ".join(f"{n} {state}" for state, n in results[name].items())
            print(f"{name:9} {given.number - seen['LOST']} of {given.number} well: {said}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
