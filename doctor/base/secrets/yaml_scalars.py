"""Values of YAML that stand below their key: block scalars (`password: |`), and a plain word on the next line."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from doctor.base.secrets.names import is_secret_key

Word = Callable[[str, str], str]
MOST = 200  # lines of one scalar


@cache
def _key() -> re.Pattern[str]:
    """A key that ends its line, with or without the sign of a block scalar: groups `indent`, `name` and `sign`."""
    return re.compile(
        r"(?m)^(?P<indent>[ \t]{0,80})(?:- )?[\"']?(?P<name>[A-Za-z_][\w.\-]{1,80})[\"']?:[ \t]{0,4}"
        r"(?:![^\s]{0,40}[ \t]{1,4})?(?P<sign>[|>][+\-0-9]{0,2}[ \t]{0,4}(?:#[^\n]{0,200})?)?\r?$"
    )


def replace_scalars(text: str, word: Word) -> str:
    """`text` with such values of keys that announce a secret replaced, line by line."""
    out, last = [], 0
    for match in _key().finditer(text):
        if match.start() < last or not is_secret_key(match["name"]):
            continue
        for start, end in _values(text, match):
            out += [text[last:start], word("secret", text[start:end])]
            last = end
    return "".join([*out, text[last:]])


def _values(text: str, key: re.Match[str]) -> list[tuple[int, int]]:
    """Begin and end of each line of the value; of a key without a sign, one line that is a word and no pair."""
    found: list[tuple[int, int]] = []
    at, depth = key.end() + 1, len(key["indent"])
    while at < len(text) and len(found) < MOST:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].rstrip()
        begin = len(line) - len(line.lstrip())
        if line and begin <= depth:
            break
        if line:
            found.append((at + begin, at + len(line)))
        at = end + 1
    if key["sign"]:
        return found
    plain = len(found) == 1 and re.fullmatch(r"[^\s:{}\[\]]{6,}", text[slice(*found[0])])
    return found if plain else []
