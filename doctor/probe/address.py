"""The addresses of a server's routes, from whichever of them the user knows."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from doctor.base.address import split_address
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.text import has_hidden, one_line

_ROUTE = late_pattern(r"/(?:v1(?:/.*)?|health.*|metrics/?|docs|openapi\.json|chat/completions/?|models/?)$")
_HOST = late_pattern(r"[\w.\-]{1,253}|[0-9a-fA-F:.]{2,45}(?:%\w{1,20})?")
_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Address:
    """`root` is where `/health` and `/metrics` hang, `/v1` the API; both without a slash at their end."""

    root: str

    @classmethod
    def of(cls, text: str) -> Address:
        """From an address with or without `/v1` or one of the routes. Raises ValueError with a sentence."""
        shown = one_line(redact_text(text), 200)
        parts = split_address(text)
        fits = parts is not None and _HOST.fullmatch(parts.hostname or "") and " " not in text and not has_hidden(text)
        if parts is None or not fits:
            hint = f"; did you mean `http://{shown}`?" if re.fullmatch(r"[\w.\-]{1,253}:\d{1,5}(?:/\S*)?", text) else ""
            raise ValueError(f"`{shown}` is not an http:// or https:// address{hint}")
        path = _ROUTE.sub("", parts.path.rstrip("/"))
        return cls(f"{parts.scheme}://{parts.netloc}{path}")

    @property
    def api(self) -> str:
        """Where the OpenAI-compatible API is."""
        return f"{self.root}/v1"

    @property
    def shown(self) -> str:
        """The root for people, without a login."""
        return redact_text(self.root)

    @property
    def host(self) -> str:
        """The host's name or number."""
        return urlsplit(self.root).hostname or ""

    @property
    def local_port(self) -> int | None:
        """The port, where the host is this machine by its name or number."""
        parts = urlsplit(self.root)
        return (parts.port or (443 if parts.scheme == "https" else 80)) if self.host in _LOCAL else None

    @property
    def other_scheme(self) -> str:
        """The same with https for http, or the reverse; without a login, which was meant for the first alone."""
        parts = urlsplit(self.root)
        other = "http" if parts.scheme == "https" else "https"
        return f"{other}://{parts.netloc.rpartition('@')[2]}{parts.path}"
