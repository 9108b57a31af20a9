"""The package index's answers: the bounded client with the index's limits, its errors as those of the index."""

from __future__ import annotations

from collections.abc import Mapping

from doctor.remote.client import Answer, Client, Limits
from doctor.remote.errors import IndexUnavailable, RemoteError

CONNECTIONS = 4
# One command may read hundreds of releases; one answer is a page, or a range of at most some megabytes.
LIMITS = Limits(seconds=24 * 3600.0, total=1 << 42, answer=30.0, quiet=15.0, tries=4, connections=CONNECTIONS)


def session(certificates: str | None = None, limits: Limits = LIMITS) -> Client:
    """A client that tries again what passes by itself (429, 5xx, lost connections), four connections at once."""
    return Client("the index", limits, certificates)


def get(http: Client, url: str, limit: int, headers: Mapping[str, str] | None = None, *, cut: bool = False) -> Answer:
    """As `Client.get`. Raises IndexUnavailable, without logins."""
    try:
        return http.get(url, limit, headers, cut=cut)
    except RemoteError as error:
        raise IndexUnavailable(f"{shown(url)}: {error}") from None


def shown(url: str) -> str:
    """An address for people, without logins."""
    from doctor.base.secrets.hide import redact_text
    from doctor.base.text import one_line

    return redact_text(one_line(url, 300))
