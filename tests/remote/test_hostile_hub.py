"""Whatever a hub does: one sentence or the model, in a short time, in little memory, and nothing outside the cache."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import huggingface_hub.file_download  # noqa: F401  (else the first test pays for the import)
import pytest

import doctor.remote.sockets  # noqa: F401  (the same)
from doctor.base.files import Files
from doctor.collect.model.hub import download
from doctor.facts import Model, Unavailable
from tests.remote.misbehaving import (
    ACTS,
    FILES,
    REPOSITORY,
    Act,
    Server,
    certificate,
    every,
    git,
    honest,
    listing,
    send,
    traps,
)

TOKEN = "hf_abcdefghijklmnopqrstuvwxyzabcdefgh"
SECONDS = 2.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = ("HF_", "CURL_CA", "REQUESTS_CA", "SSL_CERT")
    for name in [n for n in os.environ if n.lower().endswith("_proxy") or n.startswith(own)]:
        monkeypatch.delenv(name)
    for name, value in {"HOME": tmp_path, "XDG_CACHE_HOME": tmp_path / "cache", "HF_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    return tmp_path


def ask(server: Server) -> Model | Unavailable:
    return download.hub_model(REPOSITORY, Files(None), {**os.environ, "HF_ENDPOINT": server.address}, False, None)


@pytest.mark.parametrize(("act", "said", "files"), [c[1:] for c in every()], ids=[c[0] for c in every()])
def test_every_act_ends_well(act: Act, said: str, files: bool, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if said.startswith("in time"):
        monkeypatch.setattr(download, "SECONDS", SECONDS)
    with Server() as other, Server(act, files, other=other.address) as server:
        tracemalloc.start()
        began = time.monotonic()
        found = ask(server)
        took, most = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert took < 10 and most < 100 << 20, (took, most)
        text = found.detail or "" if isinstance(found, Unavailable) else ""
        if said:
            assert isinstance(found, Unavailable) and re.search(said, text), found
            assert TOKEN not in text and "\n" not in text and len(text) < 300
        else:
            assert isinstance(found, Model), found
        assert not any("Bearer" in head for head in other.asked), "the token went to another host"
        assert all("Bearer" in head for head in server.asked)
    written = [p for p in home.rglob("*") if p.is_file()]
    assert all(p.is_relative_to(home / "cache/qvl-doctor/hub") for p in written), written


@pytest.mark.parametrize("which", ["absolute", "relative"])
def test_no_name_of_the_server_is_written(which: str, home: Path) -> None:
    with Server(traps(home / "trap")[which], files_only=True) as server:
        found = ask(server)
    assert isinstance(found, Model) and found.model_type == "owl_vl"
    assert not (home / "trap").exists() and not list(home.rglob("*.pth"))
    assert [p.name for p in home.rglob("*") if p.is_file() and p.suffix == ".py"] == ["m.py"], "what the linker reads"


def test_names_that_lead_out_are_not_there(home: Path) -> None:
    act = next(c[1] for c in every() if c[0] == "names that lead out")
    with Server(act) as server:
        ask(server)
        files = [head.split(" ")[1] for head in server.asked if "/resolve/" in head]
    assert files and all(f.rpartition("/")[2] in ("config.json", "m.py", "w.safetensors") for f in files), files


def test_what_nothing_vouches_for_is_named(home: Path) -> None:
    def without_digests(server: Server, taken: socket.socket, head: str) -> None:
        if "/api/" not in head:
            return honest(server, taken, head)
        return send(taken, listing(siblings=[{"rfilename": n, "size": len(d)} for n, d in FILES.items()]))

    with Server() as server:
        verified = ask(server)
    with Server(without_digests) as server:
        plain = ask(server)
    assert isinstance(verified, Model) and isinstance(plain, Model)
    assert verified.unverified == () and set(plain.unverified) == {"config.json", "m.py", "w.safetensors"}


def test_a_poisoned_cache_is_read_again(home: Path) -> None:
    with Server() as server:
        ask(server)
        blobs = list((home / "cache/qvl-doctor/hub/blobs").iterdir())
        assert {b.name.partition("-")[0] for b in blobs} == {"git"}
        for blob in blobs:
            blob.write_bytes(blob.read_bytes().replace(b"owl", b"elk"))
        code = next((home / "cache").rglob("m.py"))
        code.write_text("import os\n")
        found = ask(server)
    assert isinstance(found, Model) and found.model_type == "owl_vl" and found.folder
    assert Path(found.folder, "m.py").read_text().startswith("class C")


def test_the_cache_is_bounded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from doctor.collect.model.hub import kept
    from doctor.collect.model.hub.listing import Digest

    monkeypatch.setattr(kept, "MOST_BYTES", 5000)
    for number in range(20):
        data = b"%1000d" % number
        kept.keep(Digest("git", git(data)), data)
    kept.prune()
    left = list((home / "cache/qvl-doctor/hub/blobs").iterdir())
    assert 0 < len(left) <= 5 and all(p.stat().st_mode & 0o077 == 0 for p in left)


def test_a_certificate_that_nobody_signed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificate(home)
    if made is None:
        pytest.skip("needs openssl for a certificate")
    with Server(certificate=made) as server:
        found = ask(server)
        assert isinstance(found, Unavailable) and "certificate that is not trusted" in (found.detail or ""), found
        assert server.asked == []
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            with monkeypatch.context() as context:
                context.setenv(name, str(made))
                assert isinstance(ask(server), Model), f"{name} is honored"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(home / "none.pem"))
        lost = ask(server)
        assert isinstance(lost, Unavailable) and "certificate" in (lost.detail or ""), lost


@pytest.mark.parametrize("cut", [False, True], ids=["works", "cuts"])
def test_a_proxy_is_used_unless_it_is_not_for_this_host(cut: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def proxy(server: Server, taken: socket.socket, head: str) -> None:
        if not cut:
            honest(server, taken, f"GET /{head.split(' ')[1].split('/', 3)[3]} HTTP/1.1")

    with Server(proxy) as middle, Server() as server:
        monkeypatch.setenv("HTTP_PROXY", middle.address)
        monkeypatch.setenv("http_proxy", middle.address)
        found = ask(server)
        assert server.asked == [] and middle.asked
        assert isinstance(found, Unavailable if cut else Model), found
        if isinstance(found, Unavailable):
            assert "dropped" in (found.detail or "") or "proxy" in (found.detail or "")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert isinstance(ask(server), Model) and server.asked


def test_https_is_never_left(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificate(home)
    if made is None:
        pytest.skip("needs openssl for a certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made))
    act = next(c[1] for c in every() if c[0] == "token asked elsewhere")
    with Server() as other, Server(act, certificate=made, other=other.address) as server:
        found = ask(server)
        assert isinstance(found, Unavailable) and "from https to http" in (found.detail or ""), found
        assert other.asked == []


@pytest.mark.parametrize("where", ["variable", "file", "disabled"])
def test_the_token_is_found_as_the_hubs_client_finds_it(
    where: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    (home / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(home / ("token" if where == "file" else "none")))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", where == "disabled")
    environ = {} if where == "file" else {"HF_TOKEN": f" {TOKEN}\r\nX-Evil: 1"[: len(TOKEN) + 2]}
    with Server() as server:
        found = download.hub_model(REPOSITORY, Files(None), {"HF_ENDPOINT": server.address, **environ}, False, None)
    assert isinstance(found, Model)
    assert all((f"Authorization: Bearer {TOKEN}\r\n" in head) == (where != "disabled") for head in server.asked)


def test_a_token_with_characters_of_a_header_is_not_shown() -> None:
    with Server() as server:
        environ = {"HF_ENDPOINT": server.address, "HF_TOKEN": f"{TOKEN}\x00ü"}
        found = download.hub_model(REPOSITORY, Files(None), environ, False, None)
    assert isinstance(found, Unavailable) and TOKEN not in str(found.detail) and server.asked == [], found


def test_the_command_asks_for_nothing_else(home: Path) -> None:
    """In a process of its own, where the hub's client knows the endpoint, too: it may not ask for anything by itself."""
    (home / "requirements.txt").write_text("vllm==0.11.0\n")
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parents[2], *sys.path))),
        "HF_HOME": str(home / "hf"),
    }
    with Server(ACTS["endless body"][0]) as bad, Server() as good:
        for server, said in ((bad, "more than the 8388608 bytes"), (good, "owl_vl")):
            done = subprocess.run(
                [sys.executable, "-m", "doctor", "facts", "--requirements", "requirements.txt", "--model", REPOSITORY],
                env={**environ, "HF_ENDPOINT": server.address}, cwd=home, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert said in done.stdout and TOKEN not in done.stdout + done.stderr, done
            paths = {head.split(" ")[1].partition("?")[0] for head in server.asked}
            assert all(path.startswith((f"/api/models/{REPOSITORY}", f"/{REPOSITORY}/resolve/")) for path in paths), (
                paths
            )
    written = {p.relative_to(home).parts[0] for p in home.rglob("*") if p.is_file()}
    assert written == {"requirements.txt", "cache"}, written


def test_an_endpoint_that_is_no_address_is_named() -> None:
    found = download.hub_model(REPOSITORY, Files(None), {"HF_ENDPOINT": "http://[h"}, False, None)
    assert isinstance(found, Unavailable) and "`HF_ENDPOINT` is not an http:// or https:// address" in found.detail
