"""Which proxy stands between us and an address. Import it only when it is used: `requests` takes a while."""

from __future__ import annotations


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for this address, without its login; None where it is asked directly."""
    from requests.utils import get_environ_proxies, select_proxy

    from doctor.base.secrets.hide import redact_text

    found = select_proxy(url, get_environ_proxies(url))
    return redact_text(found) if found else None
