"""The words of a launch command that stands in one text: split where it is words alone, else a script for a shell."""

from __future__ import annotations

import re
import shlex

from doctor.base.late import late_pattern

_QUOTED = late_pattern(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\[^\n]", re.DOTALL)
_SHELL = late_pattern(r"[|;&<>$`\n(){}*?~#]|^\s*\w+=")
_INSIDE = late_pattern(r"[$`]")  # what a shell fills in between double quotes, too


def argv_of(text: str) -> tuple[str, ...]:
    """The words, or `bash -c TEXT` where a shell would do more than split it. Raises ValueError for an open quote."""
    words = tuple(shlex.split(text))
    return ("bash", "-c", text) if is_script(text) else words


def is_script(text: str) -> bool:
    """Whether a shell would do more with a text than split it into words: pipes, variables, patterns, several lines."""
    plain = _QUOTED.sub(lambda m: "$" if m[0][0] == '"' and _INSIDE.search(m[0]) else "_", text.strip())
    return bool(_SHELL.search(plain))
