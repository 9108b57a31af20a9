"""Programs that take a password as a short option: `mysql -pX`, `curl -u name:X`, `docker login -p X`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from doctor.base.late import late_pattern

Word = Callable[[str, str], str]

# program (with what stands behind it), its options in short and long form, and whether a login `name:X` is their value
_ROWS = (
    (r"mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump", "-p", False, True),
    (r"sshpass", "-p", False, True),
    (r"redis-cli|valkey-cli", "-a", False, False),
    (r"curl|http|https|xh", "--user|--proxy-user|--auth", True, False),
    (r"curl|http|https|xh", "-[A-Za-z]{0,6}[uUa]", True, True),
    (
        r"(?:docker|podman|nerdctl|skopeo|buildah|helm|oras|crane|az|oc|kubectl)\b[^\n]{0,60}?\blogin",
        "-p",
        False,
        False,
    ),
    (r"mongo|mongosh|mongodump|ldapsearch|sqlcmd|7z|zip|unzip|isql|sqlplus", "-p|-w|-P", False, False),
    (r"smbclient", "-U", True, False),
)
_HUBS = "wandb|vault|huggingface-cli|hf|modelscope|swanlab|comet|clearml|replicate|neptune|doppler|lightning|kaggle|ngc"
_GAP = r"[\"']?[ \t,]{1,4}[\"']?"


def replace_passwords(text: str, word: Word) -> str:
    """`text` with the passwords of such commands replaced by `word("secret", value)`."""
    for hint, pattern in _patterns():
        if any(name in text for name in hint):
            text = pattern.sub(lambda m: m["lead"] + word("secret", m["value"]), text)
    return text


@cache
def _patterns() -> list[tuple[tuple[str, ...], re.Pattern[str]]]:
    rows = [(_hint(names), _pattern(names, options, login, glued)) for names, options, login, glued in _ROWS]
    return [*rows, (("login", "auth", "AUTH"), _positional())]


def _positional() -> re.Pattern[str]:
    """The token as a plain word behind a login: `wandb login --relogin X`, `vault login X`, `AUTH X` of redis."""
    option = r"(?:[\"', \t]{1,4}--?[\w\-]{1,30}(?:=[^\s\"',]{1,200})?){0,4}"
    value = r"(?=[^\s\"']{0,400}\d)(?=[^\s\"']{0,400}[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.+/=\-]"
    return late_pattern(
        rf"(?P<lead>\b(?:(?P<known>{_HUBS})|[a-z][\w.\-]{{1,30}})(?:[\"', \t]{{1,4}}auth)?[\"', \t]{{1,4}}login{option}"
        rf"[\"', \t]{{1,4}}|\bAUTH[ \t]{{1,3}})(?P<value>(?(known){value}{{7,400}}|{value}{{15,400}}))"
        r"(?=[\s\"',;|&)\]]|$)"
    )


def _hint(names: str) -> tuple[str, ...]:
    return ("login",) if "login" in names else tuple(names.split("|"))


def _pattern(names: str, options: str, login: bool, glued: bool) -> re.Pattern[str]:
    """`glued`: the value may follow the option without a gap; without one, the next word is a value only if not so."""
    gap = rf"(?:{_GAP}|=|[\"'])?" if glued and (login or "sshpass" in names) else "" if glued else rf"(?:{_GAP}|=)"
    user = r"[^\s:\"',%]{0,128}[:%](?!//)" if login else ""
    value = r"[^\s\"',;|&<>]{3,512}" if not login else r"[^\s\"';|&<>]{3,512}"
    return late_pattern(
        rf"(?<![\w.\-])(?P<lead>(?:{names})\b(?:[^\n;|&]{{0,120}}?)(?<=[\s\"',])(?:{options}){gap}{user})(?P<value>{value})"
    )
