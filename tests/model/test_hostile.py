"""Folders that are made to harm: one clear answer, nothing run, in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.base.files import Files, Unreadable
from doctor.collect.model import ModelRequest, launched_model
from doctor.collect.model.code.imports import by_text, imports_of
from doctor.collect.model.parsing import parsed
from doctor.collect.model.place import Folder
from doctor.collect.model.safetensors import Damaged, header, read_header
from doctor.facts import NOT_REQUESTED, Model
from doctor.facts.codec import to_json
from tests.model.files import owl, raw_header
from tests.model.test_facts import read, weights

ROOT = Path(__file__).parents[2]
SECONDS = 8.0
Change = Callable[[Path], object]


def nested(text: str, count: int) -> str:
    return '{"a": ' + text * count


def config(text: str) -> Change:
    return lambda folder: (folder / "config.json").write_text(text)


CONFIGS: dict[str, tuple[Change, str]] = {
    "deep": (config(nested("[", 200_000)), "nested too deeply"),
    "deep-objects": (config(nested('{"a": ', 100_000)), "nested too deeply"),
    "cut-short": (config('{"architectures": ["Ow'), "is not valid JSON"),
    "nan": (config('{"hidden_size": NaN}'), "`NaN`"),
    "infinity": (config('{"hidden_size": -Infinity}'), "`-Infinity`"),
    "digits": (config('{"hidden_size": ' + "9" * 5000 + "}"), "is not readable JSON"),
    "list": (config("[1, 2]"), "does not contain a JSON object"),
    "empty": (config(""), "is not valid JSON"),
    "latin": (lambda f: (f / "config.json").write_bytes(b'{"a": "\xe9"}'), "not UTF-8"),
    "binary": (lambda f: (f / "config.json").write_bytes(bytes(range(256)) * 10), "not UTF-8"),
    "huge": (lambda f: os.truncate(f / "config.json", 200 << 20), "209715200 bytes"),
    "folder": (lambda f: ((f / "config.json").unlink(), (f / "config.json").mkdir()), "not a regular file"),
    "link": (lambda f: ((f / "config.json").unlink(), (f / "config.json").symlink_to("/etc/passwd")), "points outside"),
    "loop": (lambda f: ((f / "config.json").unlink(), (f / "config.json").symlink_to("config.json")), "points outside"),
    "device": (lambda f: ((f / "config.json").unlink(), (f / "config.json").symlink_to("/dev/zero")), "points outside"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_that_is_none(tmp_path: Path, name: str) -> None:
    change, said = CONFIGS[name]
    folder = owl(tmp_path / "m")
    change(folder)
    began = time.monotonic()
    model = read(folder)
    assert time.monotonic() - began < SECONDS
    assert not model.config and not model.architectures and len(model.problems) == 1
    assert said in model.problems[0].message or (name == "loop" and "cannot be read" in model.problems[0].message)
    assert len(json.dumps(to_json(model))) < 100_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "modeling_owl.py", "model.safetensors"])
def test_a_pipe_that_nobody_writes_to(tmp_path: Path, name: str) -> None:
    folder = owl(tmp_path / "m")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    began = time.monotonic()
    model = read(folder)
    assert time.monotonic() - began < SECONDS
    code = model.code
    assert model.problems or not model.chat_template or (code and (code.problems or code.missing)) or weights(model).missing


def test_text_that_would_move_the_terminal(tmp_path: Path) -> None:
    evil = "Owl\x1b]52;c;aGk=\x07\u202eModel"
    folder = owl(tmp_path / "m", architectures=[evil], model_type=evil, auto_map={"AutoConfig": f"{evil}.X"},
                 quantization_config={"quant_method": evil, evil: evil}, **{evil: [evil]})  # fmt: skip
    saved = json.dumps(to_json(read(folder)), ensure_ascii=False)
    assert not any(mark in saved for mark in ("\x1b", "\x07", "\u202e", "\\u001b"))


def test_a_wide_configuration_is_cut(tmp_path: Path) -> None:
    model = read(owl(tmp_path / "m", id2label={str(n): "x" * 3000 for n in range(900)}, deep=_deep(40)))
    assert any("too large or too deep" in p.message for p in model.problems)
    folder = owl(tmp_path / "o")
    (folder / "config.json").write_text('{"model_type": "owl_vl", "rope_theta": 1e999}')
    assert read(folder).config == {"model_type": "owl_vl", "rope_theta": None}, "a number beyond all bounds"
    model = read(owl(tmp_path / "n", table=list(range(100_000))))
    assert len(json.dumps(to_json(model))) < 200_000 and model.model_type == "owl_vl"


def _deep(count: int) -> object:
    return {"a": _deep(count - 1)} if count else 1


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "a/../../outside.safetensors", "..\\outside.safetensors", "\0", "", "."])
def test_an_index_that_leads_out(tmp_path: Path, name: str) -> None:
    folder = owl(tmp_path / "m")
    raw_header(tmp_path / "outside.safetensors", {"secret": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, 4)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name, "b": "model.safetensors"}}))
    found = weights(read(folder))
    assert "secret" not in str(found) and found.total is None
    assert found.missing or any(f.fault == "unread" for f in found.files)


def test_links_out_of_the_folder_are_not_followed_and_those_of_the_cache_are(tmp_path: Path) -> None:
    folder = owl(tmp_path / "m")
    (folder / "model.safetensors").rename(tmp_path / "outside.safetensors")
    (folder / "model.safetensors").symlink_to(tmp_path / "outside.safetensors")
    (tmp_path / "secret.py").write_text("import secret_module\n")
    (folder / "modeling_owl.py").unlink()
    (folder / "modeling_owl.py").symlink_to(tmp_path / "secret.py")
    model = read(folder)
    assert weights(model).files[0].fault == "unread" and model.code and "secret_module" not in str(model.code)
    assert any("points outside" in p.message for p in model.code.problems)
    repository = tmp_path / "hub/models--owls--owl"
    commit = owl(repository / "snapshots/0123456789")
    (repository / "blobs").mkdir()
    for file in [p for p in commit.iterdir() if p.is_file()]:
        file.rename(repository / "blobs" / f"blob-{file.name}")
        file.symlink_to(f"../../blobs/blob-{file.name}")
    cached = launched_model(NOT_REQUESTED, ModelRequest({"HF_HUB_CACHE": str(tmp_path / "hub")}, named="owls/owl", use_cache=False))
    assert isinstance(cached, Model) and weights(cached).total and not cached.problems and cached.code and not cached.code.problems


BIG = 1 << 63
TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HEADERS: dict[str, tuple[object, int, int | None]] = {
    "length-2^63": ({}, 0, BIG),
    "length-over": ({}, 10, 90 << 20),
    "length-0": ({}, 0, 0),
    "no-json": (b"{not json at all}", 8, None),
    "nan": (b'{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}', 8, None),
    "deep": (b'{"a": ' + b"[" * 100_000, 8, None),
    "overlap": ({"a": TENSOR, "b": TENSOR}, 8, None),
    "gap": ({"a": TENSOR, "b": {**TENSOR, "data_offsets": [16, 24]}}, 24, None),
    "backwards": ({"a": {**TENSOR, "data_offsets": [8, 0]}}, 8, None),
    "negative": ({"a": {**TENSOR, "shape": [-2]}}, 8, None),
    "huge-shape": ({"a": {**TENSOR, "shape": [1 << 62] * 8}}, 8, None),
    "float-shape": ({"a": {**TENSOR, "shape": [2.0]}}, 8, None),
    "wrong-size": ({"a": {**TENSOR, "shape": [3]}}, 8, None),
    "far": ({"a": {**TENSOR, "data_offsets": [0, BIG]}}, 8, None),
    "strings": ({"a": "F32", "b": None}, 0, None),
    "list": (b"[1]", 8, None),
    "pickle": (b"\x80\x04cos\nsystem\n(S'touch /tmp/x'\ntR.", 8, 3),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_lie(tmp_path: Path, name: str) -> None:
    content, data, length = HEADERS[name]
    folder = owl(tmp_path / "m")
    raw_header(folder / "model.safetensors", content, data, length)
    found = weights(read(folder))
    assert found.files[0].fault in ("damaged", "truncated") and found.total is None and len(found.problems) == 1


def test_a_header_of_hundreds_of_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    raw_header(path, b"{" + b" " * 100, 60 << 20, 50 << 20)
    with pytest.raises(Unreadable, match="50 MiB"):
        read_header(Folder(Files(), str(tmp_path)), path.name, path.stat().st_size)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "dtype", "shape", "data_offsets", "F32"]), inner, max_size=4),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_header_is_described_or_refused(data: bytes) -> None:
    try:
        found = header(data, 8)
    except Damaged as error:
        assert str(error)
    else:
        assert found.expected == 8 + sum(size for _, size in found.tensors.values())


SOURCES = {
    "minus": b"x = " + b"-" * 300_000 + b"1",
    "attributes": b"x = y" + b".a" * 200_000,
    "sums": b"x = " + b"1+" * 200_000 + b"1",
    "calls": b"x = f" + b"()" * 200_000,
    "brackets": b"x = " + b"[" * 300_000,
    "else-ifs": b"if x: pass\n" + b"elif x: pass\n" * 30_000,
    "nul": b"import a\0",
    "latin": b"# \xe9\nimport a",
    "statements": b"x=1\n" * 120_000,
    "cut": b"def f(:\n",
    "tries": b"try:\n import a\nexcept: pass\n" * 15_000,
    "huge": b"# fill\n" * 100_000,
    "blank": b"\n" * 500_000,
    "froms": b"'''\n" + b"from " * 90_000 + b"\n'''",
    "imports": b"'''\n" + b"import " * 60_000 + b"\n'''",
    "spaces": b"'''\nimport " + b" " * 400_000 + b"x y\n'''",
}


@pytest.mark.parametrize("name", SOURCES)
def test_code_that_is_made_to_be_hard_to_read(tmp_path: Path, name: str) -> None:
    """In a process of its own, since what must not happen is that the interpreter itself dies."""
    folder = owl(tmp_path / "m")
    (folder / "modeling_owl.py").write_bytes(SOURCES[name])
    program = "import sys; from tests.model.test_facts import read; from pathlib import Path; print(len(str(read(Path(sys.argv[1])).code)))"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert time.monotonic() - began < 3 * SECONDS and int(done.stdout) < 2_000_000


@settings(max_examples=200, deadline=1000)
@given(st.lists(st.sampled_from(["try:", "\n", " ", "except", ":", "import ", "from ", ".a", "b", "if is_flash_attn_2_available():", "flash_attn", '"""', "retry", "(", ")"]), max_size=60))
def test_any_text_is_looked_through(words: list[str]) -> None:
    text = "".join(words)
    assert by_text(text) >= set() and by_text(text, flash=True) >= set()
    try:
        imports_of("m.py", *parsed(text.encode()))
    except Unreadable as error:
        assert str(error)


def test_nothing_of_the_model_is_run(tmp_path: Path) -> None:
    folder = owl(tmp_path / "m")
    mark = tmp_path / "was-run"
    for name in ("modeling_owl.py", "configuration_owl.py", "eyes_owl.py", "tokenization_owl.py", "__init__.py", "sitecustomize.py", "conftest.py"):
        (folder / name).write_text(f"open({str(mark)!r}, 'w').write('x')\nimport os\nos.system('touch {mark}')\n")
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.")
    (tmp_path / "site").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "doctor", "check", "--path", str(tmp_path / "site"), "--offline", "--format", "json",
         "--model", str(folder), "--", "vllm", "serve", str(folder)],
        capture_output=True, text=True, timeout=120, cwd=folder, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert not mark.exists() and not list(folder.glob("__pycache__"))
    note = next(f for f in report["findings"] if f["code"] == "MDL008")
    assert "starts programs" in note["message"] and not [r for r in report["results"] if r["status"] == "broken"]


def test_many_files_are_bounded(tmp_path: Path) -> None:
    folder = owl(tmp_path / "m")
    for number in range(300):
        (folder / f"part{number}.py").write_text(f"from .part{number + 1} import x\n" + "import a\n" * 500)
    (folder / "modeling_owl.py").write_text("from .part0 import x\n")
    began = time.monotonic()
    code = read(folder).code
    assert code and len(code.files) <= 64 and len(code.imports) <= 2000 and time.monotonic() - began < SECONDS
