"""What secrets look like when their value is not known: prefixes, `key = value`, headers, key blocks.

Every pattern is bounded and starts with a literal, so that no text can make it slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.base.secrets.commands import replace_passwords
from doctor.base.secrets.names import is_key_of_something, is_secret_key
from doctor.base.secrets.shapes import HARMLESS, mixed, random_looking
from doctor.base.secrets.tokens import hooks, logins, tokens
from doctor.base.secrets.yaml_scalars import replace_scalars

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
_MORE = re.compile(r"\r?\n[ \t│|]{0,40}(?P<value>[A-Za-z0-9_\-+/=]{12,400})(?=[ \t│|]{0,40}(?:\r?\n|$))")
_LOOSE_WORDS = ("key", "token", "secret", "pass", "credential", "netrc")
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
    r"(?:key|token|secret|password|passphrase|credential)(?: (?:is|was|provided))?:?[ \t]{1,3})"
    r"(?P<value>[A-Za-z0-9_\-+/=.]{16,400})"
)
_FAR = re.compile(  # `key for api.wandb.ai to your netrc file: x`
    r"(?i)\b(?P<lead>(?:key|token|secret|password|credential|netrc)\b[^\n:=]{1,100}:[ \t]{1,3})"
    r"(?P<value>[A-Za-z0-9_\-+/=]{24,400})(?=[.\s\"']|$)"
)
_ENCODED_LOGIN = re.compile(
    r"(?i)(?P<lead>%3A%2F%2F[^%\s\"'&]{0,128}%3A)(?P<value>(?:(?!%40)[^\s\"'&<>]){1,512})(?=%40)"
)
_QUERY = re.compile(
    r"(?P<lead>[?&;](?:[A-Za-z0-9_\-.]{0,40}(?:token|secret|passw|sign|sig|key|credential|auth|code|session)[A-Za-z0-9_\-]{0,20})=)"
    r"(?P<value>[^&\s\"'<>#]{4,4000})", re.I
)  # fmt: skip
_OPTION = re.compile(
    r"(?P<lead>--(?P<name>[A-Za-z][A-Za-z0-9_\-]{1,60})[\"']?[ \t,]{1,4}[\"']?)(?P<value>[^\s\"',\-][^\s\"',]{3,1000})"
)
_COOKIE = re.compile(r"(?i)(?P<lead>\b(?:set-)?cookie[\"']?[ \t]{0,2}:[ \t]{0,2}[\"']?)(?P<value>[^\n\"']{6,4000})")


def replace(text: str, word: Word) -> str:
    """`text` with everything that looks like a secret replaced by `word(kind, value)`."""
    if "PRIVATE KEY" in text:
        text = _BLOCK.sub(lambda m: word("secret", m[0]), text)
    if "://" in text and "@" in text:
        text = logins().sub(lambda m: m["scheme"] + _login(m, word) + "@", text)
    if "://" in text:
        text = hooks().sub(lambda m: m["lead"] + word("secret", m["value"]), text)
    text = _wrapped(tokens(), text, word)
    lower = text.lower()
    if any(w in lower for w in _SCHEME_WORDS):
        text = _SCHEME.sub(lambda m: _after_scheme(m, word), text)
    if "cookie" in lower:
        text = _COOKIE.sub(lambda m: m["lead"] + _hide(m["value"], word), text)
    if "%3A%2F%2F" in text.upper():
        text = _ENCODED_LOGIN.sub(lambda m: m["lead"] + word("secret", m["value"]), text)
    text = replace_scalars(text, word)
    text = _pairs(text, word)
    text = replace_passwords(text, word)
    text = _QUERY.sub(lambda m: m["lead"] + _hide(m["value"], word), text)
    if "--" in text:
        text = _OPTION.sub(lambda m: _option(m, word), text)
    return _loose(text, word) if any(w in lower for w in _LOOSE_WORDS) else text


def _loose(text: str, word: Word) -> str:
    """Values that only a word of the sentence before them announces."""
    for pattern in (_LOOSE, _FAR):
        text = pattern.sub(
            lambda m: m["lead"] + (_hide(m["value"], word) if random_looking(m["value"]) else m["value"]), text
        )
    return text


def _after_scheme(match: re.Match[str], word: Word) -> str:
    """`Bearer x` in a header, or with a value that looks like a key: `token throughput` is none."""
    header = "authorization" in match.string[max(0, match.start() - 32) : match.start()].lower()
    if not header and not mixed(match["value"]):
        return match[0]
    return match["scheme"] + match["gap"] + _hide(match["value"], word)


def _wrapped(pattern: re.Pattern[str], text: str, word: Word) -> str:
    """Tokens; one that ends its line takes the next line with it where that is nothing but more of the kind."""
    out, last = [], 0
    for match in pattern.finditer(text):
        if match.start() < last:
            continue
        more = _MORE.match(text, match.end())
        end = more.end() if more and random_looking(more["value"]) else match.end()
        out += [text[last : match.start()], word("secret", text[match.start() : end])]
        last = end
    return "".join([*out, text[last:]])


def _hide(value: str, word: Word) -> str:
    return value if HARMLESS.match(value) else word("secret", value)


def _login(match: re.Match[str], word: Word) -> str:
    user, password = (_hide(part, word) if part else "" for part in match.group("user", "password"))
    return user if match["password"] is None else f"{user}:{password}"


def _pairs(text: str, word: Word) -> str:
    """`name = value` in every notation; only names that tell are looked at further."""
    out, last = [], 0
    for match in _PAIR.finditer(text):
        if match.start() < last or not (is_secret_key(match["name"]) or is_key_of_something(match["name"])):
            continue
        at = match.end()
        value = (_QUOTED if match["open"][-1:] in ("'", '"') else _PLAIN).match(text, at)
        if value is None or HARMLESS.match(value[0]) or value[0].split()[0:1] == []:
            continue
        if not _announced(match["name"], value[0]):
            continue
        if value[0].lower() in _SCHEME_WORDS or value[0].split()[0].lower() in _SCHEME_WORDS:
            continue
        out += [text[last:at], word("secret", value[0])]
        last = value.end()
        while "[" in match["open"] and (item := _ITEM.match(text, last)):
            out += [text[last : item.start("value")], _hide(item["value"], word)]
            last = item.end()
    return "".join([*out, text[last:]])


def _announced(name: str, value: str) -> bool:
    if name.lower() == "pwd":  # a password, or where a shell stands
        return not value.startswith(("/", "~", ".", "\\")) and value[1:2] != ":"
    return is_secret_key(name) or random_looking(value)


def _option(match: re.Match[str], word: Word) -> str:
    return match["lead"] + _hide(match["value"], word) if is_secret_key(match["name"]) else match[0]
