"""What secrets look like when their value is not known: prefixes, `key = value`, headers, key blocks; and what tells
who and where a user is. Every pattern is bounded and starts with a literal, so that no text can make it slow."""

from __future__ import annotations

import contextlib
import getpass
import ipaddress
import re
import socket
from collections.abc import Callable

from doctor.base.text import is_secret_name

Word = Callable[[str, str], str]

_TOKENS = re.compile(
    r"(?<![A-Za-z0-9_])(?:hf_[A-Za-z0-9]{16,200}|api_org_[A-Za-z0-9]{16,200}|[sr]k[-_][A-Za-z0-9_\-]{16,300}"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_\-]{16,200}"
    r"|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|AIza[A-Za-z0-9_\-]{30,60}|ya29\.[A-Za-z0-9_\-]{20,500}"
    r"|xox[abeoprs]-[A-Za-z0-9\-]{10,300}|xapp-[A-Za-z0-9\-]{10,300}|nvapi-[A-Za-z0-9_\-]{20,200}"
    r"|npm_[A-Za-z0-9]{30,60}|pypi-[A-Za-z0-9_\-]{16,400}|dckr_pat_[A-Za-z0-9_\-]{16,100}|dop_v1_[a-f0-9]{32,80}"
    r"|SG\.[A-Za-z0-9_\-]{16,40}\.[A-Za-z0-9_\-]{16,80}|gsk_[A-Za-z0-9]{20,100}|r8_[A-Za-z0-9]{20,60}"
    r"|pplx-[A-Za-z0-9]{20,80}|tgp_v1_[A-Za-z0-9_\-]{20,80}|wandb_v1_[A-Za-z0-9_\-]{20,120}|ms-[0-9a-f]{8}-[0-9a-f\-]{20,40}"
    r"|eyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{4,8000}\.?[A-Za-z0-9_\-]{0,2000}|\d{8,12}:AA[A-Za-z0-9_\-]{30,40}"
    r"|v\^?[0-9.]{1,4}-[0-9a-f]{40,80})"
)
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
_ALSO_SECRET = re.compile(
    r"(?i)(?:^|[_\-.])(?:pass|passphrase|pwd|auth|bearer|private[_\-]?key|account[_\-]?key|signing[_\-]?key|session[_\-]?(?:id|key|token)"
    r"|client[_\-]?secret|webhook|dsn|sas|secret[_\-]?key|encryption[_\-]?key|license[_\-]?key|master[_\-]?key)$|accountkey$|sharedaccesskey"
)
_MODEL_TOKEN = re.compile(
    r"(?i)(?:eos|bos|pad|unk|sep|cls|mask|image|video|audio|vision|stop|start|end|special|next|first|last|prompt|input|output|new"
    r"|generated|cached|total|completion|chunked|draft)[_\-]?tokens?$"
)
_HARMLESS = re.compile(
    r"(?i)^(?:none|null|true|false|yes|no|\*+|<\S*|\$\S*|\d{1,9}|empty|str|int|optional\S*|os\.\S*|self\.\S*|\.\.\.)$"
)

_HOME = re.compile(
    r"(?P<lead>(?:/home/|/Users/|/run/user/|/var/home/|[A-Za-z]:\\{1,2}Users\\{1,2}|/mnt/[a-z]/Users/))(?P<value>[^/\\\s:'\"<>|]{1,64})"
)
_MAIL = re.compile(r"(?<![\w.+\-])(?P<value>[\w.+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,6})(?![\w@])")
_IPV4 = re.compile(r"(?<![\w.\-])(?P<value>\d{1,3}(?:\.\d{1,3}){3})(?![\w.]|-\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?P<value>[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])")
_MAC = re.compile(r"(?<![\w:\-])(?P<value>(?:[0-9a-fA-F]{2}[:\-]){5}[0-9a-fA-F]{2})(?![\w:\-])")
_VERSION_BEFORE = re.compile(
    r"(?i)(?:==|>=|<=|~=|version[\s:=]{1,3}|v|cu1\d[\s\"',:=]{1,40}|nvidia-[\w\-]{1,40}\s{1,40}|driver[\s:=]{1,3})$"
)


def replace(text: str, word: Word) -> str:
    """`text` with everything that looks like a secret replaced by `word(kind, value)`."""
    if "PRIVATE KEY" in text:
        text = _BLOCK.sub(lambda m: word("secret", m[0]), text)
    if "://" in text and "@" in text:
        text = _URL_LOGIN.sub(lambda m: m["scheme"] + _login(m["login"], word) + "@", text)
    text = _TOKENS.sub(lambda m: word("secret", m[0]), text)
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


def secret(name: str) -> bool:
    """Whether a key of this name holds a secret: the shared rule, and names that only occur in files."""
    return (is_secret_name(name) and not _MODEL_TOKEN.search(name)) or bool(_ALSO_SECRET.search(name))


def _pairs(text: str, word: Word) -> str:
    """`name = value` in every notation; only names that tell are looked at further."""
    out, last = [], 0
    for match in _PAIR.finditer(text):
        if match.start() < last or not secret(match["name"]):
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
    return match["lead"] + _hide(match["value"], word) if secret(match["name"]) else match[0]


def _mixed(value: str) -> bool:
    """Letters and digits together, as keys have and words have not."""
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def own_names() -> list[str]:
    """This machine's and this user's names, where they are long enough to be told from ordinary words."""
    names = []
    with contextlib.suppress(OSError):
        names.append(socket.gethostname())
    with contextlib.suppress(OSError, KeyError, ImportError):
        names.append(getpass.getuser())
    return [n for n in names if len(n) >= 4 and n not in ("root", "localhost", "user", "ubuntu", "admin")]


def replace_private(text: str, word: Word, names: list[str]) -> str:
    """`text` without user names in paths, mail and network addresses, and the given names; versions stay."""
    text = _HOME.sub(lambda m: m["lead"] + word("user", m["value"]), text)
    if "@" in text:
        text = _MAIL.sub(lambda m: word("mail", m["value"]), text)
    text = _MAC.sub(lambda m: word("address", m["value"]), text)
    text = _IPV4.sub(lambda m: _ip(m, word), text)
    text = _IPV6.sub(lambda m: _ip(m, word), text)
    for name in names:
        text = re.sub(rf"(?<![\w]){re.escape(name)}(?![\w])", lambda m: word("name", m[0]), text)
    return text


def _ip(match: re.Match[str], word: Word) -> str:
    """An address, unless it is of this machine itself, or a version number with four parts."""
    if _VERSION_BEFORE.search(match.string, max(0, match.start() - 60), match.start()):
        return match[0]
    try:
        address = ipaddress.ip_address(match["value"])
    except ValueError:
        return match[0]
    local = address.is_loopback or address.is_unspecified or str(address) == "255.255.255.255"
    return match[0] if local else word("address", match["value"])
