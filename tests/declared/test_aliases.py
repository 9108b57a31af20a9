"""YAML's aliases make billions of values out of a few lines; none of them is ever written out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAUGHS = "x0: &x0 [a,b,c,d,e,f,g,h,i,j]\n" + "".join(
    f"x{i}: &x{i} [{','.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 10)
)
KEYS = (
    "deploy",
    "ports",
    "volumes",
    "env_file",
    "extends",
    "devices",
    "configs",
    "secrets",
    "environment",
    "depends_on",
    "logging",
)


def test_no_key_of_a_service_is_made_long(tmp_path: Path) -> None:
    image = "image: vllm/vllm-openai:v0.11.0"
    services = "".join(f"  {key}: {{{image}, {key}: *x9}}\n" for key in KEYS if key != "extends")
    merged = "".join(f"  below_{key}: {{extends: {key}, {image}, {key}: *x9}}\n" for key in KEYS if key != "extends")
    every = f"  every: {{{image}, {', '.join(f'{key}: *x9' for key in KEYS)}}}\n"
    for number, text in enumerate((f"services:\n{services}{every}", f"services:\n{services}{merged}")):
        file = tmp_path / f"{number}.yml"
        file.write_text(LAUGHS + text)
        done = subprocess.run(
            [sys.executable, "-m", "doctor", "check", "--compose", str(file), "--service", "ports"],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1, 2, 3, 4) and "Traceback" not in done.stderr, done.stderr
