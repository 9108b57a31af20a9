"""What is installed, from real wheels in real folders: healthy, half-removed, hostile."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from env_factory import digest, make_venv, python_of, request, site_of, unpack, wheel

from doctor.collect.packages.distributions import read_distributions
from doctor.collect.python.target import find_target
from doctor.facts import Distributions
from doctor.facts.codec import from_json, to_json


def read(*folders: Path, verify: tuple[str, ...] = (), deep: bool = False, **more: object) -> Distributions:
    """The distributions of plain folders."""
    target = find_target(request(paths=tuple(map(str, folders)), python_version="3.10.4", platform="linux-x86_64"))
    return read_distributions(replace(target, **more), deep=deep, verify=verify)  # type: ignore[arg-type]


def install(tmp: Path, name: str, version: str = "1.0", **more: object) -> Path:
    """A wheel laid out in `tmp/site`."""
    site = tmp / "site"
    site.mkdir(exist_ok=True)
    unpack(wheel(tmp, name, version, **more), site)  # type: ignore[arg-type]
    return site


def test_everything_of_a_wheel(tmp_path: Path) -> None:
    site = install(
        tmp_path, "My.Pkg", "1.2", requires=("numpy >=1.0", "x ; extra == 'a'"), extras=("a",), python=">=3.8",
        scripts="mine = mod:run", tag="cp310-cp310-manylinux_2_17_x86_64",
        files=dict.fromkeys(
            ("mod.py", "_ext.cpython-310-x86_64-linux-gnu.so", "pkg/sub/x.py", "data.libs/a.so", "share/x"), ""
        ),
    )  # fmt: skip
    (site / "My.Pkg-1.2.dist-info/INSTALLER").write_text("uv\n")
    (one,) = read(site).installed
    assert (one.name, one.key, one.version, one.installer) == ("My.Pkg", "my-pkg", "1.2", "uv")
    assert one.requires == ("numpy >=1.0", "x ; extra == 'a'") and one.extras == ("a",)
    assert one.requires_python == ">=3.8" and one.tags == ("cp310-cp310-manylinux_2_17_x86_64",)
    assert one.top_level == ("_ext", "mod", "pkg")
    assert one.entry_points == (("console_scripts", "mine", "mod:run"),)
    assert one.record_sha256 and not one.editable
    facts = read(site)
    assert from_json(Distributions, to_json(facts), "facts") == facts


def test_local_version_that_only_version_py_knows(tmp_path: Path) -> None:
    code = "from typing import Optional\n__all__ = ['__version__']\n__version__ = '2.12.1+cu130'\ndebug = False\n"
    install(tmp_path, "torch", "2.12.1", files={"torch/__init__.py": "", "torch/version.py": code})
    install(tmp_path, "annotated", "0.3", files={"annotated/_version.py": "__version__: str = '0.3+g12.d2'\n"})
    install(tmp_path, "other", "1.0", files={"other/version.py": "__version__ = '1.0.1+cu1'\n"})
    site = install(
        tmp_path, "computed", "1.0", files={"computed/version.py": "__version__ = '1.0+' + open('x').read()"}
    )
    found = read(site)
    assert {d.key: d.build for d in found.installed} == {
        "torch": "2.12.1+cu130", "annotated": "0.3+g12.d2", "other": None, "computed": None,
    }  # fmt: skip
    assert found.version("torch") == "2.12.1+cu130"


def test_collision_names_owners_and_content_on_disk(tmp_path: Path) -> None:
    shared = {"nvidia/lib/libx.so.2": "old content", "nvidia/same.h": "same", "nvidia/lib/equal.txt": "aaaa"}
    install(tmp_path, "nv-cu12", files=shared)
    site = install(tmp_path, "nv-cu13", files={**shared, "nvidia/lib/libx.so.2": "new", "nvidia/lib/equal.txt": "bbbb"})
    found = read(site).collisions
    assert [(c.path, c.on_disk) for c in found] == [
        ("nvidia/lib/equal.txt", "nv-cu13"),
        ("nvidia/lib/libx.so.2", "nv-cu13"),
    ]
    assert {(o.distribution, o.version) for o in found[0].owners} == {("nv-cu12", "1.0"), ("nv-cu13", "1.0")}
    assert {o.sha256 for o in found[1].owners} == {digest(b"old content"), digest(b"new")}
    (site / "nvidia/lib/equal.txt").write_text("cccc")
    (site / "nvidia/lib/libx.so.2").unlink()
    assert [c.on_disk for c in read(site).collisions] == [None, None]


def test_collision_of_single_modules_odd_names_and_scripts(tmp_path: Path) -> None:
    install(tmp_path, "a", files={"one.py": "1", "d/x, y.py": "1", "../bin/run": "1", "one.pyc": "1"})
    site = install(tmp_path, "b", files={"one.py": "22", "d/x, y.py": "22", "../bin/run": "22", "one": "1"})
    assert [(c.path, c.on_disk) for c in read(site).collisions] == [
        ("../bin/run", None),
        ("d/x, y.py", "b"),
        ("one.py", "b"),
    ]


def test_no_collision_of_equal_or_separate_files(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    install(tmp_path, "a", files={"ns/a.py": "1", "ns/LICENSE": "same"})
    site = install(tmp_path, "b", files={"ns/b.py": "2", "ns/LICENSE": "same"})
    unpack(wheel(tmp_path, "c", files={"ns/a.py": "3"}), other)
    assert read(site, other).collisions == ()


def test_changed_and_missing_files_of_an_engine(tmp_path: Path) -> None:
    files = {f"lmdeploy/{n}.py": f"import {n}\n" for n in ("a", "b", "c", "d")}
    files["lmdeploy/with, comma.py"] = "x"
    site = install(tmp_path, "lmdeploy", "0.11.1", files=files)
    assert read(site, verify=("lmdeploy",)).changed == ()
    (site / "lmdeploy/a.py").write_text("# import a\n")  # another size
    kept = (site / "lmdeploy/b.py").stat()
    (site / "lmdeploy/b.py").write_text("import B\n")  # the same size, and the old time put back
    os.utime(site / "lmdeploy/b.py", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    (site / "lmdeploy/c.py").unlink()
    found = {c.path: c.change for c in read(site, verify=("lmdeploy",)).changed}
    assert found == {"lmdeploy/a.py": "modified", "lmdeploy/b.py": "modified", "lmdeploy/c.py": "missing"}
    assert read(site).changed == ()


def test_shadowed_and_duplicate(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, version in ((first, "1.0"), (second, "2.0"), (second, "3.0")):
        unpack(wheel(tmp_path, "thing", version), folder)
    found = read(first, second)
    assert [d.version for d in found.installed] == ["1.0"]
    assert sorted(d.version for d in (*found.shadowed, *found.duplicates)) == ["2.0", "3.0"]
    alone = read(second)
    assert len(alone.installed) == len(alone.duplicates) == 1 and not alone.shadowed


def test_egg_info_folder_and_file(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "old.egg-info").mkdir(parents=True)
    (site / "old.egg-info/PKG-INFO").write_text("Metadata-Version: 1.2\nName: old\nVersion: 0.1\n")
    (site / "old.egg-info/requires.txt").write_text("six>=1.0\n\n[fast]\nnumpy\n\n[:python_version < '3']\nenum34\n")
    (site / "old.egg-info/top_level.txt").write_text("oldmod\n")
    (site / "flat-2.0.egg-info").write_text("Metadata-Version: 1.0\nName: flat\nVersion: 2.0\n")
    found = {d.name: d for d in read(site).installed}
    assert found["flat"].version == "2.0" and found["old"].top_level == ("oldmod",)
    assert found["old"].requires == ("six>=1.0", 'numpy ; extra == "fast"', "enum34 ; (python_version < '3')")


def test_metadata_of_every_age(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "aged-1.dist-info").mkdir(parents=True)
    (site / "aged-1.dist-info/METADATA").write_bytes(
        b"Metadata-Version: 2.0\r\nname: aged\r\nVersion: 1\r\nSummary: caf\xe9\r\n"
        b"License: a\r\n   folded: text\r\nRequires-Dist: torch (<=2.1.2,>=2.0.0)\r\n\r\nRequires-Dist: not-this\r\n"
    )
    (one,) = read(site).installed
    assert (one.name, one.version, one.requires) == ("aged", "1", ("torch (<=2.1.2,>=2.0.0)",))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "gives no name"),
        (b"\x00\xff\xfe garbage", "gives no name"),
        (b"Name: ok-name\n", "gives no version"),
        (b"Name: ../../etc\nVersion: 1\n", "no valid name"),
        (b"Name: \x1b[31mred\nVersion: 1\n", "no valid name"),
        (None, "not a regular file"),
        (b"x" * ((1 << 20) + 1), "more than"),
    ],
)
def test_unreadable_metadata_is_one_sentence_and_the_rest_is_read(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    site = install(tmp_path, "good")
    bad = site / "bad-1.dist-info"
    bad.mkdir()
    if content is None:
        (bad / "METADATA").mkdir()
    else:
        (bad / "METADATA").write_bytes(content)
    found = read(site)
    assert [d.name for d in found.installed] == ["good"]
    (problem,) = found.problems
    assert sentence in problem.message and "bad-1.dist-info" in problem.message
    assert "\n" not in problem.message and "\x1b" not in problem.message


def test_half_removed_and_empty(tmp_path: Path) -> None:
    site = install(tmp_path, "good")
    for name in ("~idecode-0.2.dist-info", "~idecode", "empty-1.0.dist-info"):
        (site / name).mkdir()
    found = read(site)
    assert [d.name for d in found.installed] == ["good"]
    assert sorted(Path(p.path).name for p in found.problems) == [
        "empty-1.0.dist-info",
        "~idecode",
        "~idecode-0.2.dist-info",
    ]


@pytest.mark.parametrize(
    "line",
    ["/etc/passwd,sha256=x,1", "../../../../../../etc/passwd,sha256=x,1", '"/etc/a,b",,', "a/../../../../../x,,"],
)
def test_record_that_leaves_the_environment(tmp_path: Path, line: str) -> None:
    prefix = make_venv(tmp_path / "v")
    unpack(wheel(tmp_path, "evil"), site_of(prefix))
    record = site_of(prefix) / "evil-1.0.dist-info/RECORD"
    record.write_text("../../../bin/evil,sha256=x,1\n" + record.read_text() + line + "\n")
    found = read_distributions(find_target(request(python=str(prefix))), verify=("evil",))
    assert [d.name for d in found.installed if d.name == "evil"] == ["evil"]
    (problem,) = found.problems
    assert "outside the environment" in problem.message and "more" not in problem.message
    assert found.changed == ()


def test_record_never_makes_us_read_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("s = 1\n")
    site = install(tmp_path, "one", files={"one/__init__.py": ""})
    install(tmp_path, "two", files={"two/__init__.py": ""})
    for name in ("one", "two"):
        record = site / f"{name}-1.0.dist-info/RECORD"
        body = f"../secret.py,sha256={digest(name.encode())},6\n{secret},sha256={digest(name.encode())},6\n"
        record.write_text(record.read_text() + body)
    found = read(site, verify=("one", "two"))
    assert found.changed == ()
    assert all(c.on_disk is None for c in found.collisions)


def test_huge_record_is_refused(tmp_path: Path) -> None:
    site = install(tmp_path, "huge")
    with (site / "huge-1.0.dist-info/RECORD").open("wb") as handle:
        handle.truncate(100 << 20)
    found = read(site)
    assert [d.name for d in found.installed] == ["huge"] and "more than" in found.problems[0].message


def test_symlink_loop_and_file_in_place_of_a_folder(tmp_path: Path) -> None:
    site = install(tmp_path, "good")
    (site / "loop-1.dist-info").symlink_to(site / "loop-1.dist-info")
    (site / "file-1.dist-info").write_text("not a folder")
    (tmp_path / "notdir").write_text("a file on the path")
    found = read(site, tmp_path / "notdir")
    assert [d.name for d in found.installed] == ["good"]
    assert {Path(p.path).name for p in found.problems} == {"loop-1.dist-info", "file-1.dist-info"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_folder_without_permission(tmp_path: Path) -> None:
    site = install(tmp_path, "good")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    found = read(closed, site)
    closed.chmod(0o700)
    assert [d.name for d in found.installed] == ["good"] and "ermission" in found.problems[0].message


def test_folder_that_vanishes_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a folder without permission looks like to us, for those who run the tests as root."""
    site = install(tmp_path, "good")
    closed = tmp_path / "closed"
    closed.mkdir()
    real = os.listdir

    def listdir(path: str) -> list[str]:
        if path == str(closed):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    found = read(closed, site)
    assert [d.name for d in found.installed] == ["good"]
    assert found.problems[0].message.endswith(
        "cannot be read (permission denied), so it is unknown what is installed there"
    )


def test_secrets_of_direct_url_are_redacted(tmp_path: Path) -> None:
    site = install(tmp_path, "mine", requires=("dep @ https://bob:hunter2@example.test/dep.whl",))
    (site / "mine-1.0.dist-info/direct_url.json").write_text(
        '{"url": "https://user:s3cret@example.test/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}'
    )
    (one,) = read(site).installed
    assert one.origin == "https://***@example.test/x.git@abc"
    assert "hunter2" not in one.requires[0] and "s3cret" not in str(to_json(read(site)))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"url": 3}', "[" * 100_000, '{"dir_info": {"editable": "yes"}, "url": "x"}', "9" * 9999]
)
def test_direct_url_that_is_no_json_of_that_kind(tmp_path: Path, text: str) -> None:
    site = install(tmp_path, "mine")
    (site / "mine-1.0.dist-info/direct_url.json").write_text(text)
    (one,) = read(site).installed
    assert not one.editable


def test_editable_install_by_path_line(tmp_path: Path) -> None:
    source = tmp_path / "src"
    (source / "mine").mkdir(parents=True)
    (source / "mine/__init__.py").touch()
    prefix = make_venv(tmp_path / "v")
    unpack(wheel(tmp_path, "mine-dist", files={"_mine.pth": f"{source}\n"}), site_of(prefix))
    (site_of(prefix) / "mine_dist-1.0.dist-info/direct_url.json").write_text(
        f'{{"url": "file://{source}", "dir_info": {{"editable": true}}}}'
    )
    (one,) = (d for d in read_distributions(find_target(request(python=str(prefix)))).installed if d.key == "mine-dist")
    assert one.editable and one.top_level == ("mine",)


CHECK = """from .dependency_versions_table import deps
pkgs_to_check_at_runtime = ["python", "tqdm", "tokenizers", "accelerate"]
for pkg in pkgs_to_check_at_runtime:
    if pkg in deps:
        if pkg == "tokenizers":
            if not is_tokenizers_available():
                continue
        elif pkg == "accelerate":
            if not is_accelerate_available():
                continue
        require_version_core(deps[pkg])
"""


def test_gates_are_read_from_the_checking_files(tmp_path: Path) -> None:
    table = (
        "deps = {'python': 'python>=3.8.0', 'tqdm': 'tqdm>=4.27', 'tokenizers': 'tokenizers>=0.14,<0.19', 'x': 'x'}\n"
    )
    files = {f"transformers/dependency_versions_{n}.py": t for n, t in (("check", CHECK), ("table", table))}
    old = {k.replace("transformers", "old"): v for k, v in files.items()}
    old["old/dependency_versions_check.py"] = CHECK.replace(
        '["python", "tqdm", "tokenizers", "accelerate"]', '"python tqdm".split()'
    )
    install(tmp_path, "old", files=old)
    broken = {"broken/dependency_versions_check.py": "def (", "broken/dependency_versions_table.py": "deps = dict()"}
    install(tmp_path, "broken", files=broken)
    gates = [g for g in read(install(tmp_path, "transformers", "4.38.2", files=files)).gates if g.distribution != "old"]
    assert [(g.requirement, g.optional, g.line) for g in gates] == [
        ("python>=3.8.0", False, 11), ("tqdm>=4.27", False, 11), ("tokenizers>=0.14,<0.19", True, 11),
    ]  # fmt: skip
    assert [g.requirement for g in read(tmp_path / "site").gates if g.distribution == "old"] == [
        "python>=3.8.0",
        "tqdm>=4.27",
    ]


def test_shadows_of_the_first_folder(tmp_path: Path) -> None:
    site = install(tmp_path, "torch", files={"torch/__init__.py": ""})
    install(tmp_path, "tqdm", files={"tqdm/__init__.py": ""})
    stdlib, work = tmp_path / "lib", tmp_path / "work"
    stdlib.mkdir()
    (stdlib / "types.py").touch()
    for name in ("torch", "tqdm", "data"):
        (work / name).mkdir(parents=True)
    (work / "torch/__init__.py").touch()
    for name in ("types.py", "server.py", "notes.txt"):
        (work / name).touch()
    found = read(site, front=str(work), stdlib=(str(stdlib),)).shadows
    assert [(s.module, s.hides) for s in found] == [("torch", "torch"), ("types", "the standard library")]
    assert read(site).shadows == () == read(site, front=str(site)).shadows


def test_nothing_of_the_target_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreter, pip, modules, sitecustomize and `.pth` code would each write a file: none appears."""
    proof = tmp_path / "ran"
    prefix = make_venv(tmp_path / "v")
    site = site_of(prefix)
    bomb = f"open({str(proof)!r}, 'a').write(__name__)\n"
    for name in ("sitecustomize", "usercustomize", "torch", "transformers", "pip", "setuptools"):
        (site / f"{name}.py").write_text(bomb)
    (site / "code.pth").write_text(f"import os; {bomb}")
    (site / "__editable___x_finder.py").write_text(f"MAPPING = {{'x': '/x'}}\n{bomb}")
    (site / "__editable__.x.pth").write_text("import __editable___x_finder; __editable___x_finder.install()\n")
    files = {"lmdeploy/__init__.py": bomb, "lmdeploy/version.py": f"__version__ = '1.0+x'\n{bomb}"}
    files["lmdeploy/dependency_versions_check.py"] = CHECK + bomb
    unpack(wheel(tmp_path, "lmdeploy", files=files), site)
    shell = f"#!/bin/sh\necho ran >> {proof}\n"
    for name in ("python", "python3", "pip", "lmdeploy", "uv", "conda"):
        (prefix / "bin").mkdir(exist_ok=True)
        (prefix / "bin" / name).unlink(missing_ok=True)
        (prefix / "bin" / name).write_text(shell)
        (prefix / "bin" / name).chmod(0o755)
    started: list[object] = []
    starts = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork")
    sys.addaudithook(lambda event, args: started.append(args) if event in starts else None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    environ = {"PATH": str(prefix / "bin"), "VIRTUAL_ENV": str(prefix)}
    ways: tuple[dict[str, object], ...] = (
        {"python": str(prefix)}, {"python": str(prefix / "bin/python")}, {"launcher": ("lmdeploy", "serve")}, {},
        {"launcher": ("python", "-m", "lmdeploy")}, {"launcher": ("uv", "run", "lmdeploy")}, {"paths": (str(site),)},
    )  # fmt: skip
    for way in ways:
        target = find_target(request(environ=environ, cwd=str(tmp_path), **way))
        assert read_distributions(target, deep=True, verify=("lmdeploy",)).get("lmdeploy")
    assert not proof.exists() and not started


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_root_keeps_distributions_inside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    site = root / "site"
    for folder in (site, outside):
        folder.mkdir(parents=True)
    unpack(wheel(tmp_path, "inner"), site)
    unpack(wheel(tmp_path, "outer"), outside)
    (site / "outer-1.0.dist-info").symlink_to(outside / "outer-1.0.dist-info")
    (site / "inner-1.0.dist-info/INSTALLER").symlink_to(outside / "outer-1.0.dist-info/WHEEL")
    target = find_target(request(paths=("/site",), root=str(root), python_version="3.10"))
    found = read_distributions(target)
    assert [(d.name, d.installer) for d in found.installed] == [("inner", None)]


def test_pip_installs_what_we_read(tmp_path: Path) -> None:
    """A real pip lays it out; the venv's own answer is the truth."""
    prefix = make_venv(tmp_path / "v", pip=True)
    wheels = [str(wheel(tmp_path, "real-one", "2.0", requires=("other",), scripts="real-one = real_one:x"))]
    command = [str(python_of(prefix)), "-m", "pip", "install", "-q", "--no-index", "--no-deps", *wheels]
    subprocess.run(command, check=True, timeout=120)
    found = read_distributions(find_target(request(python=str(prefix))), verify=("real-one",))
    one = found.get("real_one")
    assert one is not None and one.installer == "pip" and one.requires == ("other",)
    assert found.problems == () and found.changed == ()
