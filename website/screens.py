"""Twelve real answers, each as a terminal of 80 x 24 and of 100 x 40 shows it: `python -m website.screens [ENVIRONMENTS]`.

Verdict, first cause and the next command have to be visible without scrolling. ENVIRONMENTS is a folder with virtual
environments called vllm, lmdeploy and sglang, as their own installation makes them; answers about those are drawn only
where it is given, with `/opt/NAME` for its path. Written are docs/screens/NAME.txt (80 x 24) and NAME.svg (100 x 40).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from dataclasses import dataclass
from pathlib import Path

from website.answers import NOT_FROM_HERE, ROOT, SECONDS
from website.picture import drawn

FOLDER = ROOT / "docs" / "screens"
SIZES = ((80, 24), (100, 40))
COLORS = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\\\")
VLLM = "--image vllm/vllm-openai:v0.11.0"


@dataclass(frozen=True)
class Screen:
    """One answer. `visible` are the words by which verdict, cause and next command are known; `inside` is the
    environment that it needs, if any, whose path stands for `ENV` in the command."""

    name: str
    command: str
    visible: tuple[str, ...]
    inside: str = ""


SCREENS = (
    Screen("old-transformers", "check --offline --requirements docs/examples/requirements.txt --python-version 3.11 --gpu 'RTX 3090' "
           "-- lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4", ("✗", "will fail", "ENG001", "upgrade transformers to", "lmdeploy serve")),
    Screen("eight-gigabytes", f"check --offline {VLLM} --gpu 'RTX 3070' -- vllm serve Qwen/Qwen2.5-VL-7B-Instruct",
           ("✗", "will very likely fail", "MEM001", "fix ", "vllm serve")),
    Screen("vllm-healthy", "check --offline --python ENV --gpu H100 --driver 580 -- vllm serve Qwen/Qwen2.5-VL-7B-Instruct",
           ("no errors found",), "vllm"),
    Screen("lmdeploy-healthy", "check --offline --python ENV --gpu H100 --driver 580 -- lmdeploy serve api_server "
           "Qwen/Qwen2.5-VL-7B-Instruct", ("no errors found",), "lmdeploy"),
    Screen("sglang-healthy", "check --offline --python ENV --gpu H100 --driver 580 -- python -m sglang.launch_server "
           "--model-path Qwen/Qwen2.5-VL-7B-Instruct", ("no errors found",), "sglang"),
    Screen("wrong-environment", "check --offline --python ENV --gpu H100 --driver 580 -- lmdeploy serve api_server "
           "Qwen/Qwen2.5-VL-7B-Instruct", ("✗", "will fail", "PKG010", "fix ", "qvl-doctor check --python DIR"), "sglang"),
    Screen("unknown-option", f"check --offline {VLLM} --gpu H100 -- vllm serve Qwen/Qwen2.5-VL-3B-Instruct --max-model-length 16384",
           ("✗", "will fail", "CMD001", "use `--max-model-len 16384`", "--max-model-len 16384")),
    Screen("old-driver", f"check --offline {VLLM} --gpu 'RTX 3090' --driver 470 -- vllm serve Qwen/Qwen2.5-VL-3B-Instruct",
           ("✗", "GPU002", "install NVIDIA driver")),
    Screen("compose", "check --offline --compose docs/examples/compose.yml --gpu 'RTX 4090'", ("✗", "will fail", "fix ", "--limit-mm-per-prompt")),
    Screen("kubernetes", "check --offline --deployment docs/examples/deployment.yaml --gpu H100", ("✗", "will fail", "MEM005", "CMD030", "fix ", "--tensor-parallel-size 1")),
    Screen("slurm", "check --offline --deployment docs/examples/serve.sbatch --gpu 'H100x2'", ("✗", "will fail", "MEM005", "fix ", "--tensor-parallel-size 2")),
    Screen("crash-log", "explain docs/examples/crash.log", ("BeamSearchScorer", "fix ", "transformers")),
)  # fmt: skip


def lines_of(screen: Screen, size: tuple[int, int], path: str = "") -> list[str]:
    """The rows that a terminal of this size gets, with their colors. Raises ValueError where the command fails."""
    words = [path if word == "ENV" else word for word in shlex.split(screen.command)]
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    with tempfile.TemporaryDirectory() as home:
        environ = {k: v for k, v in os.environ.items() if k not in (*NOT_FROM_HERE, "COLUMNS", "LINES")}
        environ |= {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache", "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "doctor", *words]
        with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, cwd=ROOT, env=environ) as child:
            os.close(theirs)
            raw = _all_of(mine)
            status = child.wait(SECONDS)
    if status not in (0, 1):
        raise ValueError(f"{screen.command}: status {status}")
    text = raw.decode().replace("\r\n", "\n").replace(path or "\0", f"/opt/{screen.inside}").replace(f"{ROOT}/", "")
    return text.rstrip("\n").split("\n")


def _all_of(end: int) -> bytes:
    out = bytearray()
    with os.fdopen(end, "rb", 0) as source:
        while True:
            try:
                part = source.read(1 << 16)
            except OSError:  # the other end is closed
                return bytes(out)
            if not part:
                return bytes(out)
            out += part


def bare(lines: list[str]) -> list[str]:
    """The rows without colors."""
    return [COLORS.sub("", line).rstrip() for line in lines]


def unseen(screen: Screen, rows: list[str], size: tuple[int, int]) -> list[str]:
    """The words that whoever looks at the terminal does not see: rows above scroll away, and the prompt takes one."""
    shown: list[str] = []
    for row in rows:
        shown += [row[at : at + size[0]] for at in range(0, len(row), size[0])] or [""]
    seen = " ".join(" ".join(shown[-(size[1] - 1) :]).split())
    return [word for word in screen.visible if " ".join(word.split()) not in seen]


def main() -> int:
    """Draws all; 1 where something is not visible."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", nargs="?", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing")
    asked = parser.parse_args()
    wrong = 0
    for screen in SCREENS:
        path = str(asked.environments / screen.inside) if asked.environments and screen.inside else ""
        if screen.inside and not path:
            continue
        for size in SIZES:
            lines = lines_of(screen, size, path)
            missing = unseen(screen, bare(lines), size)
            wrong += bool(missing)
            print(f"{screen.name:20} {size[0]} x {size[1]}: {len(lines)} rows" + (f", not visible: {missing}" if missing else ""))
            if not asked.check:
                _write(screen, size, lines)
    return 1 if wrong else 0


def _write(screen: Screen, size: tuple[int, int], lines: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = f"qvl-doctor {screen.command}".replace("ENV", f"/opt/{screen.inside}")
    if size == SIZES[0]:
        text = "\n".join([f"$ {command}", *bare(lines)])
        (FOLDER / f"{screen.name}.txt").write_text(f"{text}\n", encoding="utf-8")
    else:
        (FOLDER / f"{screen.name}.svg").write_text(drawn(command, lines, size[0]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
