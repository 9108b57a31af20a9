"""The one reader: bounded, never held up, never outside its root."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from doctor.base.files import Files, Unreadable
from doctor.base.new_files import create_or_empty, create_private, open_append, open_lock
from doctor.base.opening import NotRegular, first_bytes, first_text, mapped, open_any, open_regular, system_bytes
from doctor.matrix.extract.installed import InstalledSource
from doctor.remote.errors import WheelError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs symlinks and FIFOs")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file and links; `secret` stands outside it."""
    inside = tmp_path / "root"
    (inside / "etc").mkdir(parents=True)
    (inside / "etc/name").write_bytes(b"inside\xff")
    (tmp_path / "secret").write_text("secret")
    for link, to in (("absolute", "/etc/name"), ("climbing", "../../../../secret"), ("loop", "loop"), ("gone", "/x")):
        (inside / link).symlink_to(to)
    return inside


def test_links_are_followed_as_the_target_would(root: Path) -> None:
    files = Files(str(root))
    assert files.first("/absolute") == b"inside\xff" and files.first_text("/absolute") == "inside�"
    assert files.found("/absolute") == "/etc/name"
    assert files.real(str(root / "absolute")) == str(root / "etc/name")
    for path in ("/climbing", "/loop", "/gone", "/../secret", "/etc/../../secret", "/a\0b"):
        assert files.first(path) is None and files.maybe(path, 100) is None and files.found(path) is None, path
        assert not files.exists(path) and files.size(path) is None and files.names(path) == []
    assert files.outside(files.inside("/etc/name")) == "/etc/name" and files.outside(str(root)) == "/"
    assert not files.own and Files("/").own and Files().found("/etc/..") == "/"


def test_more_links_than_linux_follows_lead_nowhere(root: Path, tmp_path: Path) -> None:
    """The machine itself would follow the last one: out of the root."""
    (root / "l41").symlink_to(tmp_path / "secret")
    for number in range(41):
        (root / f"l{number}").symlink_to(f"/l{number + 1}")
    files = Files(str(root))
    assert files.first("/l0") is None and files.maybe("/l0", 100) is None
    assert not files.exists("/l0") and not files.isfile("/l0") and files.changed_at("/l0") is None


def test_cut_short_or_refused(root: Path) -> None:
    files = Files(str(root))
    assert files.first("/etc/name", 3) == files.head("/etc/name", 3) == b"ins"
    with pytest.raises(Unreadable, match="7 bytes long, more than the 3"):
        files.read("/etc/name", 3)
    assert files.read("/etc/name", 7) == b"inside\xff"
    with pytest.raises(Unreadable, match="not a regular file"):
        files.read("/etc", 7)
    with pytest.raises(Unreadable, match="no such file"):
        files.read("/loop", 7)


def test_files_that_lie_about_their_size_are_bounded() -> None:
    if not Path("/proc/self/maps").exists():
        pytest.skip("no /proc")
    assert len(Files().first("/proc/self/maps", 100) or b"") == 100
    with pytest.raises(Unreadable, match="grew beyond the 100 bytes"):
        Files().read("/proc/self/maps", 100)
    assert len(system_bytes("/proc/self/maps", 100) or b"") == 100
    assert system_bytes("/proc/none", 100) is None and system_bytes("a\0b", 100) is None
    assert len(system_bytes("/proc/self/status", 1 << 20) or b"") > 200


def test_nothing_waits_for_a_fifo_or_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert Files().first(str(tmp_path / "fifo")) is None
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        with pytest.raises(NotRegular):
            open_regular(path)
        with pytest.raises(NotRegular):
            mapped(path)


def test_few_names_of_a_folder_without_end(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"n{number:02}").touch()
    assert len(Files().few_names(str(tmp_path), 5)) == 5
    assert Files().names(str(tmp_path))[0] == "n00" and Files().few_names(str(tmp_path / "none")) == []


def test_opening_for_reading(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc\xff")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("file")
    assert first_bytes(tmp_path / "link", 2) == b"ab" and first_text(tmp_path / "file", 9) == "abc\udcff"
    with pytest.raises(OSError):
        first_bytes(tmp_path / "link", 2, follow=False)
    assert mapped(tmp_path / "file")[:3] == b"abc" and len(mapped(tmp_path / "empty")) == 0
    handle = open_any(tmp_path)
    assert stat.S_ISDIR(os.fstat(handle).st_mode)
    os.close(handle)


def test_opening_for_writing(tmp_path: Path) -> None:
    before = os.umask(0o277)
    try:
        handle = create_private(tmp_path / "new", append=True)
    finally:
        os.umask(before)
    os.write(handle, b"one")
    os.close(handle)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    (tmp_path / "dangling").symlink_to("elsewhere")
    for path in (tmp_path / "new", tmp_path / "dangling"):
        with pytest.raises(FileExistsError):
            create_private(path)
    with pytest.raises(OSError):
        open_lock(tmp_path / "dangling")
    handle = open_append(tmp_path / "new")
    os.write(handle, b"two")
    os.close(handle)
    assert (tmp_path / "new").read_bytes() == b"onetwo"
    os.close(open_lock(tmp_path / "new"))
    assert (tmp_path / "new").read_bytes() == b"onetwo"
    os.close(create_or_empty(tmp_path / "new", 0o644))
    assert (tmp_path / "new").read_bytes() == b""


def test_an_installed_engine_whose_files_are_fifos_is_an_error(tmp_path: Path) -> None:
    info = tmp_path / "vllm-1.0.dist-info"
    info.mkdir()
    os.mkfifo(info / "RECORD")
    with pytest.raises(WheelError, match="no readable RECORD"):
        InstalledSource(info)
    (info / "RECORD").unlink()
    (info / "RECORD").write_text("vllm/a.py,,\n")
    (tmp_path / "vllm").mkdir()
    os.mkfifo(tmp_path / "vllm/a.py")
    for member in ("vllm/a.py", "vllm/none.py", "a\0b"):
        with pytest.raises(WheelError, match="is missing"):
            InstalledSource(info).read(member, 100)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "a/\udfff\ud800/b", "x" * 5000])
@pytest.mark.parametrize("below", [True, False])
def test_a_name_that_no_file_can_have_is_not_there(tmp_path: Path, name: str, below: bool) -> None:
    files = Files(str(tmp_path) if below else None)
    path = f"{tmp_path}/{name}"
    assert not files.exists(path) and not files.isfile(path) and not files.isdir(path) and files.size(path) is None
    assert files.found(path) is None and files.maybe(path, 9) is None and files.names(path) == [] and not files.barred(path)
    files.real(path)
