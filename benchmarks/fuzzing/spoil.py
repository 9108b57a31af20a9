"""Sound inputs made unsound: bytes changed, cut, doubled and multiplied, values swapped for hostile ones."""

from __future__ import annotations

import json
import random
from typing import Any

TOKENS = (
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n", b" ", b"\t", b"'", b'"', b"`", b"\\", b"\\\n", b"$(", b"${", b"$((", b")", b"}", b"<<EOF\n", b"<(", b"|", b"||", b"&&",
    b";;", b"*", b"?", b"[", b"]", b"{", b"{1..999999999}", b"{a,b}" * 30, b"~", b"#", b"=", b"==", b">=1.*", b";", b",", b":", b": ", b"- ", b"&a ", b"*a ", b"<<: *a\n",
    b"!!python/object:os.system ", b"!!binary ", b"!!timestamp x", b"!!int ''", b"? ", b"|\n", b">\n", b"%YAML 9\n", b"---\n", b"...\n", b"0x", b"1e999", b"-1", b"NaN", b"Infinity",
    b"9" * 5000, b"18446744073709551616", b"true", b"null", b"@", b"a@" * 2000, b"a." * 5000, b"../" * 500, b"/" * 5000, b"a" * 9000, b"(" * 3000, b"[" * 3000, b'{"a":' * 2000,
    b"not " * 3000, b"-" * 5000, b"a if b else " * 2000, b"lambda:" * 2000, b"@a\n" * 2000, b"elif a: 0\n" * 2000, b"f'{" * 200, b"+1" * 5000, b".b" * 20000, b"import a" + b".b" * 20000,
    b"$(" * 500, b"if a; then " * 500, b"${a:-" * 500, b"$((" * 300, b"<<A " * 100, b"case a in " * 300, b"\xe2\x80\xae", b"\x1b[31m", b"\xed\xa0\x80", "Ünïcode中".encode(), b"%s%n",
    b"FROM a AS b\n" * 300, b"Requires-Dist: x>=1; extra == 'a'\n" * 500, b"Traceback (most recent call last):\n" * 500, b"During handling of the above exception\n" * 200,
    b"  File \"a\", line 999999999999999999999999, in <x>\n" * 200, b"[[a]]\n" * 500, b"a=1\n" * 500, b"a.b.c.d=1\n" * 300, b"\x7fELF", b"GGUF", b"\x1f\x8b\x08",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan"), "", "x", "\0", "\ud800", "\u202e", "a" * 9000, "1", "-1", "1e9", "nan",
    [], {}, [[]], [{}], [None], {"": None}, ["x"] * 3000, [0] * 3000, {"a": {"b": {"c": []}}}, [-1, -2], [2**62, 2**62], "../../etc/passwd", "/dev/zero", "${A}", "*", "a b", "$(x)", [["x"]],
)  # fmt: skip


def spoiled(sound: bytes, source: random.Random) -> bytes:
    """One of the ways in which an input may be unsound."""
    if source.random() < 0.4 and (changed := _structured(sound, source)) is not None:
        return changed
    out = sound
    for _ in range(source.choice((1, 1, 1, 2, 3, 8))):
        out = _bytes(out, source)
    return out[: 4 << 20]


def _bytes(data: bytes, source: random.Random) -> bytes:
    first, last = sorted((source.randrange(len(data) + 1), source.randrange(len(data) + 1)))
    last = min(last, first + source.choice((1, 4, 40, 4000)))
    way = source.randrange(8)
    token = source.choice(TOKENS)
    if way == 0:
        return data[:first]
    if way == 1:
        return data[:first] + token + data[first:]
    if way == 2:
        return data[:first] + token + data[last:]
    if way == 3:
        return data[:first] + data[last:]
    if way == 4:
        return data[:first] + data[first:last] * source.choice((2, 50, 3000)) + data[last:]
    if way == 5:
        return data[:first] + bytes(source.randrange(256) for _ in range(source.choice((1, 2, 8)))) + data[last:]
    if way == 6:
        lines = data.splitlines(keepends=True) or [b""]
        source.shuffle(lines)
        return b"".join(lines)
    words = data.split(b" ")
    words[source.randrange(len(words))] = token
    return b" ".join(words)


def _structured(data: bytes, source: random.Random) -> bytes | None:
    """A value in a JSON document, or in the header of a safetensors file, replaced."""
    lead, body = (data[:8], data[8:]) if data[8:9] == b"{" and data[:1] != b"{" else (b"", data)
    try:
        found, end = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    except ValueError:
        return None
    for _ in range(source.choice((1, 1, 2, 5))):
        found = _replaced(found, source)
    text = json.dumps(found).encode()
    return (len(text).to_bytes(8, "little") if lead else b"") + text + body.decode("latin-1")[end:].encode("latin-1")


def _replaced(value: Any, source: random.Random) -> Any:
    if isinstance(value, dict) and value and source.random() < 0.85:
        key = source.choice(list(value))
        name = source.choice(("", "a" * 5000, "\ud800", "__class__")) if source.random() < 0.05 else key
        return {k if k != key else name: v if k != key else _replaced(v, source) for k, v in value.items()}
    if isinstance(value, list) and value and source.random() < 0.7:
        place = source.randrange(len(value))
        return [v if n != place else _replaced(v, source) for n, v in enumerate(value)]
    return source.choice(VALUES)


def spoiled_words(sound: list[str], source: random.Random) -> tuple[str, ...]:
    """A launch command with words changed, cut, doubled and put elsewhere; none has a NUL, as no argument can."""
    out = list(sound)
    for _ in range(source.choice((1, 1, 2, 4))):
        place = source.randrange(len(out) + 1)
        token = source.choice(TOKENS).decode("utf-8", "surrogateescape")
        way = source.randrange(6)
        if way == 0:
            out.insert(place, token)
        elif way == 1 and place < len(out):
            out[place] = token
        elif way == 2 and place < len(out):
            out[place] = spoiled(out[place].encode("utf-8", "surrogateescape"), source).decode(
                "utf-8", "surrogateescape"
            )
        elif way == 3:
            del out[place:]
        elif way == 4:
            out[place:place] = out[: source.choice((1, 3))] * source.choice((1, 200))
        else:
            source.shuffle(out)
    return tuple(w.replace("\0", "")[:60_000] for w in out[:2000]) or ("x",)
