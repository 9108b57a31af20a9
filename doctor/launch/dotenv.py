"""`.env` files as Compose reads them: quotes, escapes, comments, and variables in values. Nothing is run."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping

from doctor.base.late import late_pattern
from doctor.launch.variables import substituted

MOST = 5000
_NAME = late_pattern(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]{0,200})[ \t]*[=:][ \t]*")
_ALONE = late_pattern(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]{0,200})\s*$")
_ESCAPE = late_pattern(r"\\([nrt\"\\$])")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_COMMENT = late_pattern(r"(?:^|[ \t])#.*$")


def dotenv(text: str, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of a `.env` file; `outer` and earlier lines fill the variables in values that are not in `'`.

    A name alone has its value from `outer`.
    """
    out: dict[str, str] = {}
    known = ChainMap(dict(outer), out)
    rows = text.splitlines()[:MOST]
    at = 0
    while at < len(rows):
        found = _NAME.match(rows[at])
        rest = rows[at][found.end() :] if found else ""
        at += 1
        if found is None:
            if (alone := _ALONE.match(rows[at - 1])) and alone[1] in outer:
                out[alone[1]] = outer[alone[1]]
            continue
        if rest[:1] in ("'", '"'):
            body, at = _quoted(rest, rows, at)
            value = body if rest[0] == "'" else substituted(_unescaped(body), known)
        else:
            value = substituted(_COMMENT.sub("", rest).strip(), known)
        out[found[1]] = value
    return out


def _unescaped(body: str) -> str:
    return _ESCAPE.sub(lambda m: "$$" if m[1] == "$" else _ESCAPED.get(m[1], m[1]), body)


def _quoted(rest: str, rows: list[str], at: int) -> tuple[str, int]:
    """What stands between the quotes, over several lines where they end later, and the next line."""
    quote, body = rest[0], rest[1:]
    while (end := _end(body, quote)) < 0 and at < len(rows) and len(body) < 1 << 16:
        body += "\n" + rows[at]
        at += 1
    return (body[:end] if end >= 0 else body), at


def _end(body: str, quote: str) -> int:
    at = body.find(quote)
    while at > 0 and quote == '"' and (len(body[:at]) - len(body[:at].rstrip("\\"))) % 2:
        at = body.find(quote, at + 1)
    return at


def raw(text: str) -> dict[str, str]:
    """The variables of a file in the raw format: everything behind `=` is the value."""
    pairs = (line.partition("=") for line in text.splitlines()[:MOST] if line.strip() and not line.startswith("#"))
    return {name.strip(): value for name, equals, value in pairs if equals}
