"""Interfaces and their addresses as the kernel lists them by rtnetlink.

/sys/class/net shows another network than the process's own where a namespace was entered and /sys was not mounted
again, and getifaddrs is not in Python. linux/rtnetlink.h, linux/if_addr.h.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.facts.network import Interface

GET_LINK, GET_ADDRESS, DONE, ERROR = 18, 22, 3, 2
REQUEST_DUMP = 0x1 | 0x300
IFF_UP, IFF_LOOPBACK = 0x1, 0x8
NAME, MTU = 3, 4  # IFLA_IFNAME, IFLA_MTU
ADDRESS, LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL: the latter is the own end of a point-to-point link
FAMILIES = (socket.AF_INET, socket.AF_INET6)
SECONDS, LARGEST, MOST = 1.0, 1 << 22, 512
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")


@dataclass(slots=True)
class _Link:
    name: str
    flags: int
    mtu: int | None
    addresses: list[str]


def interfaces() -> tuple[Interface, ...] | None:
    """In the kernel's order, 512 at most; None where the system has no rtnetlink or does not answer."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    try:
        links = dict(_links(_dump(GET_LINK)))
        for index, address in _addresses(_dump(GET_ADDRESS)):
            if index in links:
                links[index].addresses.append(address)
    except (OSError, struct.error, ValueError):
        return None
    return tuple(
        Interface(x.name, bool(x.flags & IFF_UP), bool(x.flags & IFF_LOOPBACK), x.mtu, tuple(x.addresses[:64]))
        for x in list(links.values())[:MOST]
    )


def _dump(kind: int) -> bytes:
    """The whole answer to one question."""
    request = _HEADER.pack(_HEADER.size + 16, kind, REQUEST_DUMP, 1, 0) + bytes(16)
    out = bytearray()
    with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)) as link:
        link.settimeout(SECONDS)
        link.sendto(request, (0, 0))
        while len(out) < LARGEST:
            part = link.recv(1 << 16)
            out += part
            if not part or any(kind in (DONE, ERROR) for kind, _ in _messages(part)):
                return bytes(out)
    raise ValueError("the answer is too long")


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _attributes(data: bytes) -> dict[int, bytes]:
    out, at = dict[int, bytes](), 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        out.setdefault(kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length])
        at += (length + 3) & ~3
    return out


def _links(data: bytes) -> Iterator[tuple[int, _Link]]:
    for kind, body in _messages(data):
        if kind != 16 or len(body) < 16:  # RTM_NEWLINK
            continue
        index, flags = struct.unpack_from("=iI", body, 4)
        found = _attributes(body[16:])
        name = found.get(NAME, b"").rstrip(b"\0").decode("utf-8", "replace")
        size = found.get(MTU, b"")
        yield index, _Link(one_line(name, 32), flags, struct.unpack("=I", size)[0] if len(size) == 4 else None, [])


def _addresses(data: bytes) -> Iterator[tuple[int, str]]:
    for kind, body in _messages(data):
        if kind != 20 or len(body) < 8 or body[0] not in FAMILIES:  # RTM_NEWADDR
            continue
        found = _attributes(body[8:])
        raw = found.get(LOCAL) or found.get(ADDRESS)
        if raw and len(raw) in (4, 16):
            yield struct.unpack_from("=I", body, 4)[0], f"{ipaddress.ip_address(raw)}/{body[1]}"
