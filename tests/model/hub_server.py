"""A server that speaks the hub's routes: what a repository has, its files with their headers, ranges, refusals."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Serves `folder` as the repository `name`. `log` holds (method, file, range, bytes sent).

    `faults` by file, or `*` for all: a status such as 401, `gated`, `slow`, `cut`, `cut once`, `no-range`, `stall`.
    """

    folder: Path
    name: str = "owls/owl"
    token: str | None = None
    faults: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    log: list[tuple[str, str, str | None, int]] = field(default_factory=list)

    def __enter__(self) -> Hub:
        hub = self

        class Handler(_Handler):
            served = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sent(self, file: str) -> int:
        """How many bytes of a file were sent in all."""
        return sum(size for method, name, _, size in self.log if name == file and method == "GET")

    def asked(self, method: str = "GET") -> list[str]:
        """The files that were asked for, in order."""
        return [name for verb, name, _, _ in self.log if verb == method]


def blob_id(path: Path) -> str:
    """What git calls the content; of a large file, here, nothing: the hub lists those otherwise."""
    if path.stat().st_size > 1 << 20:
        return ""
    return hashlib.sha1(b"blob %d\0" % path.stat().st_size + path.read_bytes()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    served: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.served, self.path.partition("?")[0]
        fault = hub.faults.get("*")
        if fault == "stall":
            time.sleep(60)
        if isinstance(fault, int):
            return self._refuse(fault, {401: "RepoNotFound", 404: "RepoNotFound", 403: "GatedRepo"}.get(fault))
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self._refuse(401, "RepoNotFound")
        if path.startswith(f"/api/models/{hub.name}"):
            return self._info(hub)
        start = f"/{hub.name}/resolve/"
        if path.startswith(start):
            return self._file(hub, path[len(start) :].partition("/")[2])
        return self._refuse(404, "RepoNotFound")

    def _refuse(self, status: int, code: str | None) -> None:
        self.served.log.append((self.command, self.path, None, 0))
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "refused")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _info(self, hub: Hub) -> None:
        files = [p for p in sorted(hub.folder.iterdir()) if p.is_file()]
        siblings = [{"rfilename": p.name, "size": hub.sizes.get(p.name, p.stat().st_size), "blobId": blob_id(p)} for p in files]
        body = json.dumps({"_id": "1", "id": hub.name, "modelId": hub.name, "sha": COMMIT, "private": False,
                           "tags": [], "downloads": 0, "likes": 0, "siblings": siblings}).encode()
        hub.log.append((self.command, "api", None, len(body)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, hub: Hub, name: str) -> None:
        path, fault = hub.folder / name, hub.faults.get(name)
        if fault == "gated":
            return self._refuse(403, "GatedRepo")
        if isinstance(fault, int):
            return self._refuse(fault, None)
        if not path.is_file():
            return self._refuse(404, "EntryNotFound")
        size = path.stat().st_size
        asked = self.headers.get("Range") if fault != "no-range" else None
        first, last = 0, size - 1
        if asked:
            low, _, high = asked.removeprefix("bytes=").partition("-")
            first, last = int(low), min(int(high or last), last)
        if first > last and size:
            return self._refuse(416, None)
        self.send_response(206 if asked else 200)
        self.send_header("ETag", f'"{hashlib.sha1(name.encode()).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1 if size else 0))
        self.end_headers()
        sent = 0
        if self.command == "GET":
            sent = self._send(path, first, last - first + 1, fault)
        hub.log.append((self.command, name, asked, sent))
        return None

    def _send(self, path: Path, first: int, length: int, fault: Any) -> int:
        sent = 0
        stop = length // 2 if fault in ("cut", "cut once") else length
        if fault == "cut once":
            self.served.faults.pop(path.name)
        with path.open("rb") as file:
            file.seek(first)
            try:
                while sent < stop and (chunk := file.read(min(8192 if fault != "slow" else 1, stop - sent))):
                    if fault == "slow":
                        time.sleep(0.5)
                    self.wfile.write(chunk)
                    sent += len(chunk)
            except OSError:
                pass
        if stop < length:
            self.close_connection = True
        return sent
