"""Where processes of this machine take TCP connections, as /proc/net writes it."""

from __future__ import annotations

import ipaddress
import struct

from doctor.base.files import Files

LARGEST = 4 << 20
MOST = 4096
LISTENING = "0A"


def listening(tree: Files) -> tuple[str, ...]:
    """The addresses, IPv6 ones in brackets: `0.0.0.0:8000`, `[::1]:22`. Nothing for another file system."""
    if not tree.own:
        return ()
    found: set[str] = set()
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (tree.first_text(path, LARGEST) or "").splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == LISTENING and (address := _address(words[1])):
                found.add(address)
    return tuple(sorted(found)[:MOST])


def _address(word: str) -> str | None:
    """`0100007F:1F40` as `127.0.0.1:8000`: words of 32 bits in the order of the machine; None for anything else."""
    host, _, port = word.partition(":")
    try:
        parts = [int(host[at : at + 8], 16) for at in range(0, len(host), 8)]
        raw = struct.pack(f"={len(parts)}I", *parts)
        name = str(ipaddress.ip_address(raw))
        return f"{name}:{int(port, 16)}" if len(raw) == 4 else f"[{name}]:{int(port, 16)}"
    except (ValueError, struct.error):
        return None
