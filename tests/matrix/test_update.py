"""`matrix update`: rows of new releases in the user's own folder, read over the shipped data, and never half of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from html import unescape
from pathlib import Path

import pytest

from doctor.matrix.extract.projects.registry import PROJECTS, project
from doctor.matrix.files import own_rows
from doctor.matrix.files.data import data_version
from doctor.matrix.files.row import GENERATION
from doctor.matrix.newer import is_newer
from doctor.matrix.releases import Releases
from doctor.matrix.update import own
from doctor.matrix.update.build import Offer
from doctor.matrix.update.offers import in_folder
from tests.cli.running import answer, doctor
from tests.remote.misbehaving import ACTS, Server

NEW = "90.1.0"


def wheel(folder: Path, version: str = NEW, names: str = "fetch_image", requires: str = "pillow") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"qwen_vl_utils-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("qwen_vl_utils/__init__.py", f"from transformers import AutoConfig\n{names} = 1\n")
        archive.writestr(
            f"qwen_vl_utils-{version}.dist-info/METADATA",
            f"Name: qwen-vl-utils\nVersion: {version}\nRequires-Dist: {requires}\n\n",
        )
    return path


def update(home: Path, *words: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    return doctor("matrix", "update", *words, home=home, QVL_DOCTOR_DATA=str(data or home / "data"))


def rows_in(home: Path) -> list[str]:
    return [p.name for p in sorted((home / "data" / "rows").glob("*.json.gz"))]


def test_a_new_release_is_read_kept_and_used(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels")
    wheel(tmp_path / "wheels", "0.0.1")  # the shipped data has it
    listed = answer(update(tmp_path, "--from", str(tmp_path / "wheels"), "--dry-run", "--format", "json"))
    assert [one["version"] for one in listed["new"]] == [NEW] and not (tmp_path / "data").exists()
    done = update(tmp_path, "--from", str(tmp_path / "wheels"))
    assert done.returncode == 0 and f"added qwen-vl-utils {NEW}\n1 release added" in done.stdout, done.stderr
    assert update(tmp_path, "--from", str(tmp_path / "wheels")).stdout.startswith("nothing new")
    data = {"home": tmp_path, "QVL_DOCTOR_DATA": str(tmp_path / "data")}
    shown = answer(doctor("matrix", "show", f"qwen-vl-utils=={NEW}", "--format", "json", **data))  # type: ignore[arg-type]
    assert shown["requires"] == ["pillow"] and len(shown["wheel"]["sha256"]) == 64
    verified = doctor("matrix", "verify", f"qwen-vl-utils=={NEW}", "--find-links", str(tmp_path / "wheels"), **data)  # type: ignore[arg-type]
    assert (verified.returncode, verified.stdout) == (0, f"qwen-vl-utils {NEW}: 0 differences\n")
    wheel(tmp_path / "wheels", names="something_else")
    verified = doctor("matrix", "verify", f"qwen-vl-utils=={NEW}", "--find-links", str(tmp_path / "wheels"), **data)  # type: ignore[arg-type]
    assert verified.returncode == 1 and "wheel sha256" in verified.stdout


def test_a_report_names_the_command_until_the_data_has_the_release(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(f"vllm==0.33.0\nqwen-vl-utils=={NEW}\n")
    words = ("check", "--requirements", "r.txt", "--python-version", "3.12", "--offline")
    data = {"home": tmp_path, "QVL_DOCTOR_DATA": str(tmp_path / "data")}
    before = answer(doctor(*words, "--format", "json", **data))  # type: ignore[arg-type]
    assert before["data"]["newer"] == [{"distribution": "qwen-vl-utils", "version": NEW, "newest": "0.0.14"}]
    said = f"qwen-vl-utils {NEW} is newer than qvl-doctor's data; `qvl-doctor matrix update` adds it"
    for form in ("terminal", "html"):
        shown = doctor(*words, "--format", form, **data).stdout  # type: ignore[arg-type]
        assert said in " ".join(unescape(shown.replace("<code>", "`").replace("</code>", "`")).split()), form
    update(tmp_path, "--from", str(wheel(tmp_path / "wheels").parent))
    after = answer(doctor(*words, "--format", "json", **data))  # type: ignore[arg-type]
    assert "data" not in after and after["versions"]["matrix"] != before["versions"]["matrix"]
    assert after["versions"]["matrix"].startswith(f"{before['versions']['matrix']}.")


def test_a_folder_that_others_can_write_is_not_read(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("no modes")
    update(tmp_path, "--from", str(wheel(tmp_path / "wheels").parent))
    for place in ("data", "data/rows"):
        (tmp_path / place).chmod(0o777)
        assert own_rows.read_rows(tmp_path / "data").rows == {}
        again = update(tmp_path, "--from", str(tmp_path / "wheels"))
        assert again.returncode == 3 and again.stderr.count("\n") == 1 and "is not read: it belongs to another" in again.stderr
        (tmp_path / "r.txt").write_text("vllm==0.33.0\n")
        said = doctor("check", "--requirements", "r.txt", "--offline", home=tmp_path, QVL_DOCTOR_DATA=str(tmp_path / "data"))
        assert "others can write to it" in " ".join(said.stdout.split())
        (tmp_path / place).chmod(0o700)
    assert own_rows.read_rows(tmp_path / "data").of("qwen-vl-utils")


def test_a_row_that_others_can_write_is_left_out(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("no modes")
    update(tmp_path, "--from", str(wheel(tmp_path / "wheels").parent))
    row = own_rows.read_rows(tmp_path / "data").of("qwen-vl-utils")[0]
    row.path.chmod(0o666)
    with pytest.raises(ValueError, match="written by others"):
        row.read()


def test_another_machines_rows_are_copied_and_checked(tmp_path: Path) -> None:
    update(tmp_path, "--from", str(wheel(tmp_path / "wheels").parent))
    copied = update(tmp_path, "--from", str(tmp_path / "data"), data=tmp_path / "other")
    assert copied.returncode == 0 and f"added qwen-vl-utils {NEW}" in copied.stdout
    [name] = rows_in(tmp_path)
    assert (tmp_path / "other" / "rows" / name).read_bytes() == (tmp_path / "data" / "rows" / name).read_bytes()
    forged = name.replace(NEW, "90.2.0")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / forged).write_bytes((tmp_path / "data" / "rows" / name).read_bytes())
    (tmp_path / "copy" / name.replace(NEW, "90.3.0")).write_bytes(b"no gzip")
    refused = update(tmp_path, "--from", str(tmp_path / "copy"), data=tmp_path / "third")
    assert refused.returncode == 3 and refused.stderr.count("was not added") == 2
    assert not list((tmp_path / "third" / "rows").glob("*.gz"))


@pytest.mark.parametrize(
    "data", [b"", b"\x1f\x8b\x08\x00", b"[]", b'{"row": []}', b'{"row": {"a\\tb": {}}, "names": null}',
             b'{"row": {}, "names": {"m": ["a\\nb"]}}', b'{"row": {}, "names": {"m|n": ["a"]}}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_not_a_row_is_one_error(data: bytes) -> None:
    import gzip

    with pytest.raises(ValueError):
        own_rows.decoded(data if data[:2] == b"\x1f\x8b" else gzip.compress(data))


def test_a_release_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels")
    with zipfile.ZipFile(tmp_path / "wheels" / "qwen_vl_utils-90.2.0-py3-none-any.whl", "w") as archive:
        archive.writestr("qwen_vl_utils/__init__.py", "")
    done = update(tmp_path, "--from", str(tmp_path / "wheels"))
    assert done.returncode == 3 and done.stderr.startswith("qwen-vl-utils 90.2.0 was not added: ")
    assert f"added qwen-vl-utils {NEW}" in done.stdout


def test_usage_and_what_is_not_covered(tmp_path: Path) -> None:
    assert update(tmp_path, "--only", "nothing").returncode == 2
    assert update(tmp_path, "--from", str(tmp_path / "nowhere")).returncode == 3
    assert update(tmp_path, "--only", f"timm=={NEW}", "--from", str(tmp_path)).stderr.endswith("was found\n")
    done = doctor("matrix", "verify", f"timm=={NEW}", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, f"timm {NEW}: not covered\n")


@pytest.mark.parametrize("words", [("add", "timm==1.0.31", "--to", "out", "--index-url"), ("update", "--only", "timm", "--from")])
def test_a_slow_index_ends_at_the_deadline(tmp_path: Path, words: tuple[str, ...]) -> None:
    began = time.monotonic()
    with Server(ACTS["one byte a second"][0]) as server:
        done = doctor("matrix", *words, f"{server.address}/simple", "--timeout", "1", home=tmp_path, QVL_DOCTOR_DATA=str(tmp_path / "d"), NO_PROXY="*")
    assert time.monotonic() - began < 8
    assert done.returncode == 3 and done.stderr.count("\n") == 1 and "`--timeout SECONDS` waits longer" in done.stderr


def test_two_at_once(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    wheel(tmp_path / "wheels")
    with own.alone(tmp_path / "data"):
        second = update(tmp_path, "--from", str(tmp_path / "wheels"))
        assert (second.returncode, second.stderr) == (3, "Error: another `qvl-doctor matrix update` is running\n")
    assert update(tmp_path, "--from", str(tmp_path / "wheels")).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_update_leaves_whole_rows(tmp_path: Path) -> None:
    for number in range(12):
        wheel(tmp_path / "wheels", f"90.1.{number}")
    program = "import sys; from doctor.cli import main; print(1, flush=True); main(sys.argv[1:])"
    for number in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", program, "matrix", "update", "--from", str(tmp_path / "wheels")],
            stdout=subprocess.PIPE, env={**os.environ, "QVL_DOCTOR_DATA": str(tmp_path / "data")},
        )  # fmt: skip
        assert child.stdout is not None and child.stdout.readline() == b"1\n"
        while child.poll() is None and len(rows_in(tmp_path)) < 1 + 2 * number:
            time.sleep(0.001)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        for row in own_rows.read_rows(tmp_path / "data").of("qwen-vl-utils"):
            assert row.read()[0]["meta"]["version"] == row.version
    assert update(tmp_path, "--from", str(tmp_path / "wheels")).returncode == 0
    assert len(rows_in(tmp_path)) == 12
    assert not [p for p in (tmp_path / "data").rglob("*") if p.name.startswith(".new-")]


def test_what_the_installed_doctor_has_itself_is_removed(tmp_path: Path) -> None:
    known = project("qwen-vl-utils")
    assert known is not None
    version = own.shipped(known).versions[-1]
    from doctor.matrix import rows

    digest = (rows.row(known.name, version, "wheel") or {})["wheel"]["sha256"]
    folder = tmp_path / "data"
    with own.alone(folder):
        kept = folder / own_rows.ROWS
        for name in (
            own_rows.file_name(known.name, version, digest),
            own_rows.file_name(known.name, NEW, digest).replace(f"_{GENERATION}.", f"_{GENERATION - 1}."),
            own_rows.file_name(known.name, NEW, "0" * 64), ".new-abc", own_rows.RETRACTED,
        ):  # fmt: skip
            (kept / name).write_bytes(b"{}")
        own.tidy(folder)
        assert {p.name for p in kept.iterdir()} == {own_rows.file_name(known.name, NEW, "0" * 64), own_rows.RETRACTED}


def test_a_retracted_release_is_known(tmp_path: Path) -> None:
    known = project("qwen-vl-utils")
    assert known is not None
    newest = own.shipped(known).versions[-1]
    offers = [Offer(newest, True, "0" * 64, lambda: pytest.fail("read")), *in_folder(known, wheel(tmp_path / "w").parent)]
    assert own.retracted(known, offers) == [newest]
    with own.alone(tmp_path / "data"):
        own_rows.keep_retracted(tmp_path / "data", {known.name: [newest]})
    listed = answer(doctor("matrix", "list", "--format", "json", home=tmp_path, QVL_DOCTOR_DATA=str(tmp_path / "data")))
    assert listed["projects"][known.name]["yanked"] == [newest]


@pytest.mark.parametrize(
    ("version", "new"),
    [("5.25.0", True), ("5.25.0rc1", True), ("5.24.1", True), ("4.57.7", True), ("4.57.5", False), ("5.24.0", False),
     ("5.24.0+cu128", False), ("5.25.0+local", True), ("5.25.0.dev0", False), ("4.1.0", False), ("nonsense", False)],
)  # fmt: skip
def test_what_counts_as_new(version: str, new: bool) -> None:
    assert is_newer(version, Releases("transformers", ("4.31.0", "4.57.4", "4.57.6", "5.24.0"))) is new


def test_the_version_of_the_data_changes_with_what_was_added(tmp_path: Path) -> None:
    assert data_version().count(".") == 2  # nothing of the user's own
    mine = tmp_path / "data" / own_rows.ROWS
    mine.mkdir(mode=0o700, parents=True)
    (tmp_path / "data").chmod(0o700)
    seen = {own_rows.read_rows(tmp_path / "data").version()}
    for version in ("90.1", "90.2"):
        (mine / own_rows.file_name("timm", version, "a" * 64)).write_bytes(b"")
        seen.add(own_rows.read_rows(tmp_path / "data").version())
    assert len(seen) == 3


def test_every_project_has_rows_that_an_update_starts_from() -> None:
    assert all(own.shipped(one).versions for one in PROJECTS)


def test_the_json_of_an_index_says_what_its_page_says() -> None:
    from doctor.remote.errors import IndexUnavailable
    from doctor.remote.index_json import MOST_PARTS, parse_json

    entry = {"filename": "demo-1.0-py3-none-any.whl", "url": "../../f/demo-1.0-py3-none-any.whl", "yanked": "broken", "size": 7,
             "hashes": {"sha256": "AB" * 32}, "requires-python": ">=3.8", "core-metadata": {"sha256": "cd" * 32}, "upload-time": "2026-11-21T01:02:03.456Z"}
    odd = [{}, 1, {"filename": "x.whl"}, {"filename": "demo-1.0.tar.gz", "url": "x"}, {"filename": 3, "url": "http://[x"}]
    [one] = parse_json(json.dumps({"files": [entry, *odd]}), "http://h/simple/demo/", "demo")
    assert (one.url, one.sha256, one.yanked, one.size) == ("http://h/f/demo-1.0-py3-none-any.whl", "ab" * 32, "broken", 7)
    assert (one.metadata, one.requires_python, one.uploaded) == ("cd" * 32, ">=3.8", "2026-11-21T01:02:03.456Z")
    for bad in ("", "[]", "{}", '{"files": {}}', "[" * 9_000, '{"files": [' + "[]," * MOST_PARTS + "[]]}"):
        with pytest.raises(IndexUnavailable):
            parse_json(bad, "http://h/", "demo")
