"""Full disks, and an index that is lost half-way: the environment stays as it was and the reason is said."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.repair import patients
from tests.repair.conftest import Known
from tests.repair.patients import Patient, digest, fix, run

pytestmark = pytest.mark.system

STRACE = shutil.which("strace")
BULK = 6 << 20


def _namespace() -> bool:
    if not sys.platform.startswith("linux") or not shutil.which("unshare"):
        return False
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]
    return subprocess.run(probe, capture_output=True).returncode == 0


@pytest.mark.skipif(not _namespace(), reason="no file system can be mounted here, not even in a namespace of one's own")
def test_full_disk_at_ten_sizes(tmp_path: Path) -> None:
    patient = patients.build(tmp_path, bulk=BULK)
    used = int(subprocess.run(["du", "-sk", patient.env], capture_output=True, text=True, check=True).stdout.split()[0])
    extra = (64, 256, 400, 1024, 3072, 6144, 6700, 7000, 12288, 65536)
    done = run(
        ["unshare", "-rm", sys.executable, "-m", "tests.repair.small_disk", str(tmp_path), *(str(used + e) for e in extra)],
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(extra)
    for answer in answers:
        assert answer["recovered"] == 0 and answer["again"] == answer["after"], answer
        if answer["status"] == 0:
            assert answer["after"] != answer["before"] and answer["undone"] == answer["before"], answer
        else:
            assert answer["status"] == 3 and "no space" in answer["said"], answer
            assert answer["after"] == answer["before"] and answer["left"] == answer["beside"] == [], answer
    statuses = [a["status"] for a in answers]
    assert statuses[0] == 3 and statuses[-1] == 0, statuses


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@pytest.mark.parametrize("call", ["write", "mkdir", "mkdirat", "linkat", "rename", "fsync", "ftruncate"])
def test_no_space_from_some_call_on(known: Known, call: str) -> None:
    """The disk says so at the k-th call and ever after, in doctor and in uv."""
    for k in (1, 4, 9, 40):
        known.patient.reset()
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:error=ENOSPC:when={k}+"]
        done = run([str(STRACE), "-f", "-o", os.devnull, *inject, *fix(known.patient)])
        state = known.state()
        assert state == "old" if done.returncode else state in ("old", "new"), (call, k, done.stderr)
        assert patients.recover(known.patient).returncode == 0 and known.state() == state
        assert len(known.patient.beside()) == (state == "new")


class Index(http.server.BaseHTTPRequestHandler):
    """A package index of a folder of wheels; `limit` bytes of a wheel, then the line is cut."""

    folder: Path
    limit: int | None = None
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name is http.server's
        name = self.path.strip("/").split("/")[-1]
        if self.path.startswith("/simple/"):
            files = [p for p in sorted(self.folder.glob("*.whl")) if p.name.startswith(f"{name}-")]
            links = [f'<a href="/files/{p.name}#sha256={hashlib.sha256(p.read_bytes()).hexdigest()}">{p.name}</a>' for p in files]
            self._send(f"<html><body>{''.join(links)}</body></html>".encode(), "text/html", 200 if files else 404)
            return
        self._send((self.folder / name).read_bytes(), "application/octet-stream", 200)

    def _send(self, body: bytes, kind: str, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.limit if kind.startswith("application") else None
        self.wfile.write(body[:cut])
        if cut is not None and len(body) > cut:
            self.wfile.flush()
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def index(folder: Path, limit: int | None = None) -> Iterator[str]:
    """Serves a folder; gives the index's address."""
    handler = type("Handler", (Index,), {"folder": folder, "limit": limit})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        server.server_close()


def from_index(patient: Patient, url: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The repair without a folder of wheels, with a cache of its own."""
    argv = fix(patient)[:-2]
    environ = {**os.environ, "UV_DEFAULT_INDEX": url, "UV_CACHE_DIR": str(tmp_path / "uv-cache"), "UV_HTTP_RETRIES": "0",
               "UV_HTTP_TIMEOUT": "5"}  # fmt: skip
    return run(argv, env=environ)


def test_from_an_index(fresh: Patient, tmp_path: Path) -> None:
    before = digest(fresh.env)
    with index(fresh.wheels) as url:
        done = from_index(fresh, url, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (fresh.site / "beta/__init__.py").read_text() == "VERSION = '2.0'\n"
    assert patients.undo(fresh).returncode == 0 and digest(fresh.env) == before


def test_network_lost_half_way(tmp_path: Path) -> None:
    patient = patients.build(tmp_path, bulk=1 << 20)
    before = digest(patient.env)
    with index(patient.wheels, limit=200_000) as url:
        done = from_index(patient, url, tmp_path)
    assert done.returncode == 3 and "downloading" in done.stderr, done.stderr
    assert digest(patient.env) == before and patient.beside() == []


def test_no_network_at_all(fresh: Patient, tmp_path: Path) -> None:
    before = digest(fresh.env)
    done = from_index(fresh, "http://127.0.0.1:9/simple", tmp_path)
    assert done.returncode == 3 and "package index" in done.stderr, done.stderr
    assert digest(fresh.env) == before and fresh.beside() == []


def test_a_published_wheel_that_is_not_what_its_record_says(fresh: Patient, tmp_path: Path) -> None:
    from tests.repair.test_refused import rewritten

    before = digest(fresh.env)
    rewritten(fresh.wheels / "beta-2.0-py3-none-any.whl", "beta/__init__.py", b"VERSION = 'evil'\n")
    with index(fresh.wheels) as url:
        done = from_index(fresh, url, tmp_path)
    assert done.returncode == 3 and "beta" in done.stderr and "RECORD" in done.stderr, done.stderr
    assert digest(fresh.env) == before and fresh.beside() == []


def test_a_source_distribution_is_not_built(fresh: Patient, tmp_path: Path) -> None:
    source = tmp_path / "delta-1.0"
    source.mkdir()
    ran = tmp_path / "ran"
    (source / "setup.py").write_text(f"open({str(ran)!r}, 'w')\nfrom setuptools import setup\nsetup(name='delta', version='1.0')\n")
    shutil.make_archive(str(fresh.wheels / "delta-1.0"), "gztar", tmp_path, "delta-1.0")
    fresh.pins.write_text("delta==1.0\n")
    before = digest(fresh.env)
    done = run(fix(fresh, "--offline"))
    assert done.returncode == 3 and "delta" in done.stderr and not ran.exists()
    assert digest(fresh.env) == before and fresh.beside() == []
