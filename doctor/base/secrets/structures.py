"""Secrets whose name stands apart from them: in tags, attributes, tables, setters, and in other scripts than Latin."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from doctor.base.late import late_pattern
from doctor.base.secrets.names import is_doubtful, is_secret_key
from doctor.base.secrets.shapes import crafted, harmless, mixed, random_looking

Word = Callable[[str, str], str]

_NAME = r"(?P<name>[A-Za-z_][\w.\-]{1,80})"
_KEYED = r"(?:[Kk]ey|[Nn]ame|id|property|variable|header|field)"
_VALUES = ("value=", "val=", "content=", "default=")
_VALUED = r"(?:[Vv]alue|val|content|default)"
_PASSWORDS = (
    "密码|密碼|口令|暗号|通行码|パスワード|パスフレーズ|暗証番号|비밀번호|암호|패스워드|пароль|contraseña|clave|"
    "mot de passe|hasło|lösenord|passwort|kennwort|senha|wachtwoord|mật khẩu|รหัสผ่าน|كلمة المرور|סיסמה"
)
_KEYS = (
    "令牌|密钥|密鑰|秘钥|私钥|私鑰|凭证|憑證|凭据|トークン|秘密鍵|シークレット|アクセスキー|キー|토큰|비밀키|인증키|"
    "액세스 ?키|시크릿|키|токен|ключ(?: api)?|секрет|mã thông báo|jeton|clé"
)
# words of which the text has to hold one, the pattern, and whether its value has to look like a secret
_Row = tuple[tuple[str, ...], str, bool]
_WORD = r"[^\s\"'<>,;|&)\]}]{3,2000}"
_LAST = r"(?P<value>[^\s\"'`,;]{6,512}[^\s\"'`,;.])"  # of a sentence, whose full stop is none of it
_TEXT = r"(?P<value>[^<>\n]{1,2000}?)\s{0,40}</"
_QUOTED = r"[\"'](?P<value>[^\"'\n]{1,2000})[\"']"
_NAMED = rf"\b{_KEYED}=[\"']{_NAME}[\"']"
_MARKUP: tuple[_Row, ...] = (
    (("</",), rf"<(?:\w{{1,20}}:)?{_NAME}(?:\s[^<>\n]{{0,200}})?>\s{{0,40}}{_TEXT}", False),
    (("</",), rf"<key>{_NAME}</key>\s{{0,40}}<\w{{1,12}}>{_TEXT}", False),
    (("</",), rf"{_NAMED}[^<>\n]{{0,80}}>\s{{0,40}}(?:<value>)?{_TEXT}", False),
    (_VALUES, rf"{_NAMED}[^<>\n]{{0,120}}?\b{_VALUED}={_QUOTED}", False),
    (_VALUES, rf"\b{_VALUED}={_QUOTED}[^<>\n]{{0,120}}?{_NAMED}", False),
    (("value",), rf"\b{_KEYED}[\"']?:\s{{0,3}}[\"']?{_NAME}[\"']?(?:,\s{{0,40}}|\s{{1,40}})[\"']?{_VALUED}[\"']?:"
                 r"[ \t]{0,4}[\"']?(?P<value>[^\s\"',{}]{1,2000})", False),
    (("'", '"'), rf"(?<=[(\[,{{ ])b?[\"']{_NAME}[\"'],[ \t]{{0,3}}b?{_QUOTED}", True),
    (("|", "│", "┃"), rf"(?<![\w\-])[\"']?{_NAME}[\"']?[ \t]{{0,60}}[|│┃][ \t]{{0,4}}[\"']?(?P<value>{_WORD})", True),
)  # fmt: skip
_SET = (
    r"(?i:\b(?:setx|setq|setenv|putenv|ENV|environmentvariable|setdefault|--env|set[ \t]{1,3}-[a-z\-]{1,10}|"
    r"config(?:ure)?(?:[ \t]{1,3}(?:set|--?[a-z\-]{1,20})){0,4})[\"']?\)?[ \t(,]{1,4}[\"']?)"
)
_CONSTANT = r"(?P<name>[A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60})"
_CLIENT = r"\b(?:login|auth|authenticate|init|configure|[A-Z]\w{0,40}Client|Client)\("
_SPOKEN = (
    r"(?i)\b(?:api|access|secret|private|auth|master|signing|encryption|client|hub|hf|bot|secret[ \-]access)[ ]"
    r"(?:key|token|secret|password)[ \t]{0,3}(?:[:=：＝]|is|was)[ \t]{0,3}[\"'`]?"
)
_SPOKEN_HINTS = tuple(
    f" {label}{sign}"
    for label in ("key", "token", "secret", "password")
    for sign in (":", "=", " =", " :", " is", " was", "：", "＝")
)
_SAID: tuple[_Row, ...] = (
    (("setx", "setq", "setenv", "set -", "putenv", "env ", "variable(", "setdefault", "--env",
      "config set", "config --", "configure set", "git config"),
     rf"{_SET}{_NAME}[\"']?[ \t,]{{1,4}}[\"']?(?P<value>{_WORD})", False),
    (("set ",), rf"\bset[ \t]{{1,3}}{_NAME}[ \t]{{1,3}}[\"']?(?P<value>{_WORD})", True),
    (("_",), rf"(?<![\w\-$]){_CONSTANT}[ \t]{{1,4}}(?:(?:is|was)[ \t])?[\"']?(?P<value>{_WORD})", True),
    (("requirepass", "masterauth", "_authtoken"),
     rf"\b(?:requirepass|masterauth|_authToken)[ \t]{{1,3}}(?P<value>{_WORD})", False),
    (("auth ",), rf"\bAUTH[ \t]{{1,3}}\w{{1,40}}[ \t]{{1,3}}[\"']?(?P<value>{_WORD})", True),
    (("login",), r"\blogin[ \t]{1,3}\S{1,128}\s{1,4}password[ \t]{1,3}(?P<value>\S{1,512})", False),
    (("login(",), rf"\blogin\({_QUOTED}", True),
    (('key="', "key='"), rf"{_CLIENT}[^()\n]{{0,200}}?\bkey=[\"'](?P<value>[^\"'\n]{{8,1000}})", False),
    (("@",), r"(?<![\w/:@.\-])[\w.\-]{1,64}:(?P<value>[^\s:@/\"'<>,;]{6,128})@(?!sha\d)"
             r"(?=[\w\-]{1,63}(?:\.[\w\-]|:\d))", True),
    ((" is ", " was ", " is: "),
     rf"(?i)\b(?:password|passphrase|passcode)[ \t](?:is|was):?[ \t]{{1,3}}[\"'`]?{_LAST}", True),
    (_SPOKEN_HINTS, rf"{_SPOKEN}{_LAST}", True),
    (("password", "identified", "passphrase"),
     rf"(?i)\b(?:password|identified by|passphrase)[ \t]{{1,4}}{_QUOTED}", True),
)  # fmt: skip


def replace_structures(text: str, word: Word) -> str:
    """`text` with such values replaced by `word("secret", value)`."""
    lower = text.lower()
    for hints, pattern, strict in _patterns():
        if any(h in lower for h in hints):
            text = pattern.sub(lambda m, strict=strict: _hidden(m, word, strict), text)  # type: ignore[misc]
    if not text.isascii() or "mot de passe" in lower:
        text = _foreign().sub(lambda m: _labelled(m, word), text)
    return text


def _hidden(match: re.Match[str], word: Word, strict: bool) -> str:
    """`strict`: the value has to look like a secret as well."""
    name, value = match.groupdict().get("name"), match["value"]
    if harmless(value) or (name is not None and not is_secret_key(name)):
        return match[0]
    strict = strict or (name is not None and is_doubtful(name))
    if strict and not (random_looking(value) or crafted(value)):
        return match[0]
    at = match.start("value") - match.start()
    return match[0][:at] + word("secret", value) + match[0][at + len(value) :]


def _labelled(match: re.Match[str], word: Word) -> str:
    value = match["value"]
    if harmless(value) or (match["password"] is None and not (mixed(value) or random_looking(value))):
        return match[0]
    return match["lead"] + word("secret", value)


@cache
def _patterns() -> list[tuple[tuple[str, ...], re.Pattern[str], bool]]:
    return [(hints, late_pattern(pattern), strict) for hints, pattern, strict in (*_MARKUP, *_SAID)]


@cache
def _foreign() -> re.Pattern[str]:
    """A label in another language and what stands behind it; group `password` where it can mean nothing else."""
    return late_pattern(
        rf"(?i)(?P<lead>(?:(?P<password>{_PASSWORDS})|{_KEYS})[ \t]{{0,3}}"
        r"(?:[（(][^()（）\n]{0,30}[)）])?[ \t]{0,3}"
        r"(?:(?:为|為|是|は|는|은)?[ \t]{0,2}[:=：＝]|为|為|是|は、?|는|은|->|=>|→)"
        r"[ \t]{0,3}[\"'「『“]?)(?P<value>[!#-&(-~]{4,2000})"
    )
