"""Targets that are not what they should be: one clear sentence each, and the rest is still checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import answer, distribution, doctor, found, lay_out


def check(site: Path, home: Path, *words: str) -> dict[str, object]:
    done = doctor("check", "--path", str(site), "--python-version", "3.11", "--format", "json", *words, home=home)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    return answer(done)


@pytest.mark.parametrize("words", [("--python", "/no/such/place"), ("--python", "/usr/share/doc"), ("--path", "/no/such/place"),
                                   ("--root", "/no/such/place"), ("--python-version", "three", "--path", "/tmp")])  # fmt: skip
def test_no_environment_is_a_usage_error(words: tuple[str, ...], tmp_path: Path) -> None:
    done = doctor("check", *words, home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("Error:") == 1 and "Traceback" not in done.stderr
    assert words[1].split("/")[-1] in done.stderr


FIX = [
    (("--undo", "--python", "/no/such/place"), "does not exist"), (("--list", "--python", "/no/such/place"), "does not exist"),
    (("--recover", "--python", "/no/such/place"), "does not exist"), (("--undo", "--apply"), "cannot be used together"),
    (("--plan", "--to", "pins.txt"), "--apply"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), FIX, ids=lambda v: " ".join(v) if isinstance(v, tuple) else "")
def test_a_repair_that_cannot_be_meant(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = doctor("fix", *words, home=tmp_path)
    assert done.returncode == 2 and said in done.stderr


@pytest.mark.parametrize("words", [("check", "--root"), ("check", "--python"), ("report",), ("runs", "show")])
def test_no_error_brings_a_terminals_codes(words: tuple[str, ...], tmp_path: Path) -> None:
    done = doctor(*words, "/no/\u202e\x1b]0;x\x07", home=tmp_path)
    assert done.returncode == 2 and "\\u202e" in done.stderr and not {"\u202e", "\x1b", "\x07"} & set(done.stderr)


BROKEN_SOURCES: dict[str, tuple[bytes, str]] = {
    "too large": (b"x = 1\n" + b"#" * (100 << 20), "unknown"),
    "not UTF-8": (b"x = '\xff\xfe'\n", "fail"),
    "does not parse": (b"def f(:\n", "fail"),
    "NUL bytes": (b"x = 1\x00\n", "fail"),
    "nested without end": (b"x = " + b"-" * 100_000 + b"1\n", "fail"),
}


@pytest.mark.parametrize("kind", BROKEN_SOURCES)
def test_one_bad_source_does_not_hide_the_others(kind: str, tmp_path: Path) -> None:
    source, status = BROKEN_SOURCES[kind]
    files = {"lmdeploy/__init__.py": "", "lmdeploy/bad.py": source, "lmdeploy/worse.py": "import nowhere_to_be_found\n"}
    lay_out(tmp_path / "site", distribution("lmdeploy", "0.11.1", files))
    done = doctor("link", "lmdeploy", "--path", str(tmp_path / "site"), "--python-version", "3.11", "--format", "json", home=tmp_path)
    modules = answer(done)["modules"]
    assert modules["lmdeploy.bad"]["status"] == status
    assert modules["lmdeploy.worse"]["cause"]["module"] == "nowhere_to_be_found"
    assert modules["lmdeploy"]["status"] == "ok"


def test_loop_of_links_and_fifo(tmp_path: Path) -> None:
    import os

    site = lay_out(tmp_path / "site", distribution("lmdeploy", "0.11.1", {"lmdeploy/__init__.py": "import nowhere_a\n"}))
    (site / "loop").symlink_to(site / "loop")
    (site / "round").symlink_to(site)
    os.mkfifo(site / "lmdeploy/pipe.py")
    data = check(site, tmp_path)
    assert data["summary"]["error"] + data["summary"]["warning"] + data["summary"]["note"] > 0  # type: ignore[index]


def test_unreadable_metadata_is_named(tmp_path: Path) -> None:
    site = lay_out(tmp_path / "site", {"broken-1.0.dist-info/METADATA": b"\xff\xfe\x00", **distribution("fine", "1.0", {"fine.py": ""})})
    done = check(site, tmp_path)
    assert any("broken" in str(f) for f in found(done, "PKG003"))


def test_record_that_leaves_the_prefix(tmp_path: Path) -> None:
    site = lay_out(tmp_path / "site", distribution("evil", "1.0", {"evil.py": ""}))
    (site / "evil-1.0.dist-info/RECORD").write_text("/etc/passwd,sha256=x,1\n../../../../etc/shadow,sha256=y,1\nevil.py,,\n")
    data = check(site, tmp_path)
    assert "root:" not in str(data)
    assert any("evil" in str(f) for f in found(data, "PKG003"))


def test_terminal_escapes_do_not_pass(tmp_path: Path) -> None:
    files = {"lmdeploy/__init__.py": "import nowhere_a\n", "lmdeploy/\x1b]0;owned\x07.py": "import nowhere_b\n"}
    site = lay_out(tmp_path / "site", distribution("lmdeploy", "0.11.1", files))
    (site / "evil\x1b[31m-1.0.dist-info").mkdir()
    (site / "evil\x1b[31m-1.0.dist-info/METADATA").write_text("Name: evil\x1b[2J\nVersion: 1\u202e0\n\n")
    for form in ("terminal", "json"):
        done = doctor("check", "--path", str(site), "--python-version", "3.11", "--format", form, "-v", home=tmp_path)
        for bad in ("\x1b", "\x07", "\u202e"):
            assert bad not in done.stdout, form


def test_secrets_do_not_reach_the_facts(tmp_path: Path) -> None:
    site = lay_out(tmp_path / "site", distribution("lmdeploy", "0.11.1", {"lmdeploy/__init__.py": ""}))
    (site / "lmdeploy-0.11.1.dist-info/direct_url.json").write_text('{"url": "https://me:hunter22@host/x.whl", "archive_info": {}}')
    secrets = ("hunter22", "sk-abcdefghijklmnopqrstuvwx", "plainSecretValue99", "hf_abcdefghijklmnopqrst")
    done = doctor("facts", "--path", str(site), "--python-version", "3.11", "--", "env", f"HF_TOKEN={secrets[3]}", "lmdeploy",
                  "serve", "api_server", "M", "--api-keys", secrets[2], secrets[1], home=tmp_path, HF_TOKEN=secrets[3])  # fmt: skip
    assert done.returncode == 0, done.stderr
    for secret in secrets:
        assert secret not in done.stdout
    assert "***" in done.stdout


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "target": 5}', "[" * 100_000])
def test_facts_files_that_are_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(text)
    done = doctor("check", "--facts", str(tmp_path / "facts.json"), home=tmp_path)
    assert done.returncode == 3
    assert "facts.json" in done.stderr and "Traceback" not in done.stderr


def test_links_below_a_root_do_not_lead_out_of_it(tmp_path: Path) -> None:
    """A module, a package and a folder that are links to the host: absolute ones mean the root's own files."""
    root, host = tmp_path / "root", tmp_path / "host"
    site = lay_out(root / "site", distribution("demo", "1.0", {"demo/__init__.py": ""}))
    lay_out(host, {"secret.py": "import only_the_host_has_this\n", "pack/__init__.py": "import only_the_host_has_this\n"})
    (site / "demo/absolute.py").symlink_to(host / "secret.py")
    (site / "demo/climbing.py").symlink_to("../" * 40 + str(host / "secret.py").lstrip("/"))
    (site / "demo/folder").symlink_to(host / "pack")
    done = doctor("link", "demo", "--root", str(root), "--path", "/site", "--python-version", "3.11", "--format", "json",
                  home=tmp_path)  # fmt: skip
    assert "only_the_host" not in done.stdout + done.stderr
    assert answer(done)["modules"]["demo"]["status"] == "ok", done.stdout


def test_a_facts_file_without_end_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "facts.json").symlink_to("/dev/zero")
    done = doctor("check", "--facts", str(tmp_path / "facts.json"), home=tmp_path)
    assert done.returncode == 3 and "facts.json" in done.stderr and "regular file" in done.stderr
