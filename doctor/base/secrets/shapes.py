"""What a value looks like: a word of a program, or something that nobody would make up."""

from __future__ import annotations

import re
from itertools import pairwise

HARMLESS = re.compile(
    r"(?i)^(?:none|null|true|false|yes|no|\*+|<\S*|\$\S*|\d{1,9}|empty|str|int|optional\S*|os\.\S*|self\.\S*|\.\.\.)$"
)
_PIECE = re.compile(r"[^._\-/]+")
SHORTEST, SURELY = 8, 20


def mixed(value: str) -> bool:
    """Letters and digits together, as keys have and words have not."""
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def random_looking(value: str) -> bool:
    """One piece of it is long and mixed; a dotted name with numbers (`blocks.0.attn.qkv.weight`) has none."""
    return any(_random(piece) for piece in _PIECE.findall(value))


def _random(piece: str) -> bool:
    if not mixed(piece) or len(piece) < SHORTEST:
        return False
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(piece))
    return len(piece) >= SURELY or (changes > 1 and sum(map(str.isdigit, piece)) > 1)  # `Descriptor16` is a word
