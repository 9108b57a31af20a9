"""Where a redirect may lead, and what goes with it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from doctor.base.text import one_line
from doctor.remote.errors import RemoteError

MOST = 5
STATUSES = (301, 302, 303, 307, 308)
KEEP_METHOD = (307, 308)  # the others turn a POST into a GET
_PORTS = {"http": 80, "https": 443}
_PRIVATE = ("authorization", "cookie", "proxy-authorization")


def followed(url: str, location: str, whose: str) -> str:
    """The address that a redirect from `url` leads to. Raises RemoteError for one that must not be followed."""
    try:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        origin(new)
    except ValueError:
        raise RemoteError("redirect", f"{whose} redirected to an invalid address") from None
    shown = one_line(f"{new.scheme}://{new.hostname or ''}", 200)
    if new.scheme not in _PORTS or not new.hostname:
        raise RemoteError("redirect", f"{whose} redirected to {shown}, which qvl-doctor refuses")
    if old.scheme == "https" and new.scheme == "http":
        raise RemoteError("redirect", f"{whose} redirected from https to {shown}, which qvl-doctor refuses")
    if _inside(new.hostname) and not (_inside(old.hostname or "") or _resolved_inside(old.hostname or "")):
        raise RemoteError("redirect", f"{whose} redirected into a local network ({shown}), which qvl-doctor refuses")
    return target


def same_owner(url: str, target: str) -> bool:
    """Whether what was meant for `url` may go to `target`: one origin, or the same host that asks for TLS now."""
    old, new = urlsplit(url), urlsplit(target)
    if origin(old) == origin(new):
        return True
    return origin(old) == ("http", new.hostname, 80) and origin(new) == ("https", new.hostname, 443)


def without_login(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that any host may see."""
    return {name: value for name, value in headers.items() if name.lower() not in _PRIVATE}


def origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host and port. Raises ValueError for a port that is none."""
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)


def _resolved_inside(host: str) -> bool:
    """Whether a name stands for an address of this network: a mirror of one's own may lead to its neighbor."""
    try:
        return any(_inside(str(found[4][0])) for found in socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return False


def _inside(host: str) -> bool:
    """Whether a host is, by its name or number, this machine or one of its own network."""
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost")
