"""Is it up? Asks the server's own health and model routes until they answer, with bounded patience and answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.launch.listening import Server

STEP = 0.25
PATIENCE = 3.0
ANSWER = 1 << 20
ANSWERS = "answers"  # instead of a model id, where none is listed
_NEEDS_KEY = (401, 403)
_HOST = late_pattern(r"[\w.\-]{1,253}|[0-9a-f:.]{2,45}(?:%\w{1,20})?", re.I)


@dataclass(frozen=True, slots=True)
class Target:
    """What to ask: an address with the engine's routes, or one URL as the user gave it."""

    address: str
    routes: tuple[str, ...]
    api_key: str | None = None
    any_answer: bool = False

    @classmethod
    def of_server(cls, server: Server) -> Target:
        """The routes of a recognised server: any answer of a plain one, `/health` and `/v1/models` of an engine."""
        if not server.serves_models:
            return cls(server.address, ("/health", "/"), any_answer=True)
        return cls(server.address, ("/health", "/v1/models"), server.api_key)

    @classmethod
    def of_url(cls, url: str) -> Target:
        """A URL: its path is asked for alone; without one, as for an engine. Raises ValueError."""
        parts = _parts(url)
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if path in ("", "/"):
            return cls(address, ("/health", "/v1/models"), any_answer=True)
        return cls(address, (path,))


def _parts(url: str) -> SplitResult:
    """The parts of an address that can be asked. Raises ValueError with a sentence."""
    wrong = ValueError(f"`{one_line(redact_text(url), 200)}` is not an http:// or https:// address")
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        raise wrong from None
    if not fits or not _HOST.fullmatch(parts.hostname or "") or not url.isprintable() or " " in url:
        raise wrong
    return parts


def _connection(address: str) -> http.client.HTTPConnection:
    """A connection to an address; the certificate of one's own server is as good as any."""
    parts = urlsplit(address)
    host, port = parts.hostname or "127.0.0.1", parts.port
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, port or 80, timeout=PATIENCE)
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port or 443, timeout=PATIENCE, context=context)


def get(address: str, route: str, api_key: str | None = None) -> tuple[int, bytes] | None:
    """Status and body (1 MiB at most) of one GET, or None for no answer within `PATIENCE` seconds in all.

    No proxy is asked and no redirect is followed.
    """
    connection = _connection(address)
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    late: list[bool] = []
    clock = threading.Timer(PATIENCE, _hang_up, (connection, late))
    clock.daemon = True
    try:
        connection.connect()
        clock.start()  # one byte a second would restart every shorter patience
        connection.request("GET", route, headers=headers)
        answer = connection.getresponse()
        body = answer.read(ANSWER)
        return None if late else (answer.status, body)
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return None
    finally:
        clock.cancel()
        connection.close()


def _hang_up(connection: http.client.HTTPConnection, late: list[bool]) -> None:
    late.append(True)
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def ask(target: Target) -> str | None:
    """The model's id (or `answers`) once the server is ready, None before that."""
    seen = [get(target.address, route, target.api_key) for route in target.routes]
    if seen[-1] is None:
        return None
    statuses = [s[0] for s in seen if s is not None]
    if target.any_answer and any(s in (404, 405) for s in statuses) and all(s < 500 for s in statuses):
        return model_of(seen[-1]) or ANSWERS
    if any(s >= 500 for s in statuses) or len(statuses) < len(seen):
        return None
    last = statuses[-1]
    if last in _NEEDS_KEY:
        return "needs its API key"
    return (model_of(seen[-1]) or ANSWERS) if last < 400 else None


def model_of(answer: tuple[int, bytes] | None) -> str | None:
    """The first model's id of a `/v1/models` answer."""
    with contextlib.suppress(ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        found = json.loads(answer[1])["data"][0]["id"] if answer else None
        return one_line(found, 200) if isinstance(found, str) else None
    return None


class Poller(threading.Thread):
    """Waits for `target`; `result` becomes the model's id or `timed_out` True. `alive` says whether to go on.

    `foreign` names a process outside of the run that holds the port, whose answers do not count. `then` looks once
    more when the server answers, and may object.
    """

    def __init__(
        self, target: Target, patience: float, alive: Callable[[], bool], foreign: Callable[[Target], str | None],
        then: Callable[[], str | None],
    ) -> None:  # fmt: skip
        super().__init__(daemon=True, name="ready")
        self._then, self._foreign = then, foreign
        self.stranger: str | None = None
        self.objection: str | None = None
        self.target, self.patience, self.still = target, patience, alive
        self.result: str | None = None
        self.after = 0.0
        self.timed_out = False
        self._began = time.monotonic()

    def run(self) -> None:
        """Asks every quarter of a second; the first answers usually are refused connections, which cost nothing."""
        while self.still() and time.monotonic() - self._began < self.patience:
            found = ask(self.target)
            self.stranger = self._foreign(self.target) if found else None
            if found and not self.stranger:
                self.after = time.monotonic() - self._began
                self.objection = self._then()
                self.result = found
                return
            time.sleep(STEP)
        self.timed_out = self.still()
