"""Whatever the files of a target hold, they are read without an exception, and nothing outside is looked at."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from env_factory import make_venv, request, site_of, unpack, wheel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.base.files import Files, Unreadable
from doctor.collect.packages.distributions import read_distributions
from doctor.collect.python.target import TargetError, find_target
from doctor.facts import Facts
from doctor.facts.codec import facts_from_json, to_json
from doctor.rules.engine import evaluate
from doctor.rules.pkg import PKG_RULES

NAMES = (
    "x-1.dist-info/METADATA", "x-1.dist-info/RECORD", "x-1.dist-info/direct_url.json", "x-1.dist-info/WHEEL",
    "x-1.dist-info/entry_points.txt", "x-1.dist-info/INSTALLER", "x-1.dist-info/top_level.txt", "y.egg-info/PKG-INFO",
    "y.egg-info/requires.txt", "z-1.egg-info", "code.pth", "__editable___x_finder.py", "x/version.py",
    "x/dependency_versions_check.py", "x/dependency_versions_table.py",
)  # fmt: skip
PIECES = (
    b"Name: x\n",
    b"Version: 1\n",
    b"Requires-Dist: ",
    b"x>=1.*",
    b"; extra == 'a'",
    b"\n\n",
    b"\r\n",
    b"x/version.py,sha256=AA,3\n",
    b"../../../../../../etc/passwd,sha256=AA,1\n",
    b"/etc/passwd,sha256=AA,1\n",
    b'"a,b.py",sha256=AA,9\n',
    b'"',
    b",,",
    b"\x00",
    b"\xff\xfe",
    b"\xf0\x9f\x92\xa9",
    b"\x1b[31m",
    b"import __editable___x_finder; x()\n",
    b"import os; os._exit(3)\n",
    b"/\n",
    b"..\n",
    b"MAPPING = {'x': '/x', 'y': 3, 4: 'z'}\n",
    b"NAMESPACES = {'n': ['/n', 5]}\n",
    b"deps = {'tqdm': 'tqdm>=1', 'q': 4}\n",
    b"pkgs_to_check_at_runtime = ['tqdm', 'q', 5, []]\n",
    b"pkgs_to_check_at_runtime = 'tqdm q'.split()\n",
    b"__version__ = '1+cu1'\n",
    b"home = ",
    b"home = /usr/bin\n",
    b"home = /nowhere\n",
    b"include-system-site-packages = true\n",
    b"{" * 500,
    b"[" * 500,
    b'{"url": 1}',
    b'{"url": "https://u:p@h/x", "dir_info": []}',
    b"[console_scripts]\n",
    b"a = b:c\n",
    b"Tag: py3-none-any\n",
    b"Requires-Python: >=3.*\n",
    b"Requires-Python: nonsense\n",
)
WORDS = (
    *("env", "-u", "A=b", "nohup", "uv", "run", "--", "-m", "python", "-", "timeout", "conda", "-n", "-S", "/", ".."),
    *("\x00", "--python", "-p", "-mx", "sudo", ""),
)
CONTENT = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "v")


@pytest.fixture
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(st.sampled_from(NAMES), CONTENT, max_size=len(NAMES)), config=CONTENT)
def test_any_content_is_survived_and_saved(prefix: Path, files: dict[str, bytes], config: bytes) -> None:
    site = site_of(prefix)
    for one in site.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    (prefix / "pyvenv.cfg").write_bytes(b"version = 3.10.2\n" + config)
    for name, content in files.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_bytes(content)
    target = find_target(request(python=str(prefix), launcher=("python", "-m", "x"), cwd=str(site / "..")))
    facts = Facts(target, read_distributions(target, deep=True, verify=("x",)))
    assert facts_from_json(to_json(facts)) == facts
    assert [r.code for r in evaluate(facts, PKG_RULES) if r.status == "broken"] == []
    text = str(to_json(facts.distributions))
    assert "\x1b" not in text and "u:p@" not in text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(CONTENT, CONTENT.map(lambda c: b"#!" + c), st.text(max_size=80).map(lambda t: f"#!{t}".encode()))
)
def test_any_launcher_is_survived(prefix: Path, scratch: Path, content: bytes) -> None:
    launcher = scratch / "lmdeploy"
    launcher.write_bytes(content)
    launcher.chmod(0o755)
    environ = {"PATH": str(scratch), "VIRTUAL_ENV": str(prefix)}
    target = find_target(request(launcher=("lmdeploy", "serve"), environ=environ))
    assert target.prefix


@settings(max_examples=300, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS)))
def test_any_command_is_survived(words: list[str]) -> None:
    with contextlib.suppress(TargetError):
        find_target(request(launcher=tuple(words), environ={"PATH": "/nowhere"}))


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.sampled_from(("..", ".", "a", "b", "loop", "out", "abs", "up", "")), max_size=8))
@pytest.mark.skipif(os.name == "nt", reason="needs symlinks")
def test_root_is_never_left_by_any_path(parts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "root"
        (root / "a/b").mkdir(parents=True)
        (Path(name) / "secret").write_text("secret")
        for link, to in (("loop", "loop"), ("out", f"{name}"), ("abs", "/a"), ("up", "../../..")):
            (root / link).symlink_to(to)
            (root / "a" / link).symlink_to(to)
        files = Files(str(root))
        path = "/" + "/".join(parts)
        real = files.real(path)
        assert real == files.root or real.startswith(f"{files.root}/")
        assert not files.isfile(os.path.join(path, "secret"))


def test_safe_open_refuses_what_is_no_plain_file(tmp_path: Path) -> None:
    files = Files()
    (tmp_path / "big").write_bytes(b"x" * 101)
    for path, sentence in (
        (tmp_path, "regular|directory"),
        (tmp_path / "big", "101 bytes"),
        (tmp_path / "no", "no such file"),
    ):
        with pytest.raises(Unreadable, match=sentence):
            files.read(str(path), 100)
    if Path("/dev/zero").exists():
        with pytest.raises(Unreadable, match="not a regular file"):
            files.read("/dev/zero", 100)
    assert files.read(str(tmp_path / "big"), 101) == b"x" * 101


def test_path_line_cannot_hide_an_installed_module(prefix: Path, tmp_path: Path) -> None:
    """`.pth` entries come after the folder they stand in, as with `site`."""
    (tmp_path / "late").mkdir()
    for folder in (tmp_path / "late", site_of(prefix)):
        unpack(wheel(tmp_path, "thing", "1.0" if folder.name == "late" else "2.0"), folder)
    (site_of(prefix) / "late.pth").write_text(str(tmp_path / "late"))
    found = read_distributions(find_target(request(python=str(prefix))))
    assert found.version("thing") == "2.0" and [d.version for d in found.shadowed] == ["1.0"]
