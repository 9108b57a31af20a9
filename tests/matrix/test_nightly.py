"""The nightly job: a new release of transformers that lacks a name breaks the engines that admit it, and says so."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from doctor.matrix import rows
from doctor.matrix.files import own_rows
from doctor.matrix.files.merged import text_of
from doctor.matrix.files.names_file import NamesIndex

ROOT = Path(__file__).parents[2]
LOST = ("transformers", "AutoTokenizer")


@pytest.fixture
def nightly(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("nightly")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of a transformers 99.0.0 that is the newest one without one name, as another machine would have them."""
    known = rows.releases("transformers")
    assert known is not None
    version = known.versions[-1]
    row = dict(rows.row("transformers", version) or {})
    names = NamesIndex(text_of("transformers", "names") or "").provided(version)
    assert names is not None and LOST[1] in names[LOST[0]]
    names[LOST[0]] -= {LOST[1]}
    row["meta"], row["wheel"] = {**row["meta"], "version": "99.0.0"}, {**row["wheel"], "sha256": "9" * 64}
    folder = tmp_path_factory.mktemp("copy")
    (folder / own_rows.file_name("transformers", "99.0.0", "9" * 64)).write_bytes(own_rows.encoded(row, names))
    return folder


def night(out: Path, copy: Path) -> subprocess.CompletedProcess[str]:
    words = ["--out", str(out), "--from", str(copy), "--engines", "lmdeploy", "--last", "1", "--installed", str(copy)]
    return subprocess.run(
        [str(ROOT / ".ci" / "nightly"), *words], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHON": sys.executable}, check=False,
    )  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_what_broke_is_on_the_page_and_in_the_feed_once(tmp_path: Path, copy: Path, nightly: Any) -> None:
    out = tmp_path / "out"
    first = night(out, copy)
    assert first.returncode == 0, first.stderr
    newest = rows.releases("lmdeploy").versions[-1]  # type: ignore[union-attr]
    said = f"lmdeploy {newest} admits transformers 99.0.0, and fails at import: transformers:AutoTokenizer does not exist"
    page, feed = (out / "index.html").read_text(), (out / "feed.xml").read_text()
    assert said in page.replace("<code>", "").replace("</code>", "") and "1 new break" in page and "http" not in page.replace("http-equiv", "")
    assert [item.findtext("title") for item in ElementTree.fromstring(feed).iter("item")] == [said]
    assert "99.0.0" in (out / "lmdeploy.html").read_text()
    next_night = importlib.import_module("nightly_page")
    again = nightly.Break("lmdeploy", newest, "transformers", "99.0.0", True, ["transformers:AutoTokenizer"])
    next_night.write(out, nightly.Night("2026-01-02", breaks=[again]), next_night.previous(out), ["lmdeploy"])
    assert "0 new breaks" in (out / "index.html").read_text() and (out / "feed.xml").read_text() == feed


def test_an_error_that_the_wheels_do_not_bear_out_is_an_alarm(tmp_path: Path, nightly: Any) -> None:
    pins = {"lmdeploy": "0.18.0", "transformers": "4.30.0", "torch": "2.12.1"}
    one = nightly.Default("lmdeploy", "0.18.0", pins)
    nightly.checked(one, tmp_path, None)
    assert one.problem is None and one.errors and one.alarms
    found = nightly.Night("2026-01-02", defaults=[one])
    assert found.status == nightly.ALARM
    assert nightly.Night("2026-01-02", failed=["x"]).status == nightly.TROUBLE
    assert nightly.Night("2026-01-02", defaults=[nightly.Default("vllm", "1")]).status == nightly.CALM


def test_pins_are_resolved_from_a_folder(tmp_path: Path, nightly: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "PLATFORM", "linux")  # the oldest uv that is admitted does not know the newest glibc
    for name, requires in (("vllm", "Requires-Dist: small\n"), ("small", "")):
        with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as archive:
            archive.writestr(f"{name}/__init__.py", "")
            archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}\n")
            archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    assert nightly.resolved("vllm", "1.0", str(tmp_path)) == ({"vllm": "1.0", "small": "1.0"}, None)
    pins, why = nightly.resolved("vllm", "2.0", str(tmp_path))
    assert not pins and "vllm==2.0" in why


def test_text_of_others_becomes_no_markup(tmp_path: Path, nightly: Any) -> None:
    page = importlib.import_module("nightly_page")
    bad = nightly.Break("vllm", "1", "transformers", "2", True, ["<script>:x]]>&"], {"<b>": ["<i>"]})
    found = nightly.Night("2026-01-02", failed=["<u>"], breaks=[bad], defaults=[nightly.Default("vllm", "<s>", problem="<p2>")])
    page.write(tmp_path, found, {}, ["vllm"])
    text = (tmp_path / "index.html").read_text()
    assert not any(one in text for one in ("<script>", "<b>:", "<i>", "<u>", "<s>", "<p2>"))
    ElementTree.parse(tmp_path / "feed.xml")
