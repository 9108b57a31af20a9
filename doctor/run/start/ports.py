"""Is the port that the server wants taken, and by whom?"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable

from doctor.base.text import one_line
from doctor.collect.machine.descriptors import holds, listening_at
from doctor.run.watch.proc import title_of


def port_holder(host: str, port: int) -> str | None:
    """Who holds the port that the server wants, in words, or None when it is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]").replace("localhost", "127.0.0.1").replace("*", ""), port))
            return None
    except PermissionError:
        return None  # a low port: the server may have rights that this probe has not
    except OSError as e:
        if e.errno != errno.EADDRINUSE:
            return None  # an address of another machine, a name: the server will say it better
    return _holder(port) or "another process"


def _holder(port: int) -> str | None:
    """The process that listens on `port`, where this user may see it."""
    wanted = listening_at(port)
    for name in os.listdir("/proc") if wanted else ():  # noqa: PTH208 - a Path each costs too much
        with contextlib.suppress(OSError):
            if name.isdigit() and holds(int(name), wanted):
                return f"process {name} ({one_line(title_of(int(name)) or '?')})"
    return None


def is_this_machine(host: str) -> bool:
    """Whether a name or an address is one of this machine's: a socket may be bound to it."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(_binds(family, (address[0], 0, *address[2:])) for family, _, _, _, address in found)


def _binds(family: int, address: tuple[object, ...]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
            return True
    except OSError:
        return False


def stranger(port: int, pids: Iterable[int]) -> str | None:
    """Who listens on a port of this machine that none of these processes holds, in words.

    None where one of them does, and where it cannot be told: nobody listens here, or one of them is another user's.
    """
    wanted = listening_at(port)
    if not wanted:
        return None
    try:
        if any(holds(pid, wanted) for pid in pids):
            return None
    except PermissionError:
        return None
    return _holder(port) or "another process"
