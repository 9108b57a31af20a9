"""The tables as YAML and as they are kept: one and the same, and never an old one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.matrix.files import tables
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.stamp import stamp, stamped

TABLES = [p for p in sorted(data_dir().rglob("*.yaml")) if p.parent.name != "crashes"]
REMAKE = "`python -m doctor.matrix.files.tables` writes matrices/tables.z and VERSION anew"


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.relative_to(data_dir()).as_posix())
def test_a_table_is_kept_as_its_yaml_says(path: Path) -> None:
    checksum, value = tables._kept(data_dir())[path]
    assert checksum == tables._checksum(path.read_bytes()), REMAKE
    assert repr(json.loads(value)) == repr(tables.parsed(path.read_bytes(), path)), REMAKE


def test_the_version_changes_with_the_content(tmp_path: Path) -> None:
    assert (data_dir() / "VERSION").read_text().strip() == stamped(data_dir()), REMAKE
    (tmp_path / "VERSION").write_text("<<<<<<< 2026.1.2+00000000\n=======\n2026.1.2+11111111\n")
    (tmp_path / "a.yaml").write_bytes(b"a: 1\n")
    stamp(tmp_path)
    first = (tmp_path / "VERSION").read_text()
    assert first.startswith("2026.1.2+") and stamped(tmp_path) == first.strip()
    (tmp_path / "a.yaml").write_bytes(b"a: 1\r\n")
    assert stamped(tmp_path) == first.strip()
    (tmp_path / "b.gz").write_bytes(b"\r\n")
    assert stamped(tmp_path) != first.strip()


def test_a_table_that_changed_is_read_from_its_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = tmp_path / "one.yaml"
    one.write_text("verified: 2026-01-02\nrows: [1]\n")
    (tmp_path / tables.KEPT).write_bytes(tables.kept_form(tmp_path))
    monkeypatch.setattr(tables, "data_dir", lambda: tmp_path)
    monkeypatch.setattr(tables, "parsed", _refuse)
    assert tables.plain(one) == {"verified": "2026-01-02", "rows": [1]}
    assert tables.plain(one) is not tables.plain(one)  # whoever changes its own copy changes nobody else's
    monkeypatch.undo()
    monkeypatch.setattr(tables, "data_dir", lambda: tmp_path)
    one.write_text("verified: 2026-01-02\nrows: [2]\n")
    assert tables.plain(one) == {"verified": "2026-01-02", "rows": [2]}


def test_the_ends_of_lines_decide_nothing(tmp_path: Path) -> None:
    assert tables._checksum(b"a: 1\r\nb: 2\r\n") == tables._checksum(b"a: 1\nb: 2\n")


def test_a_damaged_kept_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / tables.KEPT).write_bytes(b"\x00 no zlib")
    (tmp_path / "one.yaml").write_text("a: [")
    monkeypatch.setattr(tables, "data_dir", lambda: tmp_path)
    with pytest.raises(DataError, match=r"one\.yaml"):
        tables.plain(tmp_path / "one.yaml")
    with pytest.raises(DataError, match=r"two\.yaml` cannot be read: No such file"):
        tables.plain(tmp_path / "two.yaml")


def test_the_usual_check_needs_no_yaml() -> None:
    words = ["check", "--offline", "--image", "vllm/vllm-openai:v0.11.0", "--", "vllm", "serve", "Qwen/Qwen2.5-VL-7B-Instruct"]
    code = f"import sys; sys.argv = ['qvl-doctor', *{words}]\nfrom doctor.cli import main\ntry: main()\nfinally: print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["False"], done.stdout + done.stderr


def _refuse(*_: object) -> None:
    raise AssertionError("the YAML was read")
