"""How fast `explain` is: megabytes a second of a long log, and seconds for 10,000 lines with the start of Python.

python benchmarks/explain.py [--megabytes 512]
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from doctor.explain import explain_log

LINE = (
    "INFO 02-15 02:05:{:02d} [loggers.py:118] Engine 000: generation throughput: {}.4 tokens/s, Running: {} "
    "reqs, KV cache usage: 12.1%\n"
)
ACCESS = 'INFO:     10.0.0.{}:{} - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'
CRASH = (
    "Traceback (most recent call last):\n"
    '  File "/opt/v/lib/python3.12/site-packages/vllm/v1/engine/core.py", line 12, in run\n'
    "    start()\nRuntimeError: UVA is not available\n"
)


def noise(size: int) -> str:
    """About `size` bytes of an idle server's log."""
    lines = [LINE.format(n % 60, n % 900, n % 32) + ACCESS.format(n % 250, 30000 + n % 9000) for n in range(2000)]
    block = "".join(lines)
    return block * (size // len(block) + 1)


def main() -> int:
    """Measures, prints, and says by its exit status whether both goals are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512)
    args = parser.parse_args()
    block = noise(8_000_000).encode()
    log = (
        block * (args.megabytes * 500_000 // len(block))
        + CRASH.encode()
        + block * (args.megabytes * 500_000 // len(block))
    )
    start, busy = time.perf_counter(), time.process_time()
    found = explain_log(io.BytesIO(log))
    took, busy = time.perf_counter() - start, time.process_time() - busy
    rate = len(log) / 1e6 / busy
    print(
        f"{len(log) / 1e6:.0f} MB: {rate:.0f} MB per second of processor time ({took:.2f} s passed), found "
        f"{found[0].rule}"
    )
    with tempfile.TemporaryDirectory() as folder:
        short = Path(folder, "short.log")
        lines = (noise(2_000_000).splitlines(keepends=True))[:9990]
        short.write_text("".join(lines[:5000]) + CRASH + "".join(lines[5000:]))
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "doctor", "explain", str(short)],
                stdout=subprocess.DEVNULL,
                check=False,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},
            )
            times.append(time.perf_counter() - start)
    print(f"10,000 lines: {min(times):.3f} s at best, {sorted(times)[2]:.3f} s in the middle, with the start of Python")
    return 0 if rate >= 100 and sorted(times)[2] < 0.5 and found[0].rule == "RUN631" else 1


if __name__ == "__main__":
    sys.exit(main())
