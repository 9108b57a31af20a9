"""What secrets look like when their value is not known: prefixes, `key = value`, headers, key blocks.

Every pattern is bounded and starts with a literal, so that no text can make it slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.base.secrets.names import is_secret_key
from doctor.base.secrets.tokens import tokens

Word = Callable[[str, str], str]

_BLOCK = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10})-----"
    r"(?:(?!-----END )[\s\S]){0,20000}(?:-----END [A-Z0-9 ]{1,45}-----)?"
)
_SCHEME = re.compile(
    r"\b(?P<scheme>Bearer|Basic|Digest|Token|ApiKey|AWS4-HMAC-SHA256)(?P<gap>[ \t]{1,4}|%20)"
    r"(?P<value>[^\s'\",;)\]}\\]{6,8000})",
    re.I,
)
_SCHEME_WORDS = ("bearer", "basic", "digest", "token", "apikey", "aws4")
_PAIR = re.compile(
    r"(?<![A-Za-z0-9_])(?P<name>[A-Za-z_][A-Za-z0-9_.\-]{1,80})(?P<close>[\"'\\]{0,3})"
    r"(?P<sep>[ \t]{0,3}(?:=>|:=|[=:])[ \t]{0,3}|%3[Dd])"
    r"(?P<open>(?:[ \t]{0,2}[\[({][ \t]{0,2})?(?:b|r|SecretStr\()?[\"'\\]{0,3})"
)
_QUOTED = re.compile(r"[^\"'\\\n]{1,8000}")
_PLAIN = re.compile(r"[^\s\"',;&)\]}<>\\|]{1,8000}")
_ITEM = re.compile(r"[\"'][ \t]{0,2},[ \t]{0,2}[\"'](?P<value>[^\"'\n]{1,1000})")
_LOOSE = re.compile(
    r"(?i)\b(?P<lead>(?:api[ _\-]?|access[ _\-]?|login[ _\-]?|secret[ _\-]?)?"
    r"(?:key|token|secret|password|passphrase)(?: is| was)?:?[ \t]{1,3})"
    r"(?P<value>[A-Za-z0-9_\-+/=.]{16,400})"
)
_URL_LOGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.\-]{1,20}://)(?P<login>[^/\s@\"'<>]{1,512})@", re.I)
_QUERY = re.compile(
    r"(?P<lead>[?&;](?:[A-Za-z0-9_\-.]{0,40}(?:token|secret|passw|sign|sig|key|credential|auth|code|session)[A-Za-z0-9_\-]{0,20})=)"
    r"(?P<value>[^&\s\"'<>#]{4,4000})", re.I
)  # fmt: skip
_OPTION = re.compile(
    r"(?P<lead>--(?P<name>[A-Za-z][A-Za-z0-9_\-]{1,60})[\"']?[ \t,]{1,4}[\"']?)(?P<value>[^\s\"',\-][^\s\"',]{3,1000})"
)
_COOKIE = re.compile(r"(?i)(?P<lead>\b(?:set-)?cookie[\"']?[ \t]{0,2}:[ \t]{0,2}[\"']?)(?P<value>[^\n\"']{6,4000})")
_HARMLESS = re.compile(
    r"(?i)^(?:none|null|true|false|yes|no|\*+|<\S*|\$\S*|\d{1,9}|empty|str|int|optional\S*|os\.\S*|self\.\S*|\.\.\.)$"
)


def replace(text: str, word: Word) -> str:
    """`text` with everything that looks like a secret replaced by `word(kind, value)`."""
    if "PRIVATE KEY" in text:
        text = _BLOCK.sub(lambda m: word("secret", m[0]), text)
    if "://" in text and "@" in text:
        text = _URL_LOGIN.sub(lambda m: m["scheme"] + _login(m["login"], word) + "@", text)
    text = tokens().sub(lambda m: word("secret", m[0]), text)
    lower = text.lower()
    if any(w in lower for w in _SCHEME_WORDS):
        text = _SCHEME.sub(lambda m: _after_scheme(m, word), text)
    if "cookie" in lower:
        text = _COOKIE.sub(lambda m: m["lead"] + _hide(m["value"], word), text)
    text = _pairs(text, word)
    text = _QUERY.sub(lambda m: m["lead"] + _hide(m["value"], word), text)
    if "--" in text:
        text = _OPTION.sub(lambda m: _option(m, word), text)
    return _LOOSE.sub(lambda m: m["lead"] + (_hide(m["value"], word) if _mixed(m["value"]) else m["value"]), text)


def _after_scheme(match: re.Match[str], word: Word) -> str:
    """`Bearer x` in a header, or with a value that looks like a key: `token throughput` is none."""
    header = "authorization" in match.string[max(0, match.start() - 32) : match.start()].lower()
    if not header and not _mixed(match["value"]):
        return match[0]
    return match["scheme"] + match["gap"] + _hide(match["value"], word)


def _hide(value: str, word: Word) -> str:
    return value if _HARMLESS.match(value) else word("secret", value)


def _login(login: str, word: Word) -> str:
    return login if _HARMLESS.match(login) else ":".join(_hide(part, word) for part in login.split(":", 1) if part)


def _pairs(text: str, word: Word) -> str:
    """`name = value` in every notation; only names that tell are looked at further."""
    out, last = [], 0
    for match in _PAIR.finditer(text):
        if match.start() < last or not is_secret_key(match["name"]):
            continue
        at = match.end()
        value = (_QUOTED if match["open"][-1:] in ("'", '"') else _PLAIN).match(text, at)
        if value is None or _HARMLESS.match(value[0]) or value[0].split()[0:1] == []:
            continue
        if value[0].lower() in _SCHEME_WORDS or value[0].split()[0].lower() in _SCHEME_WORDS:
            continue
        out += [text[last:at], word("secret", value[0])]
        last = value.end()
        while "[" in match["open"] and (item := _ITEM.match(text, last)):
            out += [text[last : item.start("value")], _hide(item["value"], word)]
            last = item.end()
    return "".join([*out, text[last:]])


def _option(match: re.Match[str], word: Word) -> str:
    return match["lead"] + _hide(match["value"], word) if is_secret_key(match["name"]) else match[0]


def _mixed(value: str) -> bool:
    """Letters and digits together, as keys have and words have not."""
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
