"""Batch files of Windows, as the shell text that says the same; what has no counterpart there is left out."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service
from doctor.deployment.host.source import Source

LONGEST = 1 << 18
_SET = late_pattern(r"(?:if\s+(not\s+defined)\s+\w+\s+)?set\s+(?:\"(\w+)=([^\"]*)\"|(\w+)=(.*))\s*$", re.IGNORECASE)
_VARIABLE = late_pattern(r"%(\w+)%|!(\w+)!")
_SILENT_TEXT = r"""
(?: rem\b | :: | echo\b | title\b | color\b | pause\b | setlocal\b | endlocal\b | goto\b | exit\b | if\b | for\b | :\w
| \) | cls\b | timeout\b | chcp\b | set\s+/ )
"""
_SILENT = late_pattern(_SILENT_TEXT, re.IGNORECASE | re.VERBOSE)
_FRONT_TEXT = r"""(?: @ | call\s+(?!\S+\.bat) | start\s+(?:\"[^\"]*\"\s+)?(?:/\w+\s+)* | cmd(?:\.exe)?\s+/[ck]\s+ )+"""
_FRONT = late_pattern(_FRONT_TEXT, re.IGNORECASE | re.VERBOSE)


def is_batch(source: Source) -> bool:
    """By its name, or a first line that only these have."""
    return source.name.lower().endswith((".bat", ".cmd")) or bool(re.match(r"\s*@echo\s+off\b", source.text, re.I))


def services(source: Source) -> list[Service]:
    """The script."""
    return [source.program("batch file", ("bash", "-c", as_shell(source.text)), folder=source.folder)]


def as_shell(text: str) -> str:
    """The script as shell text: variables, continued lines, and what stands in front of a command."""
    text = re.sub(r"\^[ \t]*\r?\n\s*", " ", text[:LONGEST])
    return "\n".join(filter(None, map(_line, text.splitlines())))


def _line(line: str) -> str:
    line = line.strip().removeprefix("@").strip()
    if found := _SET.match(line):
        name, value = found[2] or found[4], _quoted(found[3] if found[2] else found[5].strip())
        return f': "${{{name}:={value}}}"; export {name}' if found[1] else f'export {name}="{value}"'
    if not line or _SILENT.match(line):
        return ""
    return _dollars(_FRONT.sub("", line, count=1).replace("\\", "\\\\").replace("$", "\\$"))


def _quoted(value: str) -> str:
    return _dollars(re.sub(r'([\\"$`])', r"\\\1", value))


def _dollars(text: str) -> str:
    return _VARIABLE.sub(lambda m: f"${{{m[1] or m[2]}}}", text)
