"""The command that a report is about: the first line that starts a server, with the lines that it goes on over."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

LONGEST = 16_000
MOST_JOINED = 60
_PROMPT = re.compile(r"^(?:\([\w.-]{1,60}\) ?)?(?:[\w.-]{1,60}@[\w.-]{1,60}:[^$#]{0,200})?[$#] +")
_LEAD = re.compile(r"^(?:(?:run|command|cmd|model input dumps|cli|命令|启动命令) ?[:：] ?)", re.I)
_START = re.compile(
    r"(?:[A-Z_][A-Z0-9_]{1,60}=\S{0,200} +){0,20}(?:nohup +|sudo +|CMD +|exec +){0,3}"
    r"(?:vllm +serve\b|lmdeploy +serve +api_server\b|sglang +serve\b|transformers +serve\b"
    r"|(?:\S{0,100}/)?python(?:3(?:\.\d{1,2})?)? +(?:-u +)?-m +"
    r"(?:vllm\.entrypoints\.|sglang\.launch_server\b|lmdeploy\b)"
    r"|docker +run\b|podman +run\b)"
)


def command(lines: Sequence[str]) -> tuple[str, ...]:
    """Its words; empty where no line is one that a shell would read as a command."""
    for at, line in enumerate(lines):
        text = _LEAD.sub("", _PROMPT.sub("", line.strip().strip("`").strip().lstrip("> ")))
        if _START.match(text):
            joined = _joined(text, lines[at + 1 : at + 1 + MOST_JOINED])
            try:
                return tuple(shlex.split(joined[:LONGEST].removeprefix("CMD ")))
            except ValueError:
                continue
    return ()


def _joined(first: str, following: Sequence[str]) -> str:
    """With the lines behind a backslash; a line of options alone goes on, too, as reporters lose the backslash."""
    out = [first]
    for line in following:
        text = line.strip().strip("`")
        if out[-1].endswith("\\"):
            out[-1] = out[-1][:-1].rstrip()
        elif not (text.startswith("--") and line[:1] in " \t"):
            break
        out.append(text.lstrip("> "))
    return " ".join(out).rstrip("\\ ")
