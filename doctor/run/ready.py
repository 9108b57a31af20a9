"""Is it up? Asks the server's own health and model routes until they answer, with bounded patience and answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.launch.listening import Server

STEP = 0.25
PATIENCE = 3.0
ANSWER = 1 << 20
ANSWERS = "answers"  # instead of a model id, where none is listed
_NEEDS_KEY = (401, 403)


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
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"`{one_line(url, 200)}` is not an http:// address")
        _ = parts.port
        address = f"http://{parts.netloc.rpartition('@')[2]}"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if path in ("", "/"):
            return cls(address, ("/health", "/v1/models"), any_answer=True)
        return cls(address, (path,))


def get(address: str, route: str, api_key: str | None = None) -> tuple[int, bytes] | None:
    """Status and body (1 MiB at most) of one GET, or None for no answer. No proxy, no redirect is followed."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        connection.request("GET", route, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


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

    `then` looks once more when the server answers, and may object.
    """

    def __init__(
        self, target: Target, patience: float, alive: Callable[[], bool], then: Callable[[], str | None]
    ) -> None:
        super().__init__(daemon=True, name="ready")
        self._then = then
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
            if found:
                self.after = time.monotonic() - self._began
                self.objection = self._then()
                self.result = found
                return
            time.sleep(STEP)
        self.timed_out = self.still()
