"""Commands that only mention a server: they search, stop, copy, print or install, and start none."""

from __future__ import annotations

from doctor.launch.layer import behind_verb
from doctor.launch.program import name_of
from doctor.matrix.programs import Mention, mentioned


def mentions(words: tuple[str, ...]) -> bool:
    """Whether the command starts no server, with any words behind its program."""
    return any(_fits(row, words[1:]) for row in mentioned(name_of(words[0]))) if words else False


def _fits(row: Mention, words: tuple[str, ...]) -> bool:
    valued = frozenset(row.before.split())
    return not row.verbs or any(behind_verb(verb.split(), valued, words) is not None for verb in row.verbs)
