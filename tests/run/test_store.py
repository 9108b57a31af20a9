"""The store of runs: who has a run, what is damaged, the index, and removing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, ended, environment, wait_for

from doctor.run.story import history, index, listing
from doctor.run.story.holding import hold_folder, is_running

pytestmark = pytest.mark.system


def cli(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, "-m", "doctor", *words], capture_output=True, text=True, env=environment(), timeout=60, check=False
    )


def make(base: Path, number: int, **meta: object) -> Path:
    """A run that has ended, as its folder shows it."""
    folder = base / f"20260101T{number // 3600:02}{number // 60 % 60:02}{number % 60:02}Z-{number + 1}"
    folder.mkdir(parents=True)
    start = {
        "kind": "qvl-doctor run",
        "schema": 1,
        "started": f"2026-01-01T00:00:{number:05}",
        "command": ["serve", "x"],
    }
    (folder / "meta.json").write_text(json.dumps({**start, "started_unix": 1.0 + number, "boot": "another", **meta}))
    (folder / "report.json").write_text(json.dumps({"outcome": "exited", "exit_code": number % 2}))
    (folder / "output.log").write_text("said\n")
    return folder


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": 3}', "NOT JSON", "\0" * 100])
def test_one_damaged_run_is_named_and_hides_no_other(tmp_path: Path, text: str) -> None:
    good, bad = make(tmp_path, 1), make(tmp_path, 2)
    (bad / "meta.json").write_text(text)
    found = history.runs(str(tmp_path))
    assert [r.folder for r in found.runs] == [good] and [d.folder for d in found.damaged] == [bad]
    done = history.prune(0, None, str(tmp_path))
    assert [r.folder for r in done.gone] == [good] and not good.exists()
    assert bad.exists(), "nothing tells that this one may go"


@pytest.mark.parametrize(
    "field", [{"started": 5}, {"command": "serve"}, {"command": [1]}, {"schema": 2}, {"doctor_pid": "1"}]
)
def test_each_field_is_checked(tmp_path: Path, field: dict[str, object]) -> None:
    make(tmp_path, 1, **field)
    (damaged,) = history.runs(str(tmp_path)).damaged
    assert next(iter(field)) in damaged.reason


def test_the_command_line_names_the_damaged_one(tmp_path: Path) -> None:
    good, bad = make(tmp_path, 1), make(tmp_path, 2)
    (bad / "meta.json").write_text("{")
    done = cli("runs", "list", "--log-dir", str(tmp_path), "--format", "json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and [r["id"] for r in answer["runs"]] == [good.name]
    assert [d["id"] for d in answer["damaged"]] == [bad.name] and bad.name in done.stderr
    assert cli("report", "last", "--log-dir", str(tmp_path)).returncode == 1, "the good one ended with 1"
    said = cli("report", bad.name, "--log-dir", str(tmp_path))
    assert said.returncode == 2 and "meta.json" in said.stderr and "said" not in said.stdout


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, closed = make(tmp_path, 1), make(tmp_path, 2)
    refused, status = PermissionError(13, "Permission denied"), os.stat

    def stat(path: object, *more: object, **how: object) -> os.stat_result:
        if str(path).startswith(f"{closed}/"):
            raise refused
        return status(path, *more, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "lstat", lambda path, **how: stat(path, follow_symlinks=False, **how))
    (closed / "meta.json").write_text("")
    found = history.runs(str(tmp_path))
    assert [r.folder for r in found.runs] == [good] and [d.folder for d in found.damaged] == [closed]
    assert not listing.never_began(closed) and listing.orphans(tmp_path) == []


def many(base: Path) -> list[Path]:
    return [make(base, number) for number in range(index.WORTH + 10)]


def test_the_index_is_only_a_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = many(tmp_path)
    first = listing.listing(tmp_path)
    assert (tmp_path / index.NAME).stat().st_mode & 0o777 == 0o600
    read: list[Path] = []
    real = listing._read
    monkeypatch.setattr(listing, "_read", lambda folder: read.append(folder) or real(folder))
    assert [r.folder for r in listing.listing(tmp_path).runs] == folders and read == []
    edited = folders[3] / "report.json"
    at = edited.stat()
    edited.write_text(edited.read_text().replace('"exit_code": 1', '"exit_code": 0'))
    os.utime(edited, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert listing.listing(tmp_path).runs[3].state == "success" and read == [folders[3]]
    for damage in (b"", b"junk", (tmp_path / index.NAME).read_bytes()[:-3] + b"xxx"):
        (tmp_path / index.NAME).write_bytes(damage)
        again = listing.listing(tmp_path).runs
        assert [r.folder for r in again] == [r.folder for r in first.runs]
    (tmp_path / index.NAME).chmod(0o666)
    read.clear()
    listing.listing(tmp_path)
    assert len(read) == len(folders), "others could have written it"


def test_two_writers_of_the_index(tmp_path: Path) -> None:
    folders = many(tmp_path)
    words = [
        PYTHON,
        "-c",
        f"from pathlib import Path; from doctor.run.story.listing import listing; print(len(listing(Path({str(tmp_path)!r})).runs))",
    ]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment()) for _ in range(2)]
    assert [p.communicate()[0].strip() for p in both] == [str(len(folders))] * 2
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == [index.NAME]
    assert len(listing.listing(tmp_path).runs) == len(folders)


def test_the_index_goes_with_its_runs(tmp_path: Path) -> None:
    many(tmp_path)
    listing.listing(tmp_path)
    history.prune(1, None, str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_supervisor_in_its_clean_up_has_the_run(tmp_path: Path) -> None:
    folder = make(tmp_path, 1)
    held = hold_folder(folder)
    assert is_running(folder) and history.prune(0, None, str(tmp_path)).gone == () and folder.exists()
    os.close(held)
    assert not is_running(folder) and len(history.prune(0, None, str(tmp_path)).gone) == 1


def test_prune_while_the_server_refuses_to_end(doctor: Doctor) -> None:
    """The main process is gone, a child of it ignores SIGTERM, and doctor waits for it."""
    code = "import os, signal, time\nif os.fork() == 0:\n    signal.signal(15, signal.SIG_IGN); os.close(1); os.close(2); time.sleep(60)\ntime.sleep(0.5); os._exit(3)"
    process = doctor.start([PYTHON, "-c", code], "--no-check", "--grace", "4")
    wait_for(lambda: any(b'"event": "exit"' in p.read_bytes() for p in doctor.base.glob("*/events.jsonl")))
    folder = doctor.folder
    assert history.prune(0, None, str(doctor.base)).gone == () and folder.exists()
    assert ended(process) == 3 and (folder / "report.json").exists()


def test_many_may_ask_at_once(tmp_path: Path) -> None:
    from doctor.run.story.holding import alone

    folder = make(tmp_path, 1)
    with alone(folder, shared=True) as free:
        assert free and not is_running(folder), "another question is no user of the run"
        held = hold_folder(folder)  # waits for nobody for long
    os.close(held)


def test_an_orphan_whose_number_another_process_has(tmp_path: Path) -> None:
    for name in ("20240101T000000Z-1", f"20240101T000001Z-{os.getpid()}"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "20240101T000000Z-1", (1, 1))
    history.prune(0, None, str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == [f"20240101T000001Z-{os.getpid()}"]


def test_a_removal_that_was_interrupted_is_finished_by_the_next(tmp_path: Path) -> None:
    make(tmp_path, 1).rename(tmp_path / ".removed-20260101T000000Z-2")
    assert history.runs(str(tmp_path)).runs == ()
    history.prune(5, None, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_not_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path, 1)
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(PermissionError(1, "Operation not permitted")))
    done = history.prune(0, None, str(tmp_path))
    assert done.gone == () and [(r.folder, why) for r, why in done.stayed] == [(folder, "Operation not permitted")]


def test_killed_while_it_begins(doctor: Doctor) -> None:
    """At several moments: what is left is a run, or nothing that prune leaves."""
    for delay in (0.15, 0.3, 0.45, 0.6):
        process = doctor.start([PYTHON, "-c", "pass"], "--no-check")
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    listed = json.loads(cli("runs", "list", "--log-dir", str(doctor.base), "--format", "json").stdout)
    assert listed["damaged"] == []
    assert doctor.run([PYTHON, "-c", "pass"], "--no-check").returncode == 0
    wait_for(
        lambda: cli("runs", "prune", "--keep", "0", "--log-dir", str(doctor.base)) and not list(doctor.base.iterdir())
    )
