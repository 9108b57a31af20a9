"""The names of what a repair puts beside an environment: all begin with the environment's own name and `.qvl-`."""

from __future__ import annotations

import hashlib
import os
import secrets

from doctor.base.late import late_pattern

LONGEST = 255
_TX = late_pattern(r"[0-9a-f]{12}")
_ROOM = 24  # the longest ending: ".qvl-undone-" and a transaction's twelve digits


def _stem(prefix: str) -> str:
    folder, name = os.path.split(prefix)
    raw = os.fsencode(name)
    if len(raw) + _ROOM > LONGEST:
        short = raw[:200].decode("utf-8", "ignore")
        name = f"{short}-{hashlib.sha256(raw).hexdigest()[:12]}"
    return os.path.join(folder, name)


def lock_path(prefix: str) -> str:
    """The lock: who holds it may change the environment."""
    return f"{_stem(prefix)}.qvl-lock"


def work_path(prefix: str, tx: str) -> str:
    """A transaction's folder: journal, downloads and the clone."""
    return f"{_stem(prefix)}.qvl-work-{tx}"


def old_path(prefix: str, tx: str) -> str:
    """The environment as it was before transaction `tx`."""
    return f"{_stem(prefix)}.qvl-old-{tx}"


def undone_path(prefix: str, tx: str) -> str:
    """An environment that was undone, kept because it had been changed since."""
    return f"{_stem(prefix)}.qvl-undone-{tx}"


def trash_path(prefix: str, tx: str) -> str:
    """What is being removed; another name where rubbish that could not be removed has that of `tx`."""
    path = f"{_stem(prefix)}.qvl-trash-{tx}"
    while os.path.lexists(path):
        path = f"{_stem(prefix)}.qvl-trash-{secrets.token_hex(6)}"
    return path


def siblings(prefix: str, kind: str) -> list[tuple[str, str]]:
    """`(path, tx)` of everything of this kind (`work`, `old`, `undone`, `trash`) beside the environment."""
    start = f"{os.path.basename(_stem(prefix))}.qvl-{kind}-"
    folder = os.path.dirname(prefix)
    found = [(n, n[len(start) :]) for n in os.listdir(folder) if n.startswith(start)]
    return sorted((os.path.join(folder, name), tx) for name, tx in found if _TX.fullmatch(tx))


def undone(prefix: str) -> list[str]:
    """The undone environments that were kept."""
    start = f"{os.path.basename(_stem(prefix))}.qvl-undone-"
    folder = os.path.dirname(prefix)
    return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.startswith(start))
