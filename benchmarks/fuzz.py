"""Hostile inputs for every reader: no traceback, no signal, nothing over 20 s or 500 MB.

    python benchmarks/fuzz.py [--seconds 240] [--seed N] [--only NAME]... [--keep DIR]
    python benchmarks/fuzz.py places [--only WORD]...     odd files in the place of every option that takes one

Each input is given to a process forked from this one (Linux). A fault is printed once for each kind, with the number of
the input that shows it; `--keep` saves those inputs with the words that read them.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzzing import places, seeds, spoil, trial


def lay_out(folder: Path, files: dict[str, bytes]) -> None:
    """Writes files below an emptied folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)


def one(number: int, seed: int, only: list[str]) -> tuple[str, dict[str, bytes], tuple[str, ...]]:
    """Input `number` of a seed: the reader's name, the files, and the words."""
    source = random.Random(f"{seed}:{number}")
    readers = [r for r in seeds.readers() if not only or r.name in only]
    if (not only or "words" in only) and (source.random() < 0.12 or not readers):
        words = spoil.spoiled_words(list(source.choice(seeds.WORDS)), source)
        return "words", dict(seeds.SITE), ("check", "--offline", "--path", "site", "--", *words)
    reader = source.choice(readers)
    files = {**dict(reader.beside), reader.file: spoil.spoiled(source.choice(reader.sound), source)}
    words = tuple(w.replace("{}", reader.file) for w in source.choice(reader.words))
    return reader.name, files, words


def inputs(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Readers and words, one after the other until time is up, the files laid out."""
    end = time.monotonic() + options.seconds
    number = options.first
    while time.monotonic() < end:
        name, files, words = one(number, options.seed, options.only)
        lay_out(folder, files)
        yield f"{name} #{number}", words
        number += 1


def odd_files(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every odd file in every place."""
    lay_out(folder, {"good.txt": b"vllm==0.11.0\n", "good.log": seeds.LOGS[0], **dict(seeds.SITE)})
    odd = places.make(folder)
    for words in places.PLACES:
        if not options.only or any(word in " ".join(words) for word in options.only):
            for name, path in odd.items():
                if "\0" not in path and places.harmless(words, path, folder):
                    yield f"{' '.join(words)} | {name}", tuple(w.replace("{}", path) for w in words)


def main() -> int:
    """Tries, prints each kind of fault once, and says by its exit status whether there was one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["inputs", "places"], default="inputs")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to see one again")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--statuses", action="store_true", help="how often each reader ended with which status")
    options = parser.parse_args()
    trial.load_all()
    count, kinds, slowest, largest = 0, dict[str, int](), (0.0, ""), (0, "")
    statuses = Counter[tuple[str, int]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "f"
        for shown, words in (inputs if options.what == "inputs" else odd_files)(options, folder):
            found = trial.run(trial.Trial(words), folder)
            count += 1
            statuses[shown.split(" #")[0], found.status] += 1
            slowest, largest = max(slowest, (found.seconds, shown)), max(largest, (found.memory, shown))
            if fault := found.fault:
                kinds[fault] = kinds.get(fault, 0) + 1
                if kinds[fault] == 1:
                    print(f"{shown}: {fault}\n    {' '.join(words)[:200]!r}", flush=True)
                    if options.keep:
                        shutil.copytree(folder, options.keep / f"{len(kinds)}", symlinks=True, dirs_exist_ok=True)
    print(f"seed {options.seed}: {count} inputs, {sum(kinds.values())} faults of {len(kinds)} kinds")
    print(f"slowest {slowest[0]:.1f} s ({slowest[1]}), largest {largest[0] >> 20} MiB ({largest[1]})")
    if options.statuses:
        print("\n".join(f"{name}: status {status} {times} times" for (name, status), times in sorted(statuses.items())))
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
