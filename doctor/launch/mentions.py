"""Commands that only mention a server: they search, stop, copy, print or install, and start none."""

from __future__ import annotations

from doctor.launch.starting import name_of
from doctor.matrix.programs import Mention, mentioned


def mentions(words: tuple[str, ...]) -> bool:
    """Whether the command starts no server, with any words behind its program."""
    return any(_fits(row, words[1:]) for row in mentioned(name_of(words[0]))) if words else False


def _fits(row: Mention, words: tuple[str, ...]) -> bool:
    if not row.verbs:
        return True
    valued, at = set(row.before.split()), 0
    while at < len(words) and words[at].startswith("-") and words[at] not in row.verbs:
        at += 2 if words[at] in valued else 1
    return any(words[at : at + len(parts)] == parts for parts in (tuple(v.split()) for v in row.verbs))
