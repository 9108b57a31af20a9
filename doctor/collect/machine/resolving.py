"""Names to addresses as this machine has them: /etc/hosts first, then the system's resolver with a time limit."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterable

from doctor.base.files import Files
from doctor.base.record import dataclass
from doctor.base.text import one_line

SECONDS = 2.0
LARGEST = 1 << 20
MOST = 8  # addresses of one name


@dataclass(frozen=True, slots=True)
class Resolved:
    """The addresses of a name in the resolver's order, or None and why."""

    addresses: tuple[str, ...] | None = None
    why: str | None = None


def resolved(tree: Files, names: Iterable[str], *, ask: bool) -> dict[str, Resolved]:
    """Each name with its addresses. Without `ask`, only addresses and those in /etc/hosts are answered."""
    table = {} if ask else hosts_file(tree)  # the resolver knows it
    out: dict[str, Resolved] = {}
    for name in dict.fromkeys(names):
        known = (name,) if _is_address(name) else table.get(name.lower())
        if known:
            out[name] = Resolved(tuple(known)[:MOST])
        elif not ask:
            out[name] = Resolved(None, "the resolver was not asked")
    missing = [n for n in dict.fromkeys(names) if n not in out]
    return out | (_asked(missing) if missing else {})


def hosts_file(tree: Files) -> dict[str, list[str]]:
    """/etc/hosts: lower-case names with their addresses in the order of the file."""
    out: dict[str, list[str]] = {}
    for line in (tree.first_text("/etc/hosts", LARGEST) or "").splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and _is_address(words[0]):
            for name in words[1:]:
                out.setdefault(name.lower(), []).append(words[0])
    return out


def _asked(names: list[str]) -> dict[str, Resolved]:
    """What getaddrinfo says, in threads that are left behind if a name server is silent."""
    out = {name: Resolved(None, f"no answer within {SECONDS:g} seconds") for name in names}

    def ask(name: str) -> None:
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            out[name] = Resolved(tuple(dict.fromkeys(str(entry[4][0]) for entry in found))[:MOST])
        except (OSError, UnicodeError) as error:
            out[name] = Resolved(None, one_line(str(getattr(error, "strerror", None) or error), 100))

    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in names[:64]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    return dict(out)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
