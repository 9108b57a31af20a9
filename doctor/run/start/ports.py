"""Is the port that the server wants taken, and by whom?"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import socket
from collections.abc import Iterable, Iterator

from doctor.base.text import one_line
from doctor.run.watch.sysroot import read_file


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
    inodes = _listening(port)
    for path in glob.iglob("/proc/[0-9]*/fd/*") if inodes else ():  # noqa: PTH207 - a Path each costs too much
        with contextlib.suppress(OSError):
            if os.readlink(path) in inodes:  # noqa: PTH115
                pid = path.split("/")[2]
                return f"process {pid} ({one_line(read_file(f'/proc/{pid}/comm', 64) or '?')})"
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
    inodes = _listening(port)
    if not inodes:
        return None
    try:
        for pid in pids:
            for name in _descriptors(pid):
                if name in inodes:
                    return None
    except PermissionError:
        return None
    return _holder(port) or "another process"


def _descriptors(pid: int) -> Iterator[str]:
    """What the descriptors of a process lead to; nothing for one that is gone. Raises PermissionError."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208
    except (FileNotFoundError, ProcessLookupError):
        return
    for name in names:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield os.readlink(f"/proc/{pid}/fd/{name}")  # noqa: PTH115


def _listening(port: int) -> set[str]:
    """The sockets that listen on a port, as their descriptors are called."""
    wanted = f":{port:04X}"
    lines = [x.split() for n in ("tcp", "tcp6") for x in (read_file(f"/proc/net/{n}") or "").splitlines()[1:]]
    return {f"socket:[{f[9]}]" for f in lines if len(f) > 9 and f[1].endswith(wanted) and f[3] == "0A"}
