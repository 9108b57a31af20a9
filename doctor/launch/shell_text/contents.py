"""What a script reads from a file and hands to a command: a model's name may be shown, the content of any file may not.

A place that holds secrets is not read at all; of other files only what looks like words of a command is taken.
"""

from __future__ import annotations

import os
import re

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.base.secrets.shapes import random_looking

_PRIVATE = ("/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/var/spool", "/boot")
_FOLDERS = {".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", ".password-store", ".mozilla", "secrets",
            "private", "keyrings"}  # fmt: skip
_FILES = late_pattern(
    r"(?i)\.?(?:netrc|pgpass|my\.cnf|git-credentials|htpasswd|shadow|passwd|kubeconfig|npmrc|pypirc|boto|s3cfg|"
    r"\w{0,20}history|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]{0,80}\.(?:pem|key|p12|pfx|jks|keystore|kdbx|gpg|asc|ovpn|ppk))"
)
_WORD = late_pattern(
    r"--?[A-Za-z][\w.\-]*(?:=\S{0,200})?|[A-Za-z_]\w*=\S{0,400}|(?:[a-z]{2,6}://)?[\w.][\w./@+,=%\-]*(?::[\w./@+\-]+){0,2}|/[\w./+\-]*"
)
_LONGEST, _LINES, _WORDS = 400, 200, 4


def is_private(path: str) -> bool:
    """Whether a file at this place is for its owner's eyes: system files, keys, tokens."""
    folder, name = os.path.split(os.path.normpath(path))
    stem = name.split(".")[0] or name
    return (
        any(folder == p or folder.startswith(f"{p}/") for p in _PRIVATE)
        or not _FOLDERS.isdisjoint(folder.lower().split("/"))
        or bool(_FILES.fullmatch(name))
        or is_secret_name(stem)
    )


def may_be_shown(text: str) -> bool:
    """Whether a content is what commands are made of: options, a name or a few on a line, assignments, JSON."""
    lines = [t.strip() for t in text.splitlines() if t.strip()]
    if len(lines) > _LINES:
        return False
    if text.lstrip()[:1] in ("{", "["):
        return len(text) <= 8 * _LONGEST and redact_text(text) == text and _settings(text)
    return all(_line(t) for t in lines)


def _settings(text: str) -> bool:
    """Whether it is JSON whose texts are words of a command, too."""
    import json

    try:
        todo = [json.loads(text)]
    except (ValueError, RecursionError):
        return False
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, list):
            todo += value
        elif isinstance(value, str) and not all(map(_word, value.split())):
            return False
    return True


def _line(line: str) -> bool:
    words = [w.strip("\"'") for w in line.split()]
    few = len(words) <= _WORDS or line.startswith("-") or all("=" in w for w in words)
    if line.count("'") % 2 or line.count('"') % 2:
        return False  # cut out of something longer
    return few and all(_word(w) for w in words) and (line.startswith("-") or "=" in line or redact_text(line) == line)


def _word(word: str) -> bool:
    if not _WORD.fullmatch(word) or len(word) > _LONGEST:
        return False
    return "=" in word or "/" in word or not (random_looking(word) and max(map(len, re.split(r"[._\-:]", word))) > 15)
