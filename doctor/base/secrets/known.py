"""The secrets that are known by their value before a server starts: from its environment, its command, and the hub."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

from doctor.base.late import late_pattern
from doctor.base.opening import first_bytes
from doctor.base.secrets import forms
from doctor.base.secrets.argv import Argument, arguments
from doctor.base.secrets.names import is_secret_name
from doctor.base.secrets.tokens import logins

SHORTEST = 6
LONGEST = 8192
_HARMLESS = {"empty", "none", "null", "true", "false", "dummy", "token-abc123", "changeme"}
_VARIABLE = late_pattern(r"[A-Za-z_][\w.\-]{0,100}=")


def known_values(env: Mapping[str, str], argv: Sequence[str]) -> list[str]:
    """The secrets of a launch: values of variables and options with telling names, logins in URLs, the hub's token.

    Each also in the forms in which programs print it (percent-quoted, JSON-escaped).
    """
    found = [v for k, v in env.items() if is_secret_name(k)]
    for text in (*env.values(), *argv):
        found += [part for m in logins().finditer(text[:LONGEST]) for part in m.group("user", "password") if part]
    found += values_of(argv)
    home = env.get("HF_HOME") or os.path.join(env.get("HOME", ""), ".cache", "huggingface")
    for path in (env.get("HF_TOKEN_PATH"), os.path.join(home, "token")):
        found += _first_line(path)
    return unique(form for value in found for form in _forms(value))


def unique(values: Iterable[str]) -> list[str]:
    """Values worth searching for, the longest first, each once."""
    good = {v for v in values if SHORTEST <= len(v) <= LONGEST and v.lower() not in _HARMLESS and not v.isspace()}
    return sorted((v for v in good if not v.lstrip("-").isdigit() or len(v) > 9), key=lambda v: (-len(v), v))


def values_of(argv: Sequence[str]) -> list[str]:
    """The secrets in a command line."""
    return [value for argument in arguments(argv) for value in _values(argument)]


def _values(argument: Argument) -> list[str]:
    word, shown = argument.word, argument.shown
    if argument.secret is not None and (not shown or word.startswith("-") or _VARIABLE.fullmatch(shown)):
        return [argument.secret]
    return [] if word.startswith("-") else _inside(word)


def _inside(word: str) -> list[str]:
    """What looks like a secret inside a longer word: a shell script, a header, a JSON argument."""
    found: list[str] = []

    def collect(_kind: str, value: str) -> str:
        found.append(value)
        return ""

    forms.replace(word[: 1 << 16], collect)
    return found


def _forms(value: str) -> list[str]:
    value = value.strip()
    words = value.split()
    parts = [w for w in re.split(r"[\s,;]+", value) if len(w) >= 12]  # several keys in one variable
    bare = words[1:] if words and words[0].lower() in ("bearer", "basic", "token") else []
    return [value, quote(value, safe=""), unquote(value), json.dumps(value)[1:-1], *parts, *bare,
            base64.b64encode(value.encode("utf-8", "replace")).decode()]  # fmt: skip


def _first_line(path: str | None) -> list[str]:
    try:
        return [first_bytes(path or "", 4096).decode("utf-8", "replace").strip()]
    except (OSError, ValueError):
        return []
