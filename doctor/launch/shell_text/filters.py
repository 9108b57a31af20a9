"""What small programs print (`dirname`, `which`, `tr`, `cut`, `seq`), computed from their words and their input."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from doctor.launch.shell_text import marks
from doctor.launch.shell_text.getopt import getopt
from doctor.launch.shell_text.glob import simple
from doctor.launch.shell_text.state import State

_LINES, _LINE = 2000, 300  # lines of a text and characters of each that are searched


def printed(words: list[str], state: State) -> str | None:
    """What the program prints; None where that is not known."""
    name = os.path.basename(words[0])
    rest = words[1:]
    if not all(marks.known(w) for w in words):
        return None
    if name in _PATHS:
        return _PATHS[name](rest, state)
    if name == "cat":
        return _cat(rest, state)
    if name == "getopt":
        return getopt(rest)
    if name == "seq":
        return _seq(rest)
    if name not in _TEXTS:
        return None
    options = [w for w in rest if w.startswith("-") and len(w) > 1]
    text = state.stdin
    if name in ("grep", "egrep", "sed", "head", "tail", "awk", "cut", "sort", "wc") and rest:
        text, rest = _input(rest, state)
    if text is None or not marks.known(text):
        return text if text is not None and name in ("tee", "xargs") and len(rest) == len(options) else None
    try:
        return _TEXTS[name](rest, text)
    except (re.error, RecursionError, ValueError, IndexError):
        return None


def _input(rest: list[str], state: State) -> tuple[str | None, list[str]]:
    """The last word where it is a file that can be read, else standard input."""
    if state.stdin is None and len(rest) > 1:
        return state.content(state.path(rest[-1])), rest[:-1]
    return state.stdin, rest


def _cat(rest: list[str], state: State) -> str | None:
    files = [w for w in rest if not w.startswith("-") or w == "-"]
    if not files:
        return state.stdin
    found = [state.stdin if w == "-" else state.content(state.path(w)) for w in files]
    return None if None in found else "".join(t for t in found if t)


def _seq(rest: list[str]) -> str | None:
    if not 1 <= len(rest) <= 3 or not all(re.fullmatch(r"-?\d{1,9}", w) for w in rest):
        return None
    numbers = [int(w) for w in rest]
    first, step, last = {1: (1, 1, numbers[0]), 2: (numbers[0], 1, numbers[-1])}.get(len(rest)) or tuple(numbers)
    if not step or abs(last - first) // abs(step) > 1000:
        return None
    return "".join(f"{n}\n" for n in range(first, last + (1 if step > 0 else -1), step))


def _dirname(rest: list[str], state: State) -> str | None:
    return f"{os.path.dirname(rest[-1].rstrip('/') or '/') or '.'}\n" if rest else None


def _basename(rest: list[str], state: State) -> str | None:
    if not rest or rest[0].startswith("-"):
        return None
    name = os.path.basename(rest[0].rstrip("/"))
    return f"{name.removesuffix(rest[1]) if len(rest) > 1 and name != rest[1] else name}\n"


def _which(rest: list[str], state: State) -> str | None:
    found = [w for w in rest if not w.startswith("-")]
    return f"{found[0]}\n" if found else None


def _real(rest: list[str], state: State) -> str | None:
    found = [w for w in rest if not w.startswith("-")]
    return f"{state.path(found[-1])}\n" if found else None


_PATHS: dict[str, Callable[[list[str], State], str | None]] = {
    "dirname": _dirname, "basename": _basename, "which": _which, "realpath": _real, "readlink": _real,
}  # fmt: skip


def _xargs(rest: list[str], text: str) -> str | None:
    plain = not rest or rest[0] in ("-d", "-0", "-n1", "echo") or rest[0].startswith("-d")
    return " ".join(text.replace("'", "").replace('"', "").split()) + "\n" if plain else None


def _tr(rest: list[str], text: str) -> str | None:
    if rest[:1] == ["-d"] and len(rest) == 2:
        return "".join(c for c in text if c not in _set(rest[1]))
    if len(rest) != 2 or rest[0].startswith("-"):
        return None
    old, new = _set(rest[0]), _set(rest[1])
    return text.translate({ord(c): new[min(n, len(new) - 1)] for n, c in enumerate(old)}) if new else None


def _set(text: str) -> str:
    named = {"[:upper:]": "A-Z", "[:lower:]": "a-z", "[:space:]": " \t\n\r", "[:digit:]": "0-9"}
    for name, chars in named.items():
        text = text.replace(name, chars)
    text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\0", "\0")
    return re.sub(r"(\w)-(\w)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text)


def _grep(rest: list[str], text: str) -> str | None:
    options = "".join(w[1:] for w in rest if w.startswith("-"))
    patterns = [w for w in rest if not w.startswith("-")]
    if set(options) - set("vEiwqxo") or len(patterns) != 1 or not simple(patterns[0], " " * _LINE):
        return None
    pattern = patterns[0] if "E" in options else re.sub(r"(?<!\\)([+?|(){}])", r"\\\1", patterns[0])
    found = re.compile(pattern.replace("[[:space:]]", r"\s"), re.IGNORECASE if "i" in options else 0)
    if "o" in options:
        return "".join(f"{m[0]}\n" for line in text.splitlines()[:_LINES] for m in found.finditer(line[:_LINE]))
    lines = [t for t in text.splitlines()[:_LINES] if bool(found.search(t[:_LINE])) != ("v" in options)]
    return "" if "q" in options else "".join(f"{t}\n" for t in lines)


def _egrep(rest: list[str], text: str) -> str | None:
    return _grep(["-E", *rest], text)


def _sed(rest: list[str], text: str) -> str | None:
    extended = rest[:1] in (["-E"], ["-r"])
    script = rest[1:] if extended or rest[:1] == ["-e"] else rest
    found = re.fullmatch(r"s(.)((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1(g?)", script[0]) if len(script) == 1 else None
    if found is None or "&" in found[3] or not simple(found[2], " " * _LINE):
        return None
    pattern = found[2] if extended else re.sub(r"(?<!\\)([+?|(){}])", r"\\\1", found[2])
    new = found[3]
    lines = [re.sub(pattern, new, t[:_LINE], count=0 if found[4] else 1) for t in text.splitlines()[:_LINES]]
    return "".join(f"{t}\n" for t in lines)


def _head(rest: list[str], text: str) -> str | None:
    count = int(re.sub(r"^-n?", "", "".join(rest)) or 10)
    return "".join(f"{t}\n" for t in text.splitlines()[:count])


def _tail(rest: list[str], text: str) -> str | None:
    count = int(re.sub(r"^-n?", "", "".join(rest)) or 10)
    return "".join(f"{t}\n" for t in text.splitlines()[-count:])


def _cut(rest: list[str], text: str) -> str | None:
    found = re.fullmatch(r"-d\0?(.)\0-f\0?(\d+)(-?)", "\0".join(rest))
    if found is None:
        return None
    lines = []
    for line in text.splitlines()[:_LINES]:
        fields = line.split(found[1])
        first = int(found[2]) - 1
        chosen = fields[first:] if found[3] else fields[first : first + 1]
        lines.append(found[1].join(chosen) if len(fields) > 1 else line)
    return "".join(f"{t}\n" for t in lines)


def _awk(rest: list[str], text: str) -> str | None:
    found = re.fullmatch(r"(?:-F\0?(.)\0)?\{\s*print \$(\d+|NF)\s*;?\s*\}", "\0".join(rest))
    if found is None:
        return None
    lines = [t.split(found[1]) if found[1] else t.split() for t in text.splitlines()[:_LINES]]
    at = -1 if found[2] == "NF" else int(found[2]) - 1
    return "".join(f"{t[at] if -len(t) <= at < len(t) else ''}\n" for t in lines)


def _wc(rest: list[str], text: str) -> str | None:
    return {"-l": f"{text.count(chr(10))}\n", "-w": f"{len(text.split())}\n"}.get("".join(rest))


def _sort(rest: list[str], text: str) -> str | None:
    return None if rest else "".join(f"{t}\n" for t in sorted(text.splitlines()))


_TEXTS: dict[str, Callable[[list[str], str], str | None]] = {
    "xargs": _xargs, "tr": _tr, "grep": _grep, "egrep": _egrep, "sed": _sed, "head": _head, "tail": _tail, "cut": _cut,
    "awk": _awk, "wc": _wc, "sort": _sort, "tee": lambda rest, text: text,
}  # fmt: skip
