"""supervisord's programs: words of `command`, which no shell reads, with the environment of supervisord."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import split_words
from doctor.deployment.host.source import Source

MOST_LINES, MOST = 5000, 200
_SECTION = late_pattern(r"\[([^\]]{1,200})\]\s*$")
_EXPANSION = late_pattern(r"%\(([\w]{1,100})\)[sd]|%%")
_PAIR = late_pattern(r"""\s*([A-Za-z_]\w*)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^,\s]*)\s*(?:,|$)""")


def is_supervisor(source: Source) -> bool:
    """Whether it names programs for supervisord."""
    return bool(re.search(r"^\s*\[program:[^\]]+\]\s*$", source.text, re.MULTILINE))


def services(source: Source) -> list[Service]:
    """Every program."""
    found = _sections(source.text)
    shared = _pairs(found.get("supervisord", {}).get("environment", ""), {})
    programs = [(s.partition(":")[2].strip(), keys) for s, keys in found.items() if s.startswith("program:")]
    return [_service(source, name, keys, shared) for name, keys in programs[:MOST]]


def _service(source: Source, name: str, keys: dict[str, str], shared: dict[str, str]) -> Service:
    environ = {f"ENV_{n}": v for n, v in {**source.environ, **shared}.items()}
    known = {**environ, "program_name": name, "here": source.folder, "process_num": "0", "group_name": name}
    own = _pairs(keys.get("environment", ""), known)
    return source.program(
        "supervisor program", tuple(split_words(_filled(keys.get("command", ""), known))), name,
        variables={**shared, **own}, folder=keys.get("directory"), labels=(f"program:{name}",),
    )  # fmt: skip


def _sections(text: str) -> dict[str, dict[str, str]]:
    """The keys of each section; a line that begins with a blank goes on with the value before."""
    out: dict[str, dict[str, str]] = {}
    here: dict[str, str] = {}
    key = ""
    for raw in text.splitlines()[:MOST_LINES]:
        line = re.sub(r"\s;.*$", "", raw)
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if section := _SECTION.match(line.strip()):
            here, key = out.setdefault(section[1], {}), ""
        elif line[:1].isspace() and key:
            here[key] += f" {line.strip()}"
        else:
            key, _, value = line.partition("=") if "=" in line else line.partition(":")
            key = key.strip().lower()
            here[key] = value.strip()
    return out


def _pairs(text: str, known: dict[str, str]) -> dict[str, str]:
    """`A="b",C='d'` as variables."""
    return {m[1]: _filled(m[2].strip("\"'"), known) for m in _PAIR.finditer(text[: 1 << 16])}


def _filled(text: str, known: dict[str, str]) -> str:
    """The text with its expansions; a variable of supervisord's own environment that nobody sets here stays one."""

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        name = found[1].removeprefix("ENV_")
        return known.get(found[1], f"${{{name}}}" if name != found[1] else "")

    return _EXPANSION.sub(value, text[: 1 << 18])
