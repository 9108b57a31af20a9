"""A module looked at as text: which names it binds and what it imports first, without running any of it.

Foundations (the standard library, torch, numpy ...) are large and rarely the place where an environment is broken.
Text answers in microseconds what a parse answers in milliseconds; where text says that something is amiss, the module
is interpreted in full before anything is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from doctor.base.late import late_pattern
from doctor.base.record import dataclass

_DYNAMIC = late_pattern(
    rb"^def __getattr__|globals\(\)|sys\.modules\[|\bsetattr\(|\bvars\(\)|\bexec\(|\blocals\(\)|^from [\w.]+ import \*"
    rb"|^\s+from [\w.]+ import \*|lazy_loader|__dict__",
    re.M,
)
_IMPORT = late_pattern(
    rb"(?:import[ \t]+(?P<modules>[\w.][\w. \t,]*)"
    rb"|from[ \t]+(?P<origin>\.*[\w.]*)[ \t]+import[ \t]+"
    rb"(?:\((?P<many>[^)]{1,20000})\)|(?P<few>[\w*][\w, \t]*(?:\\\r?\n[\w, \t]+)*)))",
)
# any line that is no assignment to a name, no import from `typing`, no comment and no blank
_STATEMENT = late_pattern(rb"^(?!\w+\s*(?::[^=\n(]*)?=[^(]*$|from typing import|from __future__|\s*(?:#.*)?$)", re.M)
SHORT = 4096
_COMMENT = late_pattern(rb"#[^\n]*")
_PART = (b"_", b".")
_QUOTE = (b"'", b'"')
_LIST = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ,("
_AFTER = (b":", b"=", b",", b")", b"#", b"+", b"\\")


# An import that begins a line: `from origin import names` (None for `import origin`); `level` counts the dots.
Import = tuple[str, int, "list[str] | None", int]  # origin, level, names, line
Outline = tuple[bool, list[Import]]  # whether the module has to be interpreted; its imports that nothing guards
OUTLINE = "outline.1"  # the form of it, for where outlines are kept


@dataclass(frozen=True)
class Surface:
    """The text of one module; `read` gives it whenever it is needed, so that thousands need not be kept."""

    read: Callable[[], bytes]

    @property
    def text(self) -> bytes:
        """The source as bytes."""
        return self.read()

    @cached_property
    def dynamic(self) -> bool:
        """Whether the module binds names in ways that text does not show."""
        return bool(_DYNAMIC.search(self.text))

    def binds(self, name: str) -> bool:
        """Whether anything in the text looks like a binding of `name`; errs on the side of yes."""
        word, text = name.encode(), self.text
        at = text.find(word)
        while at >= 0:
            if _binds_at(text, at, at + len(word)):
                return True
            at = text.find(word, at + len(word))
        return False


def outline(text: bytes) -> Outline:
    """What of a module's text decides how it is followed."""
    return _moves_paths(text) or _is_plain(text), _imports(text)


def _moves_paths(text: bytes) -> bool:
    """Whether the module may change where others are found; then it has to be interpreted."""
    return b"path" in text and (b"sys.path." in text or b"meta_path" in text or b"__path__" in text)


def _is_plain(text: bytes) -> bool:
    """Whether the module is short and only assigns constants, as a build writes it (`torch/version.py`)."""
    return len(text) <= SHORT and b"=" in text and not _STATEMENT.search(text)


def _imports(text: bytes) -> list[Import]:
    """The imports that begin a line, so that nothing guards them."""
    out: list[Import] = []
    line, at = 1, 0
    for start in line_starts(text, b"import", b"from"):
        match = _IMPORT.match(text, start)
        if match is not None:
            line += text.count(b"\n", at, start)
            at = start
            out.extend(_imports_of(match, line))
    return out


def line_starts(text: bytes, *words: bytes) -> list[int]:
    """Where lines begin with one of `words`: looking for a word is much faster than matching every line."""
    starts = [0] if text.startswith(words) else []
    for word in words:
        at = text.find(b"\n" + word)
        while at >= 0:
            starts.append(at + 1)
            at = text.find(b"\n" + word, at + 1)
    return sorted(starts)


def _imports_of(match: re.Match[bytes], line: int) -> list[Import]:
    """What a line imports; nothing where it is the prose of a docstring ("import one of the functions below")."""
    if match["modules"]:
        modules = [m.split(b" as ")[0].strip().decode("ascii", "replace") for m in match["modules"].split(b",")]
        return [] if any(" " in m or "\t" in m for m in modules) else [(m, 0, None, line) for m in modules if m]
    origin = match["origin"].decode("ascii", "replace")
    names = match["many"] if match["many"] is not None else match["few"]
    if b"#" in names:
        names = _COMMENT.sub(b"", names)
    parts = [part.split() for part in names.decode("ascii", "replace").replace("\\", " ").split(",")]
    if any(len(part) > 1 and (part[1] != "as" or len(part) > 3) for part in parts):
        return []
    bare = origin.lstrip(".")
    return [(bare, len(origin) - len(bare), [part[0] for part in parts if part], line)]


def _binds_at(text: bytes, start: int, end: int) -> bool:
    if text[start - 1 : start].isalnum() or text[start - 1 : start] in _PART or text[end : end + 1].isalnum():
        return False
    if text[end : end + 1] in _PART:
        return False
    before = text[text.rfind(b"\n", 0, start) + 1 : start]
    after = text[end : (text.find(b"\n", end) + 1 or len(text) + 1) - 1]
    lead, tail = before.strip(), after.lstrip()
    if lead in (b"def", b"class", b"async def", b"global", b"for") or text[start - 1 : start] in _QUOTE:
        return True
    if lead.endswith((b"import", b" as", b" for")) or (b"import" in lead and b"=" not in lead):
        return True
    if not lead.strip(b"("):
        return not tail or tail[:1] in _AFTER or tail.startswith(b"as ")
    if lead.endswith(b",") and not lead.translate(None, _LIST):
        return True
    return b"=" in tail and b"=" not in lead and b"." not in lead and b"(" not in lead.lstrip(b"(")
