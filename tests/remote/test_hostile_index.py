"""An index and a file server that mean harm: one named error, in a short time, in little memory."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import socket
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import doctor.remote.sockets  # noqa: F401  (else the first test pays for the import)
from doctor.remote.client import Client
from doctor.remote.errors import IndexUnavailable, WheelError
from doctor.remote.http import LIMITS, session
from doctor.remote.index import LONGEST_TAG, parse_page, wheels
from doctor.remote.remote_zip import remote_wheel
from doctor.remote.source import LARGEST_DIRECTORY, ZipSource
from tests.remote.misbehaving import ACTS, Act, Server, send

SECONDS = 1.5
NAME = "demo-1.0-py3-none-any.whl"
ENDLESS = ["one byte a second", "never answers", *(n for n in ACTS if n.startswith(("redirect", "cut", "wait", "not http"))),
           *(n for n in ACTS if n.startswith("endless") and not ACTS[n][1].startswith("in time"))]  # fmt: skip


def client(seconds: float = 15.0) -> Client:
    return session(limits=replace(LIMITS, seconds=seconds, answer=seconds))


@pytest.fixture(autouse=True)
def straight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("doctor.remote.index.LARGEST_PAGE", 4 << 20)


@pytest.mark.parametrize("name", ENDLESS)
def test_the_index_ends(name: str) -> None:
    began = time.monotonic()
    with Server(ACTS[name][0]) as server, pytest.raises(IndexUnavailable) as error:
        wheels(client(_seconds(name)), f"{server.address}/simple", "demo")
    assert time.monotonic() - began < 12 and len(str(error.value)) < 400


@pytest.mark.parametrize(
    "name",
    ["one byte a second", "never answers", "endless body", "endless chunk line", "endless redirects", "cut body"],
)
def test_a_wheel_ends(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doctor.remote.remote_zip.LARGEST_WHEEL", 32 << 20)
    began = time.monotonic()
    with Server(ACTS[name][0]) as server, pytest.raises((IndexUnavailable, WheelError)):
        remote_wheel(client(_seconds(name)), f"{server.address}/{NAME}", NAME, None)
    assert time.monotonic() - began < 12


def _seconds(name: str) -> float:
    """Little time for what lasts until the end of it."""
    return SECONDS if ACTS[name][1].startswith("in time") else 15.0


def wheel(text: bytes = b"Name: demo\nVersion: 1.0\n", fill: int = 300_000) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", text)
        archive.writestr("demo/a.py", b"A = 1\n")
        archive.writestr("demo/fill.bin", bytes(range(256)) * (fill // 256))
    return out.getvalue()


def ranges(data: bytes, liar: str = "") -> Act:
    """Serves `data` by ranges, with one lie."""

    def act(server: Server, taken: socket.socket, head: str) -> None:
        found = re.search(r"[Rr]ange: bytes=(\d*)-(\d*)", head)
        if not found:
            return send(taken, data)
        first, last = found[1], found[2]
        start, stop = (
            (int(first), min(len(data), int(last) + 1)) if first else (max(0, len(data) - int(last)), len(data))
        )
        body, total = data[start:stop], len(data)
        if liar == "turned" and first:
            body = bytes(b ^ 1 for b in body)
        if liar == "short" and first:
            body = body[:-1]
        if liar == "grown" and first:
            total += 1
        if liar == "endless size":
            total = 10**18
        return send(taken, body, f"Content-Range: bytes {start}-{stop - 1}/{total}", status="206 Partial Content")

    return act


@pytest.mark.parametrize("liar", ["turned", "short", "grown", "endless size"])
def test_a_server_that_lies_about_ranges(liar: str) -> None:
    with Server(ranges(wheel(), liar)) as server, pytest.raises((IndexUnavailable, WheelError)):
        remote_wheel(client(), f"{server.address}/{NAME}", NAME, None).read("demo/a.py", 100)


def test_metadata_is_what_the_index_names() -> None:
    good, member = b"Name: demo\nVersion: 1.0\n", "demo-1.0.dist-info/METADATA"
    page = f'<a href="{NAME}#sha256={"0" * 64}" data-core-metadata="sha256={hashlib.sha256(good).hexdigest()}">x</a>'
    found = parse_page(page, "http://h/", "demo")[0]
    for text, fine in ((good, True), (good.replace(b"1.0", b"1.1"), False)):
        with Server(ranges(wheel(text))) as server:
            source = remote_wheel(client(), f"{server.address}/{NAME}", NAME, found.sha256, found.metadata)
            assert source.read("demo/a.py", 100) == b"A = 1\n"
            if fine:
                assert source.read(member, 100) == good
            else:
                with pytest.raises(WheelError, match="sha256 differs"):
                    source.read(member, 100)


@pytest.mark.parametrize(
    "name",
    ["demo-1.0-1%2F..%2F..%2Fx-py3-none-any.whl", "demo-1.0-py3%2F..%2F..%2Fx-none-any.whl", "..%2Fdemo-1.0-py3-none-any.whl",
     "demo-1.0-py3-none-any%5Cx.whl", "demo-1.0-1%00-py3-none-any.whl", "demo-1.0-1%0A-py3-none-any.whl", "demo-1.0-1\u202e-py3-none-any.whl",
     f"demo-1.0-1{'x' * 400}-py3-none-any.whl"],
)  # fmt: skip
def test_a_name_that_leads_out_is_no_wheel(name: str) -> None:
    assert parse_page(f'<a href="{name}">x</a>', "http://h/", "demo") == []


def test_a_login_does_not_go_to_another_host() -> None:
    def elsewhere(server: Server, taken: socket.socket, head: str) -> None:
        send(taken, b"", f"Location: {server.other}/simple/demo/", status="302 Found")

    page = b'<a href="demo-1.0-py3-none-any.whl">x</a>'
    with Server(lambda s, t, h: send(t, page)) as other, Server(elsewhere, other=other.address) as server:
        index = server.address.replace("http://", "http://user:SECRET@")
        assert [w.version for w in wheels(client(), f"{index}/simple", "demo")] == ["1.0"]
        assert "uthorization: Basic" in server.asked[0] and "uthorization" not in other.asked[0]


def test_a_login_is_not_shown() -> None:
    with Server(ACTS["cut body"][0]) as server, pytest.raises(IndexUnavailable) as error:
        wheels(client(), server.address.replace("http://", "http://user:SECRET@"), "demo")
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize("piece", ["<a ", "<a href='", '<a href="x" ', "<base <a ", "<a href=x.whl>"])
def test_a_page_takes_time_by_its_length_only(piece: str) -> None:
    began = time.monotonic()
    with contextlib.suppress(IndexUnavailable):
        parse_page(piece * (4_000_000 // len(piece)), "http://h/", "demo")
    assert time.monotonic() - began < 8
    long = f'<a title="{"x" * (LONGEST_TAG - 200)}" href="{NAME}"></a>'
    assert [w.version for w in parse_page(long, "http://h/", "demo")] == ["1.0"]


def test_a_list_of_too_many_members_is_not_read() -> None:
    one = b"PK\1\2" + b"\0" * 42
    listed = one * (LARGEST_DIRECTORY // len(one) + 1)
    end = b"PK\5\6" + b"\0" * 4 + b"\xff\xff" * 2 + len(listed).to_bytes(4, "little") + b"\0" * 6
    with pytest.raises(WheelError, match="too many members"):
        ZipSource(io.BytesIO(listed + end), NAME, None)


def test_links_that_are_no_addresses_are_left_out() -> None:
    page = f'<base href="http://[h"><a href="http://[x/{NAME}">a</a><a href="{NAME}">b</a>'
    assert [w.url for w in parse_page(page, "http://h/simple/demo/", "demo")] == [f"http://h/simple/demo/{NAME}"]
