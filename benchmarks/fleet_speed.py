"""How long a fleet's digests take to compare, and doctor as one file to start: medians, on an idle machine.

    python benchmarks/fleet_speed.py [NODES ...]
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

from doctor import api
from doctor.derived.digest import digest_of
from doctor.derived.fleet import Fleet, Member
from doctor.facts.codec import from_json, to_json
from doctor.facts.node import Digest
from doctor.rules.fleet import FLEET_RULES
from doctor.rules.fleet.engine import evaluate_fleet


def compared(nodes: int) -> tuple[float, int]:
    """Seconds of processor time for reading, grouping and judging, and the bytes that the nodes sent."""
    known = api.collect()
    digest = digest_of(known)
    lines = []
    for rank in range(nodes):
        address = f"10.{rank >> 16 & 255}.{rank >> 8 & 255}.{rank & 255}"
        sections = {**digest.sections, "driver": f"{rank:012x}"} if rank % 250 == 7 else digest.sections
        one = replace(digest, sections=sections, host=f"n{rank}", address=address, addresses=(address,), rank=rank)
        lines.append(json.dumps(to_json(one)))
    begun = time.process_time()
    members = tuple(
        Member(f"n{rank}", rank, from_json(Digest, json.loads(line), "digest"), known)
        for rank, line in enumerate(lines)
    )
    fleet = Fleet(members)
    assert fleet.differing
    evaluate_fleet(fleet, FLEET_RULES)
    return time.process_time() - begun, sum(map(len, lines))


def started(runs: int = 5) -> float:
    """Seconds until `matrix list` of the single file has ended."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "qvl-doctor.pyz")
        subprocess.run([sys.executable, "-m", "doctor.fleet.single_file", file], check=True, capture_output=True)
        spent = []
        for _ in range(runs):
            begun = time.perf_counter()
            subprocess.run([sys.executable, file, "matrix", "list"], check=True, capture_output=True, cwd=folder)
            spent.append(time.perf_counter() - begun)
    return statistics.median(spent)


if __name__ == "__main__":
    for count in [int(word) for word in sys.argv[1:]] or [1000, 10000]:
        seconds, size = compared(count)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{count} nodes: {seconds:.2f} s, {size >> 10} KiB of digests, {peak} MiB at most")
    print(f"single file: {started():.2f} s")
