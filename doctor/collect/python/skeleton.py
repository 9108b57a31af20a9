"""A source file without what a call of its functions would run.

Importing a module runs its statements, not its functions' bodies; leaving those out makes parsing several times
faster and keeps the trees small. Parameters are left out with them where their defaults are constants: what an import
sees of such a function is its name. Lines keep their numbers. Where the text is too unusual to cut (the result does
not parse), callers parse the whole file instead.
"""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.base.syntax import end_of_block

_DEF = late_pattern(r"\n([ \t]*)((?:async[ \t]+)?def[ \t]+\w+)")
# the rest of a plain header: parameters without strings, comments and brackets of their own, on any number of lines
_PLAIN = late_pattern(r"[ \t]*\(([^()\"'#]{0,8000})\)[^()\"'#\n:]*:[ \t]*(?=\n)")
_CONSTANT = r"(?:None|True|False|-?\d[\w.]*|\"[^\"\\\n]*\"|'[^'\\\n]*')"
_COMPUTED = late_pattern(rf"=(?!\s*{_CONSTANT}\s*(?:[,)#]|\Z))")
_STRINGS = late_pattern(r"'''.*?'''|\"\"\".*?\"\"\"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
_HEADER_LINES = 400
_KEEP = 2
PLACEHOLDER = "..."


def lines_of(text: str) -> list[str]:
    """Lines as Python counts them (form feeds and other separators do not break lines)."""
    return _with_plain_ends(text).split("\n")


def _with_plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def skeleton(text: str) -> str:
    """`text` with every function reduced to its name, or to its header where that computes defaults."""
    text = "\n" + _with_plain_ends(text)
    out: list[str] = []
    at = 0
    while (match := _DEF.search(text, at)) is not None:
        header = _header(text, match.end())
        if header is None:
            out.append(text[at : match.end()])
            at = match.end()
            continue
        end = end_of_block(text, header[0], len(match[1]))
        if not text[header[0] : end].strip():  # no body at all: for the parser to say
            out.append(text[at:end])
            at = end
            continue
        first = text.count("\n", match.start() + 1, header[0])
        lines = text.count("\n", header[0], end)
        out.append(text[at : match.start()])
        if not header[1]:
            out.append(f"\n{match[1]}{match[2]}(): {PLACEHOLDER}" + "\n" * (first + lines))
        elif lines > _KEEP:
            out.append(f"{text[match.start() : header[0]]}\n{match[1]} {PLACEHOLDER}" + "\n" * (lines - 1))
        else:
            out.append(text[match.start() : end])
        at = end
    out.append(text[at:])
    return "".join(out)[1:]


def _header(text: str, at: int) -> tuple[int, bool] | None:
    """Where the header of a function ends whose name ends at `at`, and whether it computes a default."""
    plain = _PLAIN.match(text, at)
    if plain is not None:
        return plain.end(), "=" in plain[1] and _COMPUTED.search(plain[1]) is not None
    end = _end_of_header(text, text.rfind("\n", 0, at) + 1)
    if end is None:
        return None
    return end, not text.startswith("(", at) or _COMPUTED.search(text, at, end) is not None


def _end_of_header(text: str, at: int) -> int | None:
    """Where the line ends that closes the header beginning at `at`; None where the body stands beside it."""
    depth = 0
    for _ in range(_HEADER_LINES):
        end = text.find("\n", at)
        line = _bare(text[at : end if end >= 0 else len(text)])
        depth += _opened(line)
        if depth <= 0 or end < 0:
            return end if end >= 0 and line.rstrip().endswith(":") else None
        at = end + 1
    return None


def body_region(lines: list[str], number: int, indent: int) -> tuple[int, int] | None:
    """The line range `[first, end)` of the body of the function whose `def` is at `lines[number]`, 0-based."""
    header = _header_end(lines, number)
    if header is None:
        return None
    end = last = header + 1
    for at in range(header + 1, len(lines)):
        stripped = lines[at].lstrip(" \t")
        if not stripped or stripped == "\f":
            continue
        if len(lines[at]) - len(stripped) <= indent:
            if stripped[0] == "#":
                continue
            break
        last = at + 1
    end = last
    return (header + 1, end) if end > header + 1 else None


def _header_end(lines: list[str], number: int) -> int | None:
    depth = 0
    for at in range(number, min(number + _HEADER_LINES, len(lines))):
        line = _bare(lines[at])
        depth += _opened(line)
        if depth <= 0:
            return at if line.rstrip().endswith(":") else None
    return None


def _bare(line: str) -> str:
    """A line without what its strings and its comment hold."""
    if "'" in line or '"' in line:
        line = _STRINGS.sub("''", line)
    return line.split("#", 1)[0]


def _opened(line: str) -> int:
    """How many more brackets a line opens than it closes."""
    opened = line.count("(") + line.count("[") + line.count("{")
    return opened - line.count(")") - line.count("]") - line.count("}")
