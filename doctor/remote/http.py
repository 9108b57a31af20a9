"""The HTTP session for the package index: kept alive, retried, timed, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor import __version__
from doctor.remote.errors import IndexUnavailable

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS, READ_SECONDS = 15, 60
CONNECTIONS = 4


def session(certificates: str | None = None) -> requests.Session:
    """A session that retries what passes by itself (429, 5xx, lost connections), at most four connections at once."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    retry = Retry(total=4, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=("GET",))
    out = requests.Session()
    out.headers["User-Agent"] = f"qvl-doctor/{__version__}"
    for scheme in ("https://", "http://"):
        out.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=CONNECTIONS))
    if certificates:
        out.verify = certificates
    return out


def get(http: requests.Session, url: str, limit: int, headers: dict[str, str] | None = None) -> requests.Response:
    """The answer to GET `url`, its body read and at most `limit` bytes. Raises IndexUnavailable, without logins."""
    import requests

    from doctor.base.secrets.hide import redact_text

    try:
        answer = http.get(url, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True)
        body = bytearray()
        for block in answer.iter_content(1 << 16):
            body += block
            if len(body) > limit:
                raise IndexUnavailable(f"{redact_text(url)} sent more than {limit} bytes")
    except requests.RequestException as error:
        raise IndexUnavailable(f"{redact_text(url)}: {redact_text(str(error))}") from error
    answer._content = bytes(body)
    return answer
