"""The reader's verdict on generated lines equals that of the newest releases' own parsers, in their own installations.

`QVL_TEST_ENVIRONMENTS` is a folder with an environment for each engine (`vllm`, `sglang`, `lmdeploy`), as
`python -m venv ENV && ENV/bin/pip install ENGINE==VERSION` makes it. What may differ is what only running code can say.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.registry, pytest.mark.timeout(900)]
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "options.py"
# validators with code of their own; choices by platform; what the second check asks of the machine
BEYOND = ("validation error", "invalid parse_dataclass", "invalid _optional_type", "--mm-processor-device", "validate:",
          "later: ", "looks like a JSON str", "unknown phase", "token_oracle")  # fmt: skip


@pytest.mark.parametrize(("engine", "version"), [("vllm", "0.33.0"), ("sglang", "0.5.23"), ("lmdeploy", "0.18.0")])
def test_lines(engine: str, version: str) -> None:
    python = Path(os.environ.get("QVL_TEST_ENVIRONMENTS", "")) / engine / "bin" / "python"
    if not os.environ.get("QVL_TEST_ENVIRONMENTS") or not python.exists():
        pytest.skip(f"no installation of {engine} {version} in QVL_TEST_ENVIRONMENTS")
    words = [sys.executable, str(BENCHMARK), engine, version, str(python), "--lines", "600", "--show", "600"]
    said = subprocess.run(words, capture_output=True, text=True, check=False, timeout=800).stdout
    assert f"{engine} {version}: 600 lines" in said
    assert "refuses" not in {line.split(" ")[0] for line in said.splitlines()}, f"a false error:\n{said[-3000:]}"
    real = [line for line in said.splitlines() if line.startswith("         real:")]
    assert [line for line in real if not any(b in line for b in BEYOND)] == []
