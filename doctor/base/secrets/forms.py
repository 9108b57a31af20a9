"""What secrets look like when their value is not known: prefixes, `key = value`, headers, key blocks.

Every pattern is bounded and starts with a literal, so that no text can make it slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.base.late import late_pattern
from doctor.base.secrets.commands import replace_passwords
from doctor.base.secrets.names import is_doubtful, is_key_of_something, is_no_key, is_secret_key
from doctor.base.secrets.shapes import LOOKED_AT, crafted, harmless, mixed, random_looking
from doctor.base.secrets.structures import replace_structures
from doctor.base.secrets.tokens import hooks, logins, tokens
from doctor.base.secrets.yaml_scalars import replace_scalars

Word = Callable[[str, str], str]

_BLOCK = late_pattern(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10})-----"
    r"(?:(?!-----END )[\s\S]){0,20000}(?:-----END [A-Z0-9 ]{1,45}-----)?"
)
_SCHEME = late_pattern(
    r"\b(?P<scheme>Bearer|Basic|Digest|Token|ApiKey|AWS4-HMAC-SHA256)(?P<gap>[ \t]{1,4}|%20)"
    r"(?P<value>[^\s'\",;)\]}\\]{6,8000})",
    re.I,
)
_MORE = late_pattern(r"\r?\n[ \t│|]{0,40}(?P<value>[A-Za-z0-9_\-+/=]{12,400})(?=[ \t│|]{0,40}(?:\r?\n|$))")
_LOOSE_WORDS = ("key", "token", "secret", "pass", "credential", "netrc")
_SCHEME_WORDS = ("bearer", "basic", "digest", "token", "apikey", "aws4")
_PAIR = late_pattern(
    r"(?<![A-Za-z0-9_])(?<![A-Za-z0-9_][.\-])(?P<name>[A-Za-z_][A-Za-z0-9_.\-]{1,120})(?P<close>[\"'\\]{0,3}\]?)"
    r"(?P<sep>"
    r"[ \t]{0,2}:[ \t]{0,2}(?:Optional|Union|Final|ClassVar|Secret|Any|&?[Ss]tr|bytes|char)[\w.\[\]| <>?]{0,40}?"
    r"[ \t]{0,3}=[ \t]{0,3}"
    r"|[ \t]{0,3}(?:=>|->|<-|:=|[=:：＝])[ \t]{0,3}|%3[Dd]|%3[Aa](?:%20|\+)?|\\u003[da])"
    r"(?P<open>(?:[ \t]{0,2}[\[({]\s{0,40})?(?:[bru]{1,2}(?=[\"'])|SecretStr\()?[\"'\\]{0,3})"
)
_INNER = late_pattern(
    r"(?P<lead>[A-Za-z0-9_.\-/]{1,120}[\"']?[ \t]{0,3}[=:][ \t]{0,3}[\"']?)(?P<value>[^\s\"',{}\[\]]{1,2000})"
)
_ODD = late_pattern(r"(?i)(?P<word>[a-z0-9]{1,30})[ \t]{1,3}$")
_PARSED = {"unexpected", "expected", "unknown", "illegal", "invalid", "unrecognized", "bad", "reserved", "current"}
_QUOTED = late_pattern(r"[^\"'\\\n]{1,8000}")
_PLAIN = late_pattern(r"[^\s\"',;&)\]}<>\\|]{1,8000}")
_ITEM = late_pattern(r"[\"']?\s{0,40},\s{0,40}[\"']?(?P<value>(?<=[\"'])[^\"'\n]{1,1000}|[^\s\"',\[\]{}()=:]{6,1000})")
_LOOSE = late_pattern(
    r"(?i)\b(?P<lead>(?:api[ _\-]?|access[ _\-]?|login[ _\-]?|secret[ _\-]?)?"
    r"(?:key|token|secret|password|passphrase|credential)(?: (?:is|was|provided))?(?:[:：][ \t]{0,3}|[ \t]{1,3}))"
    r"(?P<value>[A-Za-z0-9_\-+/=.]{16,400})"
)
_FAR = late_pattern(  # `key for api.wandb.ai to your netrc file: x`
    r"(?i)\b(?P<lead>(?:key|token|secret|password|credential|netrc)\b[^\n:=]{1,100}:[ \t]{1,3})"
    r"(?P<value>[A-Za-z0-9_\-+/=]{24,400})(?=[.\s\"']|$)"
)
_ENCODED_LOGIN = late_pattern(
    r"(?i)(?P<lead>%3A%2F%2F[^%\s\"'&]{0,128}%3A)(?P<value>(?:(?!%40|%3A%2F)[^\s\"'&<>]){1,256})(?=%40)"
)
_QUERY = late_pattern(
    r"(?P<lead>[?&;](?P<name>[A-Za-z0-9_\-.]{0,40}(?:token|secret|passw|sign|sig|key|credential|auth|code|session)[A-Za-z0-9_\-]{0,20})=)"
    r"(?P<value>[^&\s\"'<>#]{1,4000})", re.I
)  # fmt: skip
_OPTION = late_pattern(
    r"(?P<lead>(?<![\w\-])--?(?P<name>[A-Za-z][A-Za-z0-9_\-]{1,60})[\"']?[ \t,]{1,4}[\"']?)"
    r"(?P<value>[^\s\"',\-][^\s\"',]{3,1000})"
)
_WORDS = late_pattern(r"[a-z]{2,20}(?: [a-z]{1,20}){3}")
FIRST = 64
_METAVAR = late_pattern(r"[\[{<(]|[A-Z][A-Z_]*$")
_NEXT = late_pattern(r"[\"']?[ \t,]{1,4}[\"']?(?P<value>[^\s\"',\-|;&<>(][^\s\"',;|&<>()]{3,1000})")
_COOKIE = late_pattern(r"(?i)(?P<lead>\b(?:set-)?cookie[\"']?[ \t]{0,2}:[ \t]{0,2}[\"']?)(?P<value>[^\n\"']{6,4000})")


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
    text = replace_structures(text, word)
    text = _pairs(text, word)
    text = replace_passwords(text, word)
    text = _QUERY.sub(lambda m: _query(m, word), text)
    if "-" in text:
        text = _options(text, word)
    return _loose(text, word) if any(w in lower for w in _LOOSE_WORDS) else text


def _loose(text: str, word: Word) -> str:
    """Values that only a word of the sentence before them announces."""
    for pattern in (_LOOSE, _FAR):
        text = pattern.sub(lambda m: m["lead"] + (_hide(m["value"], word) if _meant(m) else m["value"]), text)
    return text


def _meant(match: re.Match[str]) -> bool:
    """A value that looks random, and no key of a cache."""
    return random_looking(match["value"]) and not is_no_key(_before(match.string, match.start()))


def _before(text: str, at: int) -> str:
    """The word before this place, lower case; empty where none is."""
    found = _ODD.search(text[max(0, at - 40) : at])
    return found["word"].lower() if found else ""


def _after_scheme(match: re.Match[str], word: Word) -> str:
    """`Bearer x` in a header, or with a value that looks like a key: `token throughput` is none."""
    header = "authorization" in match.string[max(0, match.start() - 32) : match.start()].lower()
    looks = random_looking if match["scheme"].lower() == "token" else mixed
    if not header and not looks(match["value"]):
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
    return value if harmless(value) else word("secret", value)


def _login(match: re.Match[str], word: Word) -> str:
    user, password = (_hide(part, word) if part else "" for part in match.group("user", "password"))
    return user if match["password"] is None else f"{user}:{password}"


def _pairs(text: str, word: Word) -> str:
    """`name = value` in every notation; only names that tell are looked at further."""
    out, last = [], 0
    for match in _PAIR.finditer(text):
        if match.start() < last or not _tells(match):
            continue
        if "{" in match["open"]:  # the values of an object, each below a name of its own
            end = text.find("}", match.end(), match.end() + 4000)
            end = end if end >= 0 else min(len(text), match.end() + 4000)
            out += [text[last : match.end()], _INNER.sub(lambda m: _inner(m, word), text[match.end() : end])]
            last = end
            continue
        at, end = _value(text, match)
        if at < end:
            out += [text[last:at], word("secret", text[at:end])]
            last = end
        elif "[" in match["open"] and (first := _PLAIN.match(text, at)):
            out.append(text[last : first.end()])
            last = first.end()
        else:
            continue
        while "[" in match["open"] and (item := _ITEM.match(text, last)):
            hidden = at < end or random_looking(item["value"])
            out += [text[last : item.start("value")], _hide(item["value"], word) if hidden else item["value"]]
            last = item.end("value")
    return "".join([*out, text[last:]])


def _tells(pair: re.Match[str]) -> bool:
    """Whether the label is one of a secret, or may be; `Pwd=` of a connection string is, `pwd:` of a shell is not."""
    name = pair["name"]
    return is_secret_key(name) or is_key_of_something(name) or (name.lower() == "pwd" and "=" in pair["sep"])


def _value(text: str, pair: re.Match[str]) -> tuple[int, int]:
    """Begin and end of what has to be hidden behind a label; twice the same where nothing has."""
    at, quoted = pair.end(), pair["open"][-1:] in ("'", '"')
    pattern = _QUOTED if quoted else _PLAIN
    found = pattern.match(text, at, at + LOOKED_AT)
    value = found[0] if found else ""
    if not is_secret_key(pair["name"]) and pair["name"].lower() != "pwd" and not random_looking(value[:FIRST]):
        return at, at  # the cheap question first: a text may be all labels
    if not quoted and value[:2] == "${":
        return at, at
    if text[max(0, pair.start() - 2) : pair.start()] == "${":  # `${TOKEN:?}`, `${TOKEN:-default}`
        if value[:1] in ("?", "+", "/", "%", "#"):
            return at, at
        at, value = (at + 1, value[1:]) if value[:1] in ("-", "=") else (at, value)
    if (
        found is None
        or not value.split()
        or harmless(value)
        or value.lower() == pair["name"].lower()
        or (not quoted and _sentence(text, at))
    ):
        return at, at
    if value.split()[0].lower() in _SCHEME_WORDS or not _announced(pair, value):
        return at, at
    whole = pattern.match(text, at)
    return at, whole.end() if whole else found.end()


def _sentence(text: str, at: int) -> bool:
    """Whether a sentence begins here, not a value: `secret: not set`, `token: handed over when asked`."""
    if _WORDS.match(text, at) and text[at - 2 : at] == ": ":
        return True
    begin = text[at : at + 24]
    return " " in begin and harmless(begin.split("\n", 1)[0].partition(" ")[0] + " ")


def _inner(match: re.Match[str], word: Word) -> str:
    hidden = is_secret_key(match["lead"].strip("\"' \t=:")) or random_looking(match["value"])
    return match["lead"] + (_hide(match["value"], word) if hidden else match["value"])


def _announced(pair: re.Match[str], value: str) -> bool:
    """Whether the label means a secret with this value: `pass: test_load_model` and `unexpected token: 'x'` do not."""
    name = pair["name"]
    if name.lower() == "pwd":  # a password, or where a shell stands
        return not value.startswith(("/", "~", ".", "\\")) and value[1:2] != ":"
    before = _before(pair.string, pair.start())
    if is_no_key(before):
        return False
    if not is_secret_key(name) or before in _PARSED:
        return random_looking(value)
    if is_doubtful(name):
        equals = "=" in pair["sep"] and len(value) > 3
        return random_looking(value) or (name.lower() != "pass" and crafted(value)) or (equals and mixed(value))
    return True


def _query(match: re.Match[str], word: Word) -> str:
    """A parameter of a URL, secret by its name or, of a name that means several things, by its look."""
    value = match["value"]
    secret = is_secret_key(match["name"]) or (
        len(value) > 7 and (mixed(value) or value.lower() != value != value.upper())
    )
    return match["lead"] + (_hide(value, word) if secret else value)


def _options(text: str, word: Word) -> str:
    """`--api-key X`, `-password X`, and of `--api-keys X Y` every word that looks like a key."""
    out, last = [], 0
    for match in _OPTION.finditer(text):
        if match.start() < last or not is_secret_key(match["name"]) or _METAVAR.match(match["value"]):
            continue
        out += [text[last : match.start("value")], _hide(match["value"], word)]
        last = match.end()
        while match["name"][-1:] in "sS" and (more := _NEXT.match(text, last)) and mixed(more["value"]):
            out += [text[last : more.start("value")], _hide(more["value"], word)]
            last = more.end()
    return "".join([*out, text[last:]])
