"""Runs in a mount namespace of its own: repairs an environment on disks of many sizes and prints what became of it.

Usage: python -m tests.repair.small_disk FOLDER SIZE_KIB...   FOLDER holds template, wheels and pins.txt
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.repair.patients import Patient, digest, fix, recover, run, undo


def main() -> None:
    """One JSON line for each size."""
    folder = Path(sys.argv[1])
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    for size in map(int, sys.argv[2:]):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)], check=True)
        patient = Patient(disk / "env", folder / "template", folder / "wheels", folder / "pins.txt")
        patient.reset()
        before = digest(patient.env)
        done = run(fix(patient))
        after, left = digest(patient.env), [p.name for p in patient.beside()]
        recovered = recover(patient)
        again = digest(patient.env)
        back = undo(patient) if done.returncode == 0 else None
        print(json.dumps({
            "size": size, "status": done.returncode, "said": done.stderr, "before": before, "after": after, "left": left,
            "recovered": recovered.returncode, "again": again, "beside": [p.name for p in patient.beside()],
            "undone": digest(patient.env) if back and back.returncode == 0 else None,
        }), flush=True)  # fmt: skip
        subprocess.run(["umount", str(disk)], check=True)


if __name__ == "__main__":
    main()
