"""PowerShell scripts, as the shell text that says the same; what has no counterpart there is left out."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service
from doctor.deployment.host.source import Source

LONGEST = 1 << 16
_PARAM = late_pattern(r"\bparam\s?\(", re.IGNORECASE)
_ENVIRONMENT = late_pattern(r"\$(?:\{env:(\w+)\}|env:(\w+))", re.IGNORECASE)
_VARIABLE = late_pattern(r"\$(?:\{(\w+)\}|(\w+))")
_ASSIGNED = late_pattern(r"(?:\[[\w.\[\]]+\]\s*)?\$(env:)?(\w+)\s*=\s*(.*)$", re.IGNORECASE | re.DOTALL)
_LIST = late_pattern(r"@\((.*)\)\s*$", re.DOTALL)
_ITEM = late_pattern(r""""((?:[^"`]|`.)*)"|'([^']*)'|([^\s,"']+)""")
_BLOCK = late_pattern(r"^\s*(?:\}?\s*(?:if|elseif|else|try|catch|finally|foreach|for|while|do)\b.*\{?|[{}]+)\s*$")
_STARTED = late_pattern(r"^Start-Process\s+(?:-FilePath\s+)?(\S+)\s+(.*)$", re.IGNORECASE)
_ARGUMENTS = late_pattern(r"(?:^|\s)-(?:ArgumentList|Args)\s+(.*)$", re.IGNORECASE)
_NEXT = late_pattern(
    r"""\s-(?:NoNewWindow|Wait|WindowStyle|PassThru|WorkingDirectory|Redirect\w+|Verb)\b.*$""", re.IGNORECASE
)
_COMMAS = late_pattern(r"""(?:"[^"]*"|'[^']*'|\$[\w:]+|[\w./-]+)(?:\s*,\s*(?:"[^"]*"|'[^']*'|\$[\w:]+|[\w./-]+))+$""")


def is_powershell(source: Source) -> bool:
    """By its name, or variables of the environment as PowerShell writes them."""
    return source.name.lower().endswith((".ps1", ".psm1")) or bool(re.search(r"^\s*\$env:\w+\s*=", source.text, re.M))


def services(source: Source) -> list[Service]:
    """The script."""
    return [source.program("PowerShell script", ("bash", "-c", as_shell(source.text)), folder=source.folder)]


def as_shell(text: str) -> str:
    """The script as shell text: variables, lists, continued lines and `&`."""
    text = _parameters(_without_comments(text[:LONGEST])).replace("\r\n", "\n")
    text = re.sub(r"`[ \t]*\n[ \t]*", " ", text)
    text = re.sub(r"@\(([^()]*)\)", lambda m: f"@({' '.join(m[1].split())})", text)
    return "\n".join(filter(None, map(_line, text.splitlines())))


def _without_comments(text: str) -> str:
    """Without `<# ... #>`."""
    first, *rest = text.split("<#")
    return first + "".join(part.partition("#>")[2] for part in rest)


def _parameters(text: str) -> str:
    """The first `param( ... )` as assignments, a line each."""
    begun = _PARAM.search(text)
    if begun is None:
        return text
    depth, at = 1, begun.end()
    while at < len(text) and depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    inside = "\n".join(part.strip() for part in text[begun.end() : at - 1].split(","))
    return f"{text[: begun.start()]}\n{inside}\n{text[at:]}"


def _line(line: str) -> str:
    line = line.strip()
    if not line or line.startswith("#") or _BLOCK.match(line):
        return ""
    if found := _ASSIGNED.match(line):
        name = found[2] if found[1] else found[2].lower()
        return f"{'export ' if found[1] else ''}{name}={_value(found[3].strip())}"
    if found := _STARTED.match(line):
        return f"{_dollars(found[1])} {_arguments(found[2])}"
    line = re.sub(r"^[&.]\s+", "", line)
    return _dollars(re.sub(r"(?<=\s)@(\w+)\b", lambda m: f'"${{{m[1].lower()}[@]}}"', line)).replace("\\", "\\\\")


def _arguments(text: str) -> str:
    """The words that Start-Process hands on: a list, or a variable that holds one."""
    text = _NEXT.sub("", text)
    found = _ARGUMENTS.search(text)
    given = (found[1] if found else text).strip()
    if name := re.fullmatch(r"\$(\w+)", given):
        return f'"${{{name[1].lower()}[@]}}"'
    one = re.fullmatch(r"\"([^\"]*)\"|'([^']*)'", given)
    return _dollars(one[1] or one[2] or "") if one else " ".join(_items(given))


def _value(text: str) -> str:
    """What is assigned: a list, a text or a number."""
    if found := _LIST.match(text):
        return f"({' '.join(_items(found[1]))})"
    if len(text) < LONGEST >> 2 and _COMMAS.match(text):
        return f"({' '.join(_items(text))})"
    text = re.sub(r"\s+#.*$", "", text)
    return _dollars(text) if re.match(r"[\"'\w$./:-]", text) and "|" not in text else '"${UNKNOWN}"'


def _items(text: str) -> list[str]:
    """The items of a list, each as a quoted word."""
    out = []
    for found in _ITEM.finditer(text):
        if found[2] is not None:
            out.append("'" + found[2] + "'")
        else:
            out.append(_dollars(f'"{found[1] if found[1] is not None else found[3]}"'))
    return out


def _dollars(text: str) -> str:
    """Variables in the shell's spelling; their names know no case."""
    text = _ENVIRONMENT.sub(lambda m: f"\0{{{m[1] or m[2]}}}", text)
    text = _VARIABLE.sub(lambda m: f"\0{{{(m[1] or m[2]).lower()}}}", text)
    return text.replace("\0", "$")
