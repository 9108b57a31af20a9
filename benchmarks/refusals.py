"""How often `explain` names the place and the condition of an engine's own refusal, and how fast.

A random sample of the places where releases raise, assert or log an error with a literal message: each message is
rendered into a log with made-up values, every second one below a traceback, the others as the last line alone. Right is
an answer that names the file, the line in that release and the condition. Releases are read from their wheels (the
package index is needed for what the cache lacks).

python benchmarks/refusals.py [ENGINE...] [--sites 200] [--releases 5] [--seed 1] [--show 10]
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

from doctor.base.text import one_line
from doctor.explain import explain_log
from doctor.matrix.extract.raising.projects import ENGINES, project
from doctor.matrix.extract.raising.sites import LOG
from doctor.matrix.raise_sites import raise_sites
from doctor.matrix.update.build import cache_dir
from doctor.matrix.update.offers import chosen, indexed
from doctor.matrix.update.raising import APART, kept_rows, read_all

VALUES = (
    "2", "0", "17", "8192", "0.95", "None", "True", "qwen2_vl", "Qwen/Qwen3-VL-8B-Instruct", "torch.float16", "cuda:0",
    "[1, 2, 4, 8]", "['fp8', 'awq']", "{'image': 2}", "/models/a/config.json", "torch.Size([3, 224, 224])",
    "<class 'str'>", "model.layers.0.mlp.gate_proj.weight", "(8, 0)", "No module named 'foo'",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One place of a release, and a log in which it says its message."""

    engine: str
    version: str
    file: str
    line: int
    condition: str
    log: str


def cases(engine: str, versions: list[str], count: int, rng: random.Random) -> list[Case]:
    """`count` random places of these releases."""
    found = project(engine)
    assert found is not None
    paths = read_all(found, chosen(indexed(found), versions), cache_dir())
    sites = [
        (version, file, site)
        for version, path in paths.items()
        for file, rows in kept_rows(path).items()
        if not APART.search(file)
        for site in rows
    ]
    return [_case(engine, *rng.choice(sites), place, rng) for place in range(count)]


def _case(engine: str, version: str, file: str, site: list[Any], place: int, rng: random.Random) -> Case:
    line, _, raised, template, condition, function = site
    message = "".join(part if part is not None else rng.choice(VALUES) for part in template)
    banner = f"INFO 11-30 12:00:00 [launcher.py:1] {engine}=={version} starts\nINFO 11-30 12:00:01 [x.py:2] loading\n"
    if raised == LOG:
        return Case(engine, version, file, line, condition, f"{banner}ERROR 11-30 12:00:02 [x.py:{line}] {message}\n")
    frame = f'  File "/opt/v/lib/python3.12/site-packages/{file}", line {line}, in {function.rpartition(".")[2]}\n'
    code = f"    raise {raised}(\n" if raised != "AssertionError" else "    assert it\n"
    head = f"Traceback (most recent call last):\n{frame}{code}" if place % 2 else ""
    return Case(engine, version, file, line, condition, f"{banner}{head}{raised}: {message}\n")


def right(case: Case) -> tuple[bool, str]:
    """Whether the likeliest finding names file, line and condition, and what it says of the place."""
    finding = explain_log(io.BytesIO(case.log.encode("utf-8", "replace")))[0]
    said = "\n".join(f"{e.fact} {e.observed}" for e in finding.evidence if "raised at" in e.fact)
    condition = f" when `{one_line(case.condition, 200)}`" if case.condition else ""
    return f"{case.file}:{case.line}{condition}" in said, f"{finding.rule} {said}"


def main() -> int:
    """Measures, prints, and says by its exit status whether 95 % are right for every engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", default=list(ENGINES))
    for name, default in (("sites", 200), ("releases", 5), ("seed", 1), ("show", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args, good = parser.parse_args(), True
    for engine in args.engines:
        rng, known = random.Random(args.seed), raise_sites(engine)
        if known is None:
            continue
        versions = rng.sample(known.releases.versions, min(args.releases, len(known.releases.versions)))
        asked = cases(engine, versions, args.sites, rng)
        start = time.process_time()
        answers = [(case, *right(case)) for case in asked]
        took = (time.process_time() - start) / len(asked)
        count, framed = sum(ok for _, ok, _ in answers), [ok for case, ok, _ in answers if "Traceback" in case.log]
        alone = f"{count - sum(framed)} of {len(asked) - len(framed)} without"
        parts = f"{sum(framed)} of {len(framed)} with a traceback, {alone}"
        print(f"{engine} {', '.join(versions)}: {count} of {len(asked)} ({parts}), {took * 1000:.0f} ms each")
        for case, _, said in [a for a in answers if not a[1]][: args.show]:
            print(
                f"  {case.version} {case.file}:{case.line} when {case.condition}\n    {case.log.splitlines()[-1][:200]}"
            )
            print(f"    -> {one_line(said, 300)}")
        good = good and count >= 0.95 * len(asked)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
