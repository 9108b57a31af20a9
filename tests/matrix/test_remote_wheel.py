"""Wheels over a real local HTTP server that takes ranges, or refuses them; and wheels that mean harm."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doctor.matrix.extract.open import open_source
from doctor.remote.errors import IndexUnavailable, WheelError
from doctor.remote.http import session
from doctor.remote.index import best_wheel, parse_page, wheels
from doctor.remote.remote_zip import RemoteSource, remote_wheel
from doctor.remote.source import ZipSource, local_wheel

NAME = "demo-1.0-py3-none-any.whl"


def wheel(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.fixture(scope="module")
def big() -> bytes:
    """A wheel of 8 MB that does not compress, with a few small members spread over it."""
    members: dict[str, bytes] = {}
    for i in range(8):
        members[f"demo/part{i}.py"] = f"PART = {i}\n".encode()
        members[f"demo/blob{i}.bin"] = os.urandom(1 << 20)
    members["demo-1.0.dist-info/METADATA"] = b"Name: demo\nVersion: 1.0\n"
    return wheel(members)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]
    ranges: bool
    requests: list[str]

    def do_GET(self) -> None:
        data = self.files.get(self.path)
        self.requests.append(self.headers.get("Range") or "whole")
        if data is None:
            self.send_error(404)
            return
        wanted = self.headers.get("Range")
        start, stop = 0, len(data)
        if wanted and self.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop = (int(first), min(len(data), int(last) + 1)) if first else (max(0, stop - int(last)), stop)
        part = wanted and self.ranges
        self.send_response(206 if part else 200)
        if part:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        self.wfile.write(data[start:stop])

    def log_message(self, format: str, *args: object) -> None:
        pass


Serve = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = []

    def start(files: dict[str, bytes], ranges: bool = True) -> tuple[str, list[str]]:
        asked: list[str] = []
        handler = type("H", (Handler,), {"files": files, "ranges": ranges, "requests": asked})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_ranges_read_little_of_a_large_wheel(serve: Serve, big: bytes) -> None:
    url, asked = serve({"/w": big})
    with remote_wheel(session(), f"{url}/w", NAME, None) as source:
        members = [f"demo/part{i}.py" for i in range(8)]
        source.prefetch(members)
        assert [source.read(m, 100) for m in members] == [f"PART = {i}\n".encode() for i in range(8)]
        assert isinstance(source, RemoteSource)
        assert source.file.fetched < len(big) * 0.05
    assert len(asked) <= 10
    assert "whole" not in asked


def test_close_members_come_in_one_request(serve: Serve) -> None:
    data = wheel({f"demo/m{i}.py": b"x = 1\n" * 400 for i in range(300)} | {"demo/blob": os.urandom(1 << 20)})
    url, asked = serve({"/w": data})
    with remote_wheel(session(), f"{url}/w", NAME, None) as source:
        members = [m for m in source.names() if m.endswith(".py")]
        source.prefetch(members)
        assert {source.read(m, 1 << 20) for m in members} == {b"x = 1\n" * 400}
    assert len(asked) <= 4


def test_a_server_without_ranges_gives_the_whole_wheel_and_its_hash_is_checked(serve: Serve, big: bytes) -> None:
    url, asked = serve({"/w": big}, ranges=False)
    with remote_wheel(session(), f"{url}/w", NAME, hashlib.sha256(big).hexdigest()) as source:
        assert source.read("demo/part3.py", 100) == b"PART = 3\n"
    with pytest.raises(WheelError, match="sha256"):
        remote_wheel(session(), f"{url}/w", NAME, "0" * 64)
    assert len(asked) == 4, "a range, then all of it, twice"


def test_a_missing_wheel_is_unavailable(serve: Serve) -> None:
    url, _ = serve({})
    with pytest.raises(IndexUnavailable, match="404"):
        remote_wheel(session(), f"{url}/w", NAME, None)


def test_a_small_wheel_and_a_zip64_one(serve: Serve) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("demo/a.py", "w", force_zip64=True) as file:
        file.write(b"A = 1\n")
    url, _ = serve({"/w": out.getvalue()})
    with remote_wheel(session(), f"{url}/w", NAME, None) as source:
        assert source.read("demo/a.py", 100) == b"A = 1\n"


def test_the_index_page_gives_wheels_with_hash_python_and_yanked(serve: Serve) -> None:
    page = b"""<!DOCTYPE html><a href="../../files/demo-1.0-py3-none-any.whl#sha256=%s"
      data-requires-python="&gt;=3.8">x</a> <a href="/f/demo-2.0-py3-none-any.whl" data-yanked="">y</a>
      <a href="/f/demo-2.0.tar.gz">s</a> <a href="/f/other-2.0-py3-none-any.whl">o</a> <a href="/f/bad.whl">b</a>""" % (b"ab" * 32)
    url, _ = serve({"/simple/demo/": page})
    first, second = wheels(session(), f"{url}/simple", "Demo")
    assert (first.version, first.sha256, first.requires_python, first.yanked) == ("1.0", "ab" * 32, ">=3.8", None)
    assert first.url == f"{url}/files/demo-1.0-py3-none-any.whl"
    assert (second.version, second.yanked) == ("2.0", "")


def test_the_wheel_that_stands_for_a_release_is_linux_on_x86() -> None:
    names = ["macosx_11_0_arm64", "win_amd64", "manylinux2014_aarch64", "manylinux2014_x86_64"]
    page = "".join(f'<a href="demo-1.0-cp310-cp310-{n}.whl"></a>' for n in names)
    assert best_wheel(parse_page(page, "http://h/", "demo")).filename.endswith("manylinux2014_x86_64.whl")


def info(name: str, mode: int = 0o644) -> zipfile.ZipInfo:
    out = zipfile.ZipInfo(name)
    out.external_attr = mode << 16
    return out


@pytest.mark.parametrize(
    "member", [info("/etc/passwd"), info("demo/../../x"), info("C:/x.py"), info("demo/link", stat.S_IFLNK | 0o777)]
)
def test_hostile_members_are_refused(tmp_path: Path, member: zipfile.ZipInfo) -> None:
    path = tmp_path / NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, b"x")
    with pytest.raises(WheelError, match="member"):
        local_wheel(path)


def test_a_member_larger_than_the_limit_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(wheel({"demo-1.0.dist-info/METADATA": b"\0" * (64 << 20)}))
    with local_wheel(path) as source, pytest.raises(WheelError, match="more than"):
        source.read("demo-1.0.dist-info/METADATA", 1 << 20)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(wheel({"demo/a.py": b"\0" * (8 << 20)}))
    real, small = (8 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert data.count(real) == 2
    path = tmp_path / NAME
    path.write_bytes(bytes(data).replace(real, small))
    with local_wheel(path) as source, pytest.raises(WheelError):
        source.read("demo/a.py", 1 << 20)
    path.write_bytes(bytes(data).replace(real, (2 << 30).to_bytes(4, "little")))
    with pytest.raises(WheelError, match="claims"):
        local_wheel(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all" * 10, wheel({"a/b.py": b"x"})[:-9]], ids=range(4))
def test_damage_is_one_named_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / NAME
    path.write_bytes(data)
    with pytest.raises(WheelError):
        open_source(path)


def test_a_wheel_with_any_byte_turned_is_refused_or_read() -> None:
    whole = wheel({"demo/a.py": b"A = 1\n" * 50, "demo/b.py": b"B = 1\n"})
    for at in range(len(whole)):
        broken = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        try:
            source = ZipSource(io.BytesIO(broken), NAME, None)
            for member in source.names():
                source.read(member, 1 << 20)
        except WheelError:
            continue


def test_the_name_must_be_a_wheels_and_a_pin_exact(tmp_path: Path) -> None:
    (tmp_path / "demo.whl").write_bytes(wheel({"a.py": b""}))
    with pytest.raises(WheelError):
        open_source(tmp_path / "demo.whl")
    for text in ("demo", "demo>=1", "demo==1.*", "not a requirement !"):
        with pytest.raises(IndexUnavailable, match=r"expected NAME==VERSION|is not a wheel"):
            open_source(text)
