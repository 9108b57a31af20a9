"""A model server of the tests: honest, but for what a test replaces. `acts` are functions of the handler, by what is asked:
health, models, text, image, schema, stream, metrics, or `all`."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from doctor.probe.picture import COLORS, NAMES, data_url

PICTURES = {data_url(color, shape): f"A {color} {shape}." for color in COLORS for shape in NAMES}
Act = Callable[["Handler"], None]


@dataclass
class Stub:
    """`key` is wanted of everybody where it is set. `asked` holds what came: kind, headers, body."""

    acts: dict[str, Act] = field(default_factory=dict)
    key: str | None = None
    model: str = "owl-vl"
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    tokens: int = 0
    address: str = ""

    def count(self, kind: str) -> int:
        """How often this was asked."""
        return sum(k == kind for k, _, _ in self.asked)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    stub: Stub
    body: Any = None

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """A route, or 404."""
        kinds = {"/health": "health", "/v1/models": "models", "/metrics": "metrics"}
        self._serve(kinds.get(self.path, "other"))

    def do_POST(self) -> None:
        """A chat."""
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            return self._serve("other")
        content = self.body["messages"][0]["content"]
        kind = "stream" if self.body.get("stream") else "schema" if "response_format" in self.body else "text"
        return self._serve("image" if isinstance(content, list) else kind)

    def _serve(self, kind: str) -> None:
        stub = self.stub
        stub.asked.append((kind, dict(self.headers.items()), self.body))
        with contextlib.suppress(OSError):
            if stub.key and kind != "health" and self.headers.get("Authorization") != f"Bearer {stub.key}":
                return self.json({"error": "Unauthorized"}, 401)
            (stub.acts.get(kind) or stub.acts.get("all") or HONEST[kind])(self)
        return None

    def send(self, data: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def json(self, value: Any, status: int = 200) -> None:
        """A whole answer in JSON."""
        self.send(json.dumps(value).encode(), status)

    def says(self, text: str | None, finish: str = "stop", **message: Any) -> None:
        """A chat answer."""
        self.stub.tokens += 3
        choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
        self.json({"object": "chat.completion", "model": self.stub.model, "choices": [choice], "usage": usage})

    def event(self, value: Any) -> None:
        """One event of a stream, in a chunk of its own."""
        data = b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def start_stream(self) -> None:
        """The head of a stream."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def piece(self, text: str, finish: str | None = None) -> None:
        """One event with some text."""
        self.event({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})

    def hang_up(self) -> None:
        """Ends the connection, whatever was promised."""
        self.wfile.flush()
        self.close_connection = True


def _models(handler: Handler) -> None:
    row = {"id": handler.stub.model, "object": "model", "owned_by": "vllm", "max_model_len": 8192}
    handler.json({"object": "list", "data": [row]})


def _image(handler: Handler) -> None:
    handler.says(PICTURES[handler.body["messages"][0]["content"][0]["image_url"]["url"]])


def _stream(handler: Handler) -> None:
    handler.start_stream()
    for word in ("one", " two", " three", " four"):
        handler.piece(word)
    handler.piece("", "stop")
    handler.event({"choices": [], "usage": {"completion_tokens": 4}})
    handler.event(b"[DONE]")
    handler.wfile.write(b"0\r\n\r\n")
    handler.stub.tokens += 4


def _metrics(handler: Handler) -> None:
    text = f"# TYPE vllm:generation_tokens_total counter\nvllm:generation_tokens_total{{model_name=\"x\"}} {handler.stub.tokens}\n"
    text += 'vllm:kv_cache_usage_perc{engine="0"} 0.25\nvllm:cache_config_info{num_gpu_blocks="1200",engine="0"} 1.0\n'
    handler.send(text.encode(), kind="text/plain; version=0.0.4")


HONEST: dict[str, Act] = {
    "health": lambda h: h.send(b"", kind="text/plain"), "models": _models, "text": lambda h: h.says("5"),
    "image": _image, "schema": lambda h: h.says('{"hue": "green", "pieces": 3}'), "stream": _stream,
    "metrics": _metrics, "other": lambda h: h.json({"detail": "Not Found"}, 404),
}  # fmt: skip


@contextlib.contextmanager
def served(stub: Stub, certificate: Path | None = None) -> Iterator[Stub]:
    """The server while it runs; its address is in the stub."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Clients hang up here on purpose."""

    server = Server(("127.0.0.1", 0), type("Own", (Handler,), {"stub": stub}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    stub.address = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
