"""The conversation with one server: every question goes through the bounded client, and ends in time."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import field
from typing import Any

from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN, redact_text
from doctor.base.text import one_line
from doctor.probe.options import Options
from doctor.remote.client import Client, Limits, Sent
from doctor.remote.errors import RemoteError

QUICK = 15.0  # seconds for an answer that takes no generation
SMALL, LARGE = 1 << 20, 8 << 20  # bytes
NOT_READY = (502, 503)
_STEP, _MOMENT = 1.0, 0.0005
_SAID = 160


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of an answer, and the seconds after which they came."""

    seconds: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back to a `request` (its name for people): `status` 0 and `trouble` where no answer came whole.

    `at` is the address that gave the answer after redirects. `waited` are the seconds that the server answered
    `at_first` (502, 503) before this.
    """

    request: str
    url: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    trouble: RemoteError | None = None
    began: bool = False
    pieces: tuple[Piece, ...] = ()
    waited: float = 0.0
    at_first: int = 0
    at: str = ""
    posted: bool = False

    @property
    def received(self) -> int:
        """How many bytes of the body came."""
        return sum(len(p.data) for p in self.pieces)

    @property
    def text(self) -> str:
        """The body, as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def type(self) -> str:
        """The content type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON; None for anything else."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Tally:
    """The bytes of an answer as they come. What comes within half a millisecond is one piece: bytes are bounded by
    the client, pieces by the time."""

    def __init__(self) -> None:
        self.began = False
        self._start, self._body = time.monotonic(), bytearray()
        self._marks: list[tuple[float, int]] = []  # seconds, and where the piece begins

    def add(self, block: bytes) -> None:
        """Some bytes have come; none at all: the head of the answer."""
        self.began = True
        now = time.monotonic() - self._start
        if block and (not self._marks or now - self._marks[-1][0] > _MOMENT):
            self._marks.append((now, len(self._body)))
        self._body += block

    def pieces(self) -> tuple[Piece, ...]:
        """What came, in order."""
        ends = [*(at for _, at in self._marks[1:]), len(self._body)]
        return tuple(Piece(s, bytes(self._body[a:b])) for (s, a), b in zip(self._marks, ends, strict=False))


class Talk:
    """One conversation. `model` is asked; `served` are the names that the server lists."""

    def __init__(self, options: Options) -> None:
        self.options, self.address = options, options.address
        self.model, self.server = options.model, ""
        self.served: tuple[str, ...] = ()
        self.figures: dict[str, float] = {}
        self.blocked: str | None = None  # why nothing more can be asked
        self.led: str | None = None  # another address that answers in the server's place
        self.mute: str | None = None  # why no more answers can be generated
        self._ends, self._patience = time.monotonic() + options.timeout, options.wait
        self._quick = self._client(min(QUICK, options.timeout / 4))
        self._slow = self._client(options.timeout / 2)

    def _client(self, seconds: float) -> Client:
        limits = Limits(self.options.timeout, 64 << 20, answer=seconds, quiet=seconds, tries=1, connections=1)
        return Client("the server", limits)

    @property
    def left(self) -> float:
        """Seconds that are left for everything."""
        return self._ends - time.monotonic()

    def get(self, request: str, url: str, limit: int = SMALL, *, patient: bool = True, login: bool = True) -> Reply:
        """The answer to a GET."""
        if not login:
            return self._once(request, url, {}, None, limit)
        return self._patiently(request, url, None, limit, patient)

    def chat(self, request: str, content: Any, **more: Any) -> Reply:
        """The answer to one message of the user: a text, or a list of parts."""
        body = {"model": self.model, "messages": [{"role": "user", "content": content}], "temperature": 0, **more}
        url = f"{self.address.api}/chat/completions"
        return self._patiently(request, url, json.dumps(body).encode(), SMALL, True)

    def said(self, text: str, most: int = _SAID) -> str:
        """A server's words in one line, without the key."""
        key = self.options.key
        return one_line(redact_text(text.replace(key, HIDDEN) if key else text), most)

    def _patiently(self, request: str, url: str, data: bytes | None, limit: int, patient: bool) -> Reply:
        """As `_once`, asked again while the server says that it is not ready; all questions share that patience."""
        headers = {"Authorization": f"Bearer {self.options.key}"} if self.options.key else {}
        headers |= {"Accept": "application/json"} if data is None else {"Content-Type": "application/json"}
        began, at_first = time.monotonic(), 0
        while True:
            reply = self._once(request, url, headers, data, limit)
            if not (patient and reply.status in NOT_READY and self._patience > 0 and self.left > _STEP):
                break
            at_first = at_first or reply.status
            pause = min(_STEP, self._patience)
            time.sleep(pause)
            self._patience -= pause + reply.seconds
        waited = time.monotonic() - began - reply.seconds if at_first else 0.0
        return dataclasses.replace(reply, waited=waited, at_first=at_first)

    def _once(self, request: str, url: str, headers: dict[str, str], data: bytes | None, limit: int) -> Reply:
        tally, start = Tally(), time.monotonic()
        client = self._quick if data is None else self._slow
        try:
            answer = client.ask(url, Sent(headers, data, tally.add), limit)
            reply = Reply(request, url, answer.status, answer.headers, answer.body, at=answer.url)
        except RemoteError as error:
            reply = Reply(request, url, trouble=error)
        spent = time.monotonic() - start
        return dataclasses.replace(
            reply, seconds=spent, began=tally.began, pieces=tally.pieces(), posted=data is not None
        )
