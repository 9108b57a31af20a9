"""What tells who and where a user is: names in paths, mail and network addresses, this machine's own name."""

from __future__ import annotations

import contextlib
import getpass
import ipaddress
import re
import socket
from collections.abc import Callable
from functools import lru_cache

from doctor.base.late import late_pattern

Word = Callable[[str, str], str]

_HOME = late_pattern(
    r"(?P<lead>(?:/home/|/Users/|/run/user/|/var/home/|[A-Za-z]:\\{1,2}Users\\{1,2}|/mnt/[a-z]/Users/))(?P<value>[^/\\\s:'\"<>|]{1,64})"
)
_MAIL = late_pattern(
    r"(?<![\w.+\-])(?!git@)(?P<value>[\w.+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,6})(?![\w@])"
)
_IPV4 = late_pattern(r"(?<![\w.\-])(?P<value>\d{1,3}(?:\.\d{1,3}){3})(?![\w.]|-\w)")
_IPV6 = late_pattern(r"(?<![\w:.])(?P<value>[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])")
_MAC = late_pattern(r"(?<![\w:\-])(?P<value>(?:[0-9a-fA-F]{2}[:\-]){5}[0-9a-fA-F]{2})(?![\w:\-])")
_VERSION_BEFORE = late_pattern(
    r"(?i)(?:==|>=|<=|~=|version[\s:=]{1,3}|v|cu1\d[\s\"',:=]{1,40}|nvidia-[\w\-]{1,40}\s{1,40}|driver[\s:=]{1,3})$"
)


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
    text = _HOME.sub(lambda m: m["lead"] + (m["value"] if m["value"].isdigit() else word("user", m["value"])), text)
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
    return word("address", match["value"]) if _of_another(match["value"]) else match[0]


@lru_cache(maxsize=4096)
def _of_another(text: str) -> bool:
    """Whether this is an address, and not of this machine itself."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text == "255.255.255.255")
