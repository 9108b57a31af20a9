"""Values of YAML that stand below their key: block scalars (`password: |`), a word, items of a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from doctor.base.secrets.names import is_secret_key
from doctor.base.secrets.shapes import harmless, random_looking

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
    """Begin and end of each line of a block; without the sign of one, of list items, and of a word that is no pair."""
    found = list(_lines(text, key))
    if key["sign"]:
        return found
    items = [at for line in found if (at := _item(text, line, key["name"]))]
    if items:
        return items
    plain = len(found) == 1 and re.fullmatch(r"[^\s:{}\[\]]{6,}", text[slice(*found[0])])
    return found if plain and not harmless(text[slice(*found[0])].strip("\"',")) else []


def _lines(text: str, key: re.Match[str]) -> Iterator[tuple[int, int]]:
    """What belongs to a key: lines that stand deeper, and items of a list as deep as the key itself."""
    at, depth, count = key.end() + 1, len(key["indent"]), 0
    while at < len(text) and count < MOST:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].rstrip()
        begin = len(line) - len(line.lstrip())
        if line and (begin < depth or (begin == depth and not line.lstrip().startswith("- "))):
            return
        if line:
            count += 1
            yield at + begin, at + len(line)
        at = end + 1


def _item(text: str, line: tuple[int, int], name: str) -> tuple[int, int] | None:
    """The secret of `- X`; below a key that may list names (`secrets:`), only one that looks like a secret."""
    found = re.match(
        r"-[ \t]{1,8}[\"']?(?P<value>[^\s\"':{}\[\]]{4,2000})[\"']?[ \t]{0,4}(?:#[^\n]{0,200})?$", text[slice(*line)]
    )
    if found is None or harmless(found["value"]):
        return None
    if not random_looking(found["value"]) and not re.search(r"(?i)(?:keys?|tokens?|passwords?|passwds?)$", name):
        return None
    return line[0] + found.start("value"), line[0] + found.end("value")
