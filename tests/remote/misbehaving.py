"""A hub that means harm: raw sockets, one way to misbehave at a time.

Each act is told the connection and what was asked, and writes whatever it likes. `ACTS` by name; an act for files lets
the listing be honest. Used by the tests with short deadlines, and by `benchmarks/hostile_hub.py` with the real ones.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "owls/owl"
Act = Callable[["Server", socket.socket, str], None]
CONFIG = json.dumps({"architectures": ["OwlModel"], "model_type": "owl_vl", "auto_map": {"AutoConfig": "m.C"}}).encode()
FILES = {"config.json": CONFIG, "m.py": b"class C:\n    pass\n", "w.safetensors": b"\2\0\0\0\0\0\0\0{}"}


@dataclass
class Server:
    """`act` answers what it is meant for, the honest hub the rest. `asked` are the heads of all requests."""

    act: Act | None = None
    files_only: bool = False
    certificate: Path | None = None
    asked: list[str] = field(default_factory=list)
    other: str = ""

    def __enter__(self) -> Server:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken: socket.socket) -> None:
        with contextlib.suppress(OSError), taken:
            taken.settimeout(30)
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                taken = context.wrap_socket(taken, server_side=True)
            head = self._head(taken)
            self.asked.append(head)
            if self.act is None or (self.files_only and "/resolve/" not in head):
                honest(self, taken, head)
            else:
                self.act(self, taken, head)

    @staticmethod
    def _head(taken: socket.socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data and len(data) < 1 << 16 and (piece := taken.recv(4096)):
            data += piece
        return data.decode("latin-1")


def listing(**changed: object) -> bytes:
    """An honest list of FILES, with other values where they are given."""
    files = [{"rfilename": n, "size": len(d), "blobId": git(d)} for n, d in FILES.items()]
    return json.dumps({"sha": COMMIT, "siblings": files, **changed}).encode()


def git(data: bytes) -> str:
    """The id of a git blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def send(taken: socket.socket, body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> None:
    """One answer; the connection is closed behind it."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    taken.sendall("\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body)


def honest(server: Server, taken: socket.socket, head: str) -> None:
    """The list, or a file."""
    path = head.split(" ")[1].partition("?")[0]
    if path == f"/api/models/{REPOSITORY}":
        return send(taken, listing())
    data = FILES.get(path.rpartition("/")[2])
    return send(taken, data or b"", status="200 OK" if data is not None else "404 Not Found")


def endless(taken: socket.socket, start: bytes, piece: bytes, pause: float = 0.0) -> None:
    """Sends until nobody listens any more."""
    taken.sendall(start)
    while True:
        taken.sendall(piece)
        if pause:
            time.sleep(pause)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def _streams(start: bytes, piece: bytes, pause: float = 0.0) -> Act:
    return lambda server, taken, head: endless(taken, start, piece, pause)


def _sends(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Act:
    return lambda server, taken, head: send(taken, body, *headers, status=status, length=length)


def _redirects(to: str, status: str = "302 Found") -> Act:
    def act(server: Server, taken: socket.socket, head: str) -> None:
        where = to.format(self=server.address, other=server.other, path=head.split(" ")[1])
        send(taken, b"", f"Location: {where}", status=status)

    return act


def _redirects_endlessly(server: Server, taken: socket.socket, head: str) -> None:
    endless(taken, f"HTTP/1.1 302 Found\r\nLocation: {server.address}/x\r\n\r\n".encode(), b"x" * 65536)


def _silent(server: Server, taken: socket.socket, head: str) -> None:
    time.sleep(25)


def _bomb(server: Server, taken: socket.socket, head: str) -> None:
    send(taken, gzip.compress(b"\0" * (64 << 20), 1), "Content-Encoding: gzip")


def _huge_json(server: Server, taken: socket.socket, head: str) -> None:
    endless(taken, OK + b"Content-Length: 524288000\r\n\r\n" + b'{"sha": "', b"a" * 65536)


def _changed(server: Server, taken: socket.socket, head: str) -> None:
    data = FILES[head.split(" ")[1].rpartition("/")[2]]
    send(taken, bytes([data[0] ^ 1]) + data[1:])


def _other_range(server: Server, taken: socket.socket, head: str) -> None:
    if "w.safetensors" not in head:
        return honest(server, taken, head)
    return send(taken, b"x" * 10, "Content-Range: bytes 5-14/100", status="206 Partial Content")


def _names(*names: str) -> Act:
    siblings = [{"rfilename": n, "size": 3, "blobId": git(b"bad")} for n in names]
    honest_ones = json.loads(listing())["siblings"]

    def act(server: Server, taken: socket.socket, head: str) -> None:
        if "/api/" in head:
            return send(taken, listing(siblings=honest_ones + siblings))
        return honest(server, taken, head) if any(f"/{n} " in head for n in FILES) else send(taken, b"bad")

    return act


DEEP = b'{"sha": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
TWICE = b'{"sha": "' + COMMIT.encode() + b'", "siblings": [], "sha": "' + b"f" * 40 + b'", "siblings": []}'
MANY = listing(siblings=[{"rfilename": f"f{n}.json", "size": 1} for n in range(25_000)])
DENSE = b'{"sha": [' + b"[]," * 2_600_000 + b"[]]}"
# name -> the act, and what its sentence holds; empty: the hub's harm is without effect, and the model is read
ACTS: dict[str, tuple[Act, str]] = {
    "one byte a second": (_streams(OK + b"\r\n", b"x", 0.3), "in time|within"),
    "headers one byte a second": (_streams(OK + b"X: ", b"x", 0.3), "in time|within"),
    "status one byte a second": (_streams(b"HTTP/1.1 ", b"2", 0.3), "in time|within"),
    "never answers": (_silent, "in time|within"),
    "endless body": (_streams(OK + b"\r\n", b" " * 65536), "more than"),
    "endless headers": (_streams(OK, b"X-A: " + b"b" * 60_000 + b"\r\n"), "dropped|in time"),
    "endless header line": (_streams(OK + b"X-A: ", b"b" * 65536), "dropped|in time"),
    "endless hints": (_streams(b"", b"HTTP/1.1 100 Continue\r\nLink: x\r\n\r\n"), "in time|within"),
    "an early hint alone": (_sends(b"", status="103 Early Hints"), "status 103"),
    "endless chunks": (_streams(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"), "more than"),
    "endless chunk line": (_streams(CHUNKED, b"1" * 65536), "dropped|unpacked|not valid"),
    "chunks that are none": (_sends(b"", "Transfer-Encoding: chunked", length=0), "dropped|unpacked|not valid"),
    "endless trailers": (_streams(CHUNKED + b"0\r\n", b"T: x\r\n"), "in time|within"),
    "endless redirects": (_redirects("{self}/x"), "redirected more than"),
    "redirect with an endless body": (_redirects_endlessly, "redirected more than"),
    "redirect to a file": (_redirects("file:///etc/passwd"), "redirected to file"),
    "redirect to nowhere": (_redirects("http://[::1"), "redirected"),
    "redirect to another scheme": (_redirects("gopher://127.0.0.1/x"), "redirected to gopher"),
    "gzip bomb": (_bomb, "more than"),
    "zstd": (_sends(b"\x28\xb5\x2f\xfd" * 100, "Content-Encoding: zstd"), "compressed as zstd"),
    "damaged gzip": (_sends(b"\x1f\x8b" + b"x" * 100, "Content-Encoding: gzip"), "unpacked"),
    "cut body": (_sends(listing()[:50], length=5000), "dropped"),
    "wait a day": (_sends(b"", "Retry-After: 86400", status="429 Too Many Requests"), "limits requests"),
    "unauthorized": (_sends(b"", status="401 Unauthorized"), "HF_TOKEN"),
    "forbidden": (_sends(b"", status="403 Forbidden"), "denies"),
    "gated": (_sends(b"", "X-Error-Code: GatedRepo", status="403 Forbidden"), "gated"),
    "broken": (_sends(b"", status="500 No"), "error \\(status 500\\)"),
    "html": (_sends(b"<!DOCTYPE html><html></html>", "Content-Type: text/html"), "not valid JSON"),
    "not http": (_sends(b"", status="\r\nSSH-2.0-x"), "dropped|error"),
    "json of 500 MB": (_huge_json, "more than"),
    "deep json": (_sends(DEEP), "nested too deeply"),
    "dense json": (_sends(DENSE), "too many parts"),
    "keys twice": (_sends(TWICE), "twice"),
    "many files": (_sends(MANY), "more than 20000 files"),
    "no commit": (_sends(listing(sha="../../etc")), "does not say"),
    "types that are none": (_sends(listing(siblings=[5, {"rfilename": 5}, {"rfilename": "config.json", "size": "x"}])), ""),
    "names that lead out": (
        _names("../up.py", "/tmp/abs.py", "a/../../b.py", "x\0y.py", "C:/c.py", "b\\c.py", "..", "", "a//b.py", "\u202egnp.py"),
        "",
    ),
}  # fmt: skip
# the same, where only files are answered so
FILE_ACTS: dict[str, tuple[Act, str]] = {
    "another content": (_changed, "content differs"),
    "another length": (_sends(b"x" * 1000), "more than the"),
    "drips": (_streams(OK + b"\r\n", b"x", 0.3), "in time|within"),
    "another range": (_other_range, ""),
    "html for a file": (_sends(b"<html>"), "lists"),
    "token asked elsewhere": (_redirects("{other}{path}"), ""),
    "no such file": (_sends(b"", status="404 Not Found"), "does not have a file"),
}


def traps(folder: Path) -> dict[str, Act]:
    """Acts whose ETag is a path in `folder`: written there by whoever trusts names that a server gave."""

    def named(etag: str) -> Act:
        def act(server: Server, taken: socket.socket, head: str) -> None:
            data = FILES.get(head.split(" ")[1].rpartition("/")[2], b"")
            send(taken, data, f'ETag: "{etag}"', f'X-Linked-Etag: "{etag}"', f"X-Repo-Commit: {etag}", f"X-Linked-Size: {len(data)}",
                 f'Content-Disposition: attachment; filename="{etag}"')  # fmt: skip

        return act

    return {"absolute": named(f"{folder}/evil.pth"), "relative": named("../../../../evil.pth")}


def certificate(folder: Path) -> Path | None:
    """A key and a certificate that nobody signed; None where there is no `openssl`."""
    program = shutil.which("openssl")
    if program is None:
        return None
    key, out = folder / "key.pem", folder / "both.pem"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(out), "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    out.write_bytes(key.read_bytes() + out.read_bytes())
    return out


def every() -> Iterator[tuple[str, Act, str, bool]]:
    """Name, act, what is said, and whether the list is honest."""
    yield from ((name, act, said, False) for name, (act, said) in ACTS.items())
    yield from ((name, act, said, True) for name, (act, said) in FILE_ACTS.items())
