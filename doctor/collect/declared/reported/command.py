"""The command that a report is about: the first line that starts a server, as text for a shell.

A report is prose with commands in it. A line counts where an engine's start command stands at its beginning, behind a
prompt or a label, and goes on as commands do; what a sentence adds behind it is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from doctor.base.late import late_pattern

LONGEST = 16_000
MOST_JOINED = 60
ABOVE = 12  # lines in which variables of the command may be set
_BEFORE = (
    r"(?:^|[#$%❯➜>] +|&& *|; *|[:：] *)"  # a prompt, a label, another command
    r"(?P<command>(?:[A-Za-z_][A-Za-z0-9_]{0,60}=\S{0,200} +){0,20}"
    r"(?:(?:nohup|sudo|exec|CMD|time|uv +run|poetry +run|conda +run +-n +\S{1,60}) +){0,4}"
)
_SERVE = late_pattern(
    _BEFORE + r"(?:vllm +serve|lmdeploy +serve +api_server|sglang +serve|transformers +serve)(?=\s|$))", re.M
)
_MODULE = late_pattern(
    _BEFORE + r"(?:\S{0,100}/)?python(?:3(?:\.\d{1,2})?)? +(?:-u +)?-m +"
    r"(?:vllm\.entrypoints\.[\w.]{1,60}|sglang\.launch_server|lmdeploy +serve +api_server)(?=\s|$))", re.M
)  # fmt: skip
_CONTAINER = late_pattern(_BEFORE + r"(?:docker|podman) +run(?=\s|$))", re.M)
_VALUE = r"(?:\"[^\"]{0,400}\"|'[^']{0,400}'|[^\s;&|<>()`]{0,400})"
_ASSIGNED = late_pattern(rf"^(?:export +)?[A-Za-z_][A-Za-z0-9_]{{0,60}}={_VALUE}$")
_OPERATOR = late_pattern(r"[&|;<>#\\]|\d?>|-")
_PROSE = late_pattern(r"\s\((?=[A-Za-z])|[，。；：、（！]|(?<=[\w\"'])\. +(?=[A-Z])|\s\.{3}|…")
_PLACEHOLDER = late_pattern(r"<[A-Za-z][\w ./-]{0,40}>")
UNKNOWN = "PLACEHOLDER"


def command(lines: Sequence[str]) -> str:
    """A script for a shell, empty where no line is a command; words that a reader has to fill in are variables."""
    for at, line in enumerate(lines):
        text = line.replace("\u00a0", " ").strip().strip("`").lstrip("> ").strip()
        if (start := _start(text)) < 0:
            continue
        joined = _joined(text[start:], lines[at + 1 : at + 1 + MOST_JOINED])
        script = _PLACEHOLDER.sub(f"${UNKNOWN}", _without_prose(joined[:LONGEST]))
        above = [plain for one in lines[max(0, at - ABOVE) : at] if _ASSIGNED.match(plain := one.strip().lstrip("$> "))]
        return "\n".join([*above, script.removeprefix("CMD ")])
    return ""


def _start(text: str) -> int:
    """Where the command begins in a line, -1 where it holds none: one positional word, then options or nothing."""
    for form, words in ((_SERVE, 1), (_MODULE, 1), (_CONTAINER, None)):
        for found in form.finditer(text):
            rest = _without_prose(text[found.end("command") :]).split()
            if words is not None and rest and not _OPERATOR.match(rest[0]):
                rest = rest[words:]
            if words is None or not rest or _OPERATOR.match(rest[0]):
                return found.start("command")
    return -1


def _without_prose(text: str) -> str:
    """The text up to where a sentence goes on, outside of quotes."""
    for found in _PROSE.finditer(text):
        before = text[: found.start()]
        if before.count("'") % 2 == 0 and before.count('"') % 2 == 0:
            return before
    return text


def _joined(first: str, following: Sequence[str]) -> str:
    """With the lines behind a backslash or inside a quote; where no line has one, with indented lines of options."""
    out, bare = [first], not first.rstrip().endswith("\\")
    for line in following:
        text = line.replace("\u00a0", " ").strip().strip("`")
        text = text if line.lstrip().startswith("`") else text.lstrip("> ")
        if out[-1].rstrip().endswith("\\"):
            out[-1] = out[-1].rstrip()[:-1].rstrip()
        elif not (_open("\n".join(out)) or (bare and text.startswith("--") and line[:1] in " \t")):
            break
        if text.startswith("#"):  # a comment ends a command that goes on
            break
        out.append(text)
    return " ".join(out).rstrip("\\ ")


def _open(text: str) -> bool:
    """Whether a quote is not closed."""
    bare = re.sub(r"\\.", "", text)
    return bool(bare.count("'") % 2 or (bare.count('"') % 2 and "'" not in bare))
