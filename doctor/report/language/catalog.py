"""The catalogs: gettext's `.po` files, compiled in memory, and sentences that were said with their values in them."""

from __future__ import annotations

import functools
import gettext
import io
import re
import struct
from collections.abc import Iterator
from importlib.resources import files

from doctor.base.late import late_pattern
from doctor.base.syntax import literal

_LINE = late_pattern(r'(?:(msgid_plural|msgid|msgstr(?:\[\d\])?) )?(".*")')
_VALUE = "{}"


@functools.cache
def catalog(name: str) -> gettext.GNUTranslations:
    """The catalog of a language, such as `zh_CN`."""
    text = files(__package__).joinpath(f"{name}.po").read_text(encoding="utf-8")
    return gettext.GNUTranslations(io.BytesIO(_compiled(dict(entries(text)))))


def entries(text: str) -> Iterator[tuple[str, str]]:
    """The message ids of a `.po` file and what stands for them; the forms of a plural are separated by NUL."""
    for block in text.split("\n\n"):
        parts = dict[str, str]()
        key = ""
        for line in block.splitlines():
            if found := _LINE.fullmatch(line):
                key = found[1] or key
                parts[key] = parts.get(key, "") + literal(found[2])
        if "msgid" not in parts:
            continue
        ids = [parts["msgid"], *(parts[k] for k in ("msgid_plural",) if k in parts)]
        yield "\0".join(ids), "\0".join(parts[k] for k in sorted(parts) if k.startswith("msgstr"))


def _compiled(texts: dict[str, str]) -> bytes:
    """The form that `gettext` reads (GNU gettext manual, "The Format of GNU MO Files"), without a hash table."""
    ids = sorted(key.encode() for key in texts)
    said = [texts[key.decode()].encode() for key in ids]
    start = 28 + 16 * len(ids)
    tables, body = [bytearray(), bytearray()], bytearray()
    for table, words in zip(tables, (ids, said), strict=True):
        for word in words:
            table += struct.pack("<II", len(word), start + len(body))
            body += word + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(ids), 28, 28 + 8 * len(ids), 0, 28)
    return head + tables[0] + tables[1] + body


@functools.cache
def _patterns(name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The entries with `{}` in them as patterns, those with the most words first."""
    known = [key for key in vars(catalog(name))["_catalog"] if isinstance(key, str) and _VALUE in key]
    known.sort(key=lambda key: -len(key.replace(_VALUE, "")))
    return tuple((re.compile("(.*?)".join(map(re.escape, key.split(_VALUE))), re.S), key) for key in known)


def step(name: str, text: str) -> str:
    """A step in words, whose template has `{}` for each value; the text itself where the catalog has none."""
    known = catalog(name)
    if (whole := known.gettext(text)) != text:
        return whole
    for pattern, key in _patterns(name):
        if found := pattern.fullmatch(text):
            return known.gettext(key).format(*(known.gettext(value) if value else "" for value in found.groups()))
    return text
