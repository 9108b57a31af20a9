"""The bounded client beside an honest server: connections are used again, whatever lies between."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from doctor.remote.client import Client, Limits
from doctor.remote.errors import RemoteError
from doctor.remote.redirects import followed, same_owner, without_login

LIMITS = Limits(seconds=30, total=1 << 20, answer=20)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: list[object]

    def setup(self) -> None:
        self.connections.append(self.client_address)
        super().setup()

    def do_GET(self) -> None:
        moved = self.path.startswith("/moved")
        body = b"Moved elsewhere" if moved else b"x" * 1000
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "/there")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[object]]]:
    connections: list[object] = []
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"connections": connections}))
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}", connections
    made.shutdown()
    made.server_close()


def test_one_connection_is_used_again(server: tuple[str, list[object]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url, connections = server
    client = Client("the index", LIMITS)
    for _ in range(5):
        answer = client.get(f"{url}/moved", 2000)
        assert (answer.status, len(answer.body), answer.url) == (200, 1000, f"{url}/there")
    assert len(connections) == 1


def test_the_whole_call_has_its_bytes(server: tuple[str, list[object]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = Client("the index", Limits(seconds=30, total=2500, answer=20))
    assert len(client.get(server[0], 2000).body) == len(client.get(server[0], 2000).body) == 1000
    with pytest.raises(RemoteError, match="more than 2500 bytes in all"):
        client.get(server[0], 2000)


@pytest.mark.parametrize(
    "url", ["", "nothing", "http://", "http://[::1", "file:///etc/passwd", "http://a b/", "http://h:99999/"]
)
def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(RemoteError) as error:
        Client("the index", LIMITS).get(url, 10)
    assert str(error.value).startswith("the index ") and "/etc" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "location", "fine", "keeps"),
    [
        ("https://hub.example/a", "/b", True, True),
        ("https://hub.example/a", "https://hub.example:443/b", True, True),
        ("http://hub.example/a", "https://hub.example/b", True, True),
        ("https://hub.example/a", "https://cdn.example/b", True, False),
        ("https://hub.example/a", "https://hub.example:8443/b", True, False),
        ("https://hub.example/a", "https://hub.example.evil.example/b", True, False),
        ("https://hub.example/a", "//cdn.example/b", True, False),
        ("https://hub.example/a", "http://hub.example/b", False, False),
        ("https://192.0.43.8/a", "https://127.0.0.1/b", False, False),
        ("https://192.0.43.8/a", "https://169.254.169.254/latest", False, False),
        ("https://192.0.43.8/a", "https://[::1]/b", False, False),
        ("https://192.0.43.8/a", "https://localhost/b", False, False),
        ("http://127.0.0.1:8000/a", "http://10.0.0.1/b", True, False),
        ("https://hub.example/a", "file:///etc/passwd", False, False),
        ("https://hub.example/a", "https://h:x/", False, False),
    ],
)
def test_where_a_redirect_may_lead(url: str, location: str, fine: bool, keeps: bool) -> None:
    if not fine:
        with pytest.raises(RemoteError, match="redirected"):
            followed(url, location, "the hub")
        return
    assert same_owner(url, followed(url, location, "the hub")) == keeps


def test_no_login_is_left() -> None:
    headers = {"authorization": "Bearer x", "Cookie": "a=b", "Range": "bytes=0-1"}
    assert without_login(headers) == {"Range": "bytes=0-1"}
