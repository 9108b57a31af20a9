"""The one client for what other machines send. Reads end in seconds, bytes and redirects, and so does the call.

Servers are not trusted: nothing that they name becomes a path, nothing is unpacked without a limit, and no login goes
to a host that it was not meant for. Proxies, `NO_PROXY` and `REQUESTS_CA_BUNDLE` are honored as `requests` does.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from doctor import __version__
from doctor.base.record import dataclass
from doctor.remote import redirects
from doctor.remote.bodies import pieces
from doctor.remote.deadline import Allowance, Watch, within
from doctor.remote.errors import RemoteError
from doctor.remote.meaning import meaning

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS, LEAST_WAIT, MOST_WAIT = 10.0, 0.3, 3.0
_PASSING = (429, 500, 502, 503, 504)  # what may be gone at the next try


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` of waiting and `total` bytes in all; for each answer `answer` seconds, and `quiet` without a byte.

    `tries`: how often a read is tried where the trouble may pass by itself. `connections` are kept open at once.
    """

    seconds: float
    total: int
    answer: float
    quiet: float = 10.0
    tries: int = 2
    connections: int = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes with a request: headers, and for a POST, or a PUT if `put` is set, its `data`.

    `seen` gets an empty piece once the head of an answer has come, then each piece of its body as it comes, and asks
    for the bodies of errors, too.
    """

    headers: dict[str, str]
    data: bytes | None = None
    seen: Callable[[bytes], None] | None = None
    put: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """`status`, headers by their names in small letters, the `body` (empty unless the status is 200 or 206, or the
    bodies of errors were asked for), and the `url` that gave it after redirects."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


class Client:
    """`whose` answers these are is said in errors: `the hub`. All methods raise RemoteError."""

    def __init__(self, whose: str, limits: Limits, certificates: str | None = None) -> None:
        self.whose, self.limits = whose, limits
        self.allowance = Allowance(limits.seconds)
        self._left = limits.total
        self._certificates = certificates
        self._files = 0
        self._lock = threading.Lock()
        self._session: requests.Session | None = None

    def get(self, url: str, limit: int, headers: Mapping[str, str] | None = None, *, cut: bool = False) -> Answer:
        """The answer to GET `url`; one of more than `limit` bytes is an error, or with `cut` its beginning is given."""
        with self.allowance as allowed:
            seconds, sent = min(self.limits.answer, allowed.left()), Sent(dict(headers or {}))
            return within(seconds + 1, lambda: self._tried(url, limit, sent, cut, seconds), self.whose)

    def ask(self, url: str, sent: Sent, limit: int) -> Answer:
        """The answer to GET or POST `url`, whatever its status; one of more than `limit` bytes is an error.

        A POST is not repeated, and follows only redirects that keep it a POST (307, 308).
        """
        with self.allowance as allowed:
            seconds = min(self.limits.answer, allowed.left())

            def once() -> Answer:
                with Watch(seconds) as watch:
                    return self._once(url, limit, sent, False, watch)

            return within(seconds + 1, once, self.whose)

    def blocks(self, url: str, limit: int) -> Iterator[bytes]:
        """The body of a large file piece by piece; each MiB has the time of one answer. Only for status 200."""
        sent = Sent({})
        with (
            self.allowance as allowed, Watch(allowed.left()) as watch,
            closing(self._open(url, sent, watch)[0]) as answer,
        ):  # fmt: skip
            if answer.status_code != 200:
                raise RemoteError("answer", f"{self.whose} returned status {answer.status_code}")
            since, got = time.monotonic(), 0
            for block in self._body(answer, limit, False, watch):
                got += len(block)
                if time.monotonic() - since > self.limits.answer:
                    if got < 1 << 20:
                        raise RemoteError("timeout", f"{self.whose} sends too slowly")
                    since, got = time.monotonic(), 0
                yield block

    def next_file(self) -> None:
        """Begins another file: all but the first, which shares its time with the question for it, get it all again."""
        if self._files:
            self.allowance.restart()
        self._files += 1

    def _tried(self, url: str, limit: int, sent: Sent, cut: bool, seconds: float) -> Answer:
        """As `get`, tried again where the trouble may pass and there is time for it."""
        with Watch(seconds) as watch:
            for left in reversed(range(self.limits.tries)):
                wait = LEAST_WAIT
                try:
                    answer = self._once(url, limit, sent, cut, watch)
                    if answer.status not in _PASSING or not left:
                        return answer
                    wait = max(wait, _wait(answer.headers.get("retry-after", "")))
                    if wait > MOST_WAIT:
                        return answer
                except RemoteError as error:
                    if error.kind != "connection" or not left:
                        raise
                time.sleep(max(0.0, min(wait, watch.ends - time.monotonic())))
        raise RemoteError("timeout", f"{self.whose} did not answer in time")

    def _once(self, url: str, limit: int, sent: Sent, cut: bool, watch: Watch) -> Answer:
        answer, at = self._open(url, sent, watch)
        with closing(answer):
            wanted = sent.seen is not None or answer.status_code in (200, 206)
            body = b"".join(self._body(answer, limit, cut, watch, sent.seen)) if wanted else b""
            return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body, at)

    def _open(self, url: str, sent: Sent, watch: Watch) -> tuple[requests.Response, str]:
        """The answer, its body not yet read, and the address that gave it after redirects."""
        try:
            login: Any = _login(url)
        except ValueError as error:
            raise meaning(error, self.whose, False) from None
        headers = {**sent.headers, "Accept-Encoding": "identity"}
        for _ in range(redirects.MOST + 1):
            answer = self._send(url, replace(sent, headers=headers), login, watch)
            if answer.status_code not in redirects.STATUSES or "Location" not in answer.headers:
                return answer, url
            self._passed_over(answer, watch)
            target = redirects.followed(url, answer.headers["Location"], self.whose)
            if sent.data is not None and answer.status_code not in redirects.KEEP_METHOD:
                raise RemoteError("redirect", f"{self.whose} answered a POST with a redirect ({answer.status_code})")
            if not redirects.same_owner(url, target):
                headers, login = redirects.without_login(headers), _login(target) or _nobody
            url = target
        raise RemoteError("redirect", f"{self.whose} redirected more than {redirects.MOST} times")

    def _send(self, url: str, sent: Sent, login: Any, watch: Watch) -> requests.Response:
        if any(name.lower() == "authorization" for name in sent.headers):
            login = _nobody  # else a login of ~/.netrc takes the place of the token
        try:
            import requests

            http = self._http()
            method = "GET" if sent.data is None else "PUT" if sent.put else "POST"
            request = http.prepare_request(requests.Request(method, url, sent.headers, data=sent.data, auth=login))
            settings: Any = http.merge_environment_settings(request.url or url, {}, True, None, None)
            # not by the session, which reads the whole body of a redirect
            patience = (CONNECT_SECONDS, self.limits.quiet)
            return http.get_adapter(url).send(request, timeout=patience, **settings)
        except Exception as error:
            raise meaning(error, self.whose, watch.over) from None

    def _body(
        self, answer: requests.Response, limit: int, cut: bool, watch: Watch,
        seen: Callable[[bytes], None] | None = None,
    ) -> Iterator[bytes]:  # fmt: skip
        try:
            if seen is not None:
                seen(b"")
            for block in pieces(answer, limit, cut, self.whose, prompt=seen is not None):
                if seen is not None:
                    seen(block)
                with self._lock:
                    self._left -= len(block)
                if self._left < 0:
                    raise RemoteError("size", f"{self.whose} sent more than {self.limits.total} bytes in all")
                yield block
            if watch.over:
                raise RemoteError("timeout", f"{self.whose} did not answer in time")
        except Exception as error:
            raise meaning(error, self.whose, watch.over) from None

    def _passed_over(self, answer: requests.Response, watch: Watch) -> None:
        """Leaves an answer of which nothing is wanted; a short one is read, so that its connection is used again."""
        claimed = answer.headers.get("Content-Length", "")
        if len(claimed) <= 5 and claimed.isascii() and claimed.isdecimal():
            with suppress(RemoteError):
                for _ in self._body(answer, int(claimed), True, watch):
                    pass
        answer.close()

    def _http(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                self._session = _session(self._certificates, self.limits.connections)
            return self._session


def _session(certificates: str | None, connections: int) -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests

    from doctor.remote.sockets import Adapter

    out = requests.Session()
    out.headers["User-Agent"] = f"qvl-doctor/{__version__}"
    out.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # nobody's cookies
    for scheme in ("https://", "http://"):
        out.mount(scheme, Adapter(pool_maxsize=connections))
    named = certificates or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    if named:
        out.verify = named
    return out


def _login(url: str) -> tuple[str, str] | None:
    """What stands before the host, as `https://user:password@host/` has it."""
    parts = urlsplit(url)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _nobody(request: Any) -> Any:
    """No login, not even that of ~/.netrc."""
    return request


def _wait(text: str) -> float:
    """The seconds that a `Retry-After` names; more than anybody waits for a date or anything else."""
    text = text.strip()
    return 0.0 if not text else float(text[:9]) if text.isdecimal() and text.isascii() else MOST_WAIT + 1
