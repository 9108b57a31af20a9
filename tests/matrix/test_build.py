"""Adding releases: the same bytes each time, nothing half-written, going on where a run was stopped."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from doctor.cli import main
from doctor.matrix.extract.projects.registry import PROJECTS, Project
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.facts_file import FactsFile
from doctor.matrix.files.names_file import NamesError, NamesIndex, bits, span
from doctor.matrix.update.build import Offer, add, atomic
from doctor.remote.index_settings import default_index, index_settings
from doctor.remote.source import local_wheel

DEMO = Project("demo", "1.0", ("demo",), imports=True)


def demo_wheel(folder: Path, version: str, names: str, requires: str = "transformers>=4") -> Path:
    path = folder / f"demo-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo/__init__.py", f"from transformers import AutoConfig\n{names} = 1\n")
        metadata = f"Name: demo\nVersion: {version}\nRequires-Python: >=3.8\nRequires-Dist: {requires}\n\nText"
        archive.writestr(f"demo-{version}.dist-info/METADATA", metadata)
        archive.writestr(f"demo-{version}.dist-info/entry_points.txt", "[console_scripts]\ndemo = demo:main\n")
    return path


def offer(path: Path, version: str, yanked: bool = False) -> Offer:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Offer(version, yanked, digest, lambda: local_wheel(path), ("py3-none-any",))


def test_rows_and_names_come_back(tmp_path: Path) -> None:
    offers = [offer(demo_wheel(tmp_path, v, n), v, v == "1.1") for v, n in (("1.0", "a"), ("1.1", "b"), ("2.0", "b"))]
    assert add(DEMO, offers, tmp_path / "out", tmp_path / "cache") == 3
    facts = FactsFile.read(tmp_path / "out" / "demo.facts.gz")
    row = facts.row("2.0")
    assert row is not None
    assert row["requires"] == {"transformers": ["transformers>=4"]}
    assert row["meta"]["requires_python"] == ">=3.8"
    assert row["scripts"] == {"demo": "demo:main"}
    assert row["imports"] == {"transformers:AutoConfig": ["eager", "demo/__init__.py"]}
    assert row["wheel"]["sha256"] == offers[2].identity
    assert facts.releases.yanked == {"1.1"}
    names = NamesIndex.read(tmp_path / "out" / "demo.names.gz")
    assert names.provided("1.0") == {"demo": {"AutoConfig", "a"}}
    assert names.provided("2.0") == {"demo": {"AutoConfig", "b"}}


def test_order_and_steps_do_not_change_a_byte(tmp_path: Path) -> None:
    offers = [offer(demo_wheel(tmp_path, v, f"n{v[0]}"), v) for v in ("1.0", "1.5", "2.0", "2.1rc1")]
    add(DEMO, offers, tmp_path / "at-once", tmp_path / "cache")
    for one in (offers[3], offers[0], offers[2], offers[1], offers[0]):
        add(DEMO, [one], tmp_path / "in-steps", tmp_path / "other-cache")
    for name in ("demo.facts.gz", "demo.names.gz"):
        assert (tmp_path / "at-once" / name).read_bytes() == (tmp_path / "in-steps" / name).read_bytes()


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    path = demo_wheel(tmp_path, "1.0", "a")
    first = offer(path, "1.0")
    add(DEMO, [first], tmp_path / "out", tmp_path / "cache")
    path.unlink()
    assert add(DEMO, [first], tmp_path / "out2", tmp_path / "cache") == 1


def test_an_error_in_one_release_leaves_the_files_alone(tmp_path: Path) -> None:
    good = offer(demo_wheel(tmp_path, "1.0", "a"), "1.0")
    add(DEMO, [good], tmp_path / "out", tmp_path / "cache")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    broken = tmp_path / "demo-2.0-py3-none-any.whl"
    broken.write_bytes(b"no wheel")
    with pytest.raises(ValueError):
        add(DEMO, [offer(broken, "2.0")], tmp_path / "out", tmp_path / "cache")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


KILLED = """
import sys, time
from pathlib import Path
from doctor.matrix.update.build import atomic
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for byte in (b"a", b"b"):
        atomic(path, byte * 200_000)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "data.gz"
    atomic(path, b"a" * 200_000)
    for _ in range(8):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(0.03)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        data = path.read_bytes()
        assert len(data) == 200_000 and len(set(data)) == 1


def test_spans_round_trip() -> None:
    for mask in (0b1, 0b1011, (1 << 200) - 1, 1 << 199, 0b111_0001):
        assert bits(span(mask, 200), 200) == mask


@pytest.mark.parametrize("data", [b"", b"not gzip", b"\x1f\x8b\x08\x00"])
def test_a_damaged_file_is_one_named_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.gz").write_bytes(data)
    for reader in (FactsFile.read, NamesIndex.read):
        with pytest.raises(NamesError):
            reader(tmp_path / "x.gz")


def test_all_data_fits_into_less_than_five_megabytes() -> None:
    """3.2 MB for what `check`, `run` and `probe` read, and 1.5 MB for the engines' own refusals, which only `explain` reads."""
    sizes = {p: p.stat().st_size for p in data_dir().rglob("*") if p.is_file()}
    assert sum(sizes.values()) < 4_700_000
    assert sum(size for path, size in sizes.items() if path.parent.name != "raising") < 3_200_000


def test_settings_come_from_the_user_before_any_default(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "VIRTUAL_ENV": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    (tmp_path / "c/pip").mkdir(parents=True)
    (tmp_path / "c/pip/pip.conf").write_text("[global]\nindex_url = https://file.example/simple/\ncert = /ca.pem\n")
    found = index_settings(home)
    assert (found.url, found.certificates) == ("https://file.example/simple", "/ca.pem")
    assert index_settings({**home, "PIP_INDEX_URL": "https://env.example/s"}).url == "https://env.example/s"
    assert index_settings({**home, "UV_DEFAULT_INDEX": "name=https://uv.example/s"}).url == "https://uv.example/s"
    assert index_settings({**home, "UV_DEFAULT_INDEX": "https://uv.example/s?a=b"}).url == "https://uv.example/s?a=b"
    assert index_settings({**home, "PIP_CONFIG_FILE": os.devnull}).url == default_index()


def test_the_default_index_is_pips_own() -> None:
    assert default_index().startswith("https://") and default_index().endswith("/simple")


def test_command_line(tmp_path: Path) -> None:
    run = CliRunner().invoke
    listed = run(main, ["matrix", "list", "--format", "json"])
    assert "4.57.0" in json.loads(listed.stdout)["projects"]["transformers"]["yanked"]
    shown = run(main, ["matrix", "show", "transformers==4.46.1", "--format", "json"])
    assert json.loads(shown.stdout)["checks"]["tokenizers"]["requirement"] == "tokenizers>=0.20,<0.21"
    for wrong in (["show", "lmdeploy==99"], ["show", "nothing==1"], ["add", "nothing==1"], ["add", "lmdeploy"]):
        assert run(main, ["matrix", *wrong]).exit_code == 2
    empty = run(main, ["matrix", "add", "lmdeploy==0.18.0", "--find-links", str(tmp_path), "--to", str(tmp_path)])
    assert empty.exit_code == 3


def test_every_project_can_be_extracted() -> None:
    for one in PROJECTS:
        one.extract()
