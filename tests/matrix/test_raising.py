"""Where packages refuse: what is read from their source, kept as digests, and found again by a message."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import pytest

from doctor.base import syntax
from doctor.explain import explain_log
from doctor.matrix import raise_sites as access
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.extract.raising.projects import last_of_minors
from doctor.matrix.extract.raising.sites import sites_of
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.message_digest import Spoken, anchors_of, encoded
from doctor.matrix.files.raising_file import moved, placed
from doctor.matrix.refusal_needs import needs_of
from doctor.matrix.update.build import Offer
from doctor.matrix.update.raising import read_all, write


class Folder:
    """A release's files from a mapping."""

    filename, sha256 = "x.whl", None

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    def read(self, member: str, limit: int) -> bytes:
        return self._files[member].encode()

    def identity(self, member: str) -> tuple[int, int]:
        return zlib.crc32(self._files[member].encode()), len(self._files[member])

    def prefetch(self, members: object) -> None: ...

    def close(self) -> None: ...


ENGINE = """
def check(self, name):
    if self.heads % self.tp_size != 0:
        raise ValueError(f"the {self.heads} heads cannot be spread over {self.tp_size} cards evenly")
    assert name, "a name has to be given to the cards"
"""
VERSIONS = {
    "0.33.0": ENGINE,
    "0.34.0": f"import os\n\n{ENGINE}",
    "0.35.0": ENGINE.replace("if self.heads", "if 1 + self.heads"),
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data of ours about three releases of a made-up engine."""
    project = Project("vllm", "0.1", ("vllm",))
    offers = [
        Offer(v, False, v, lambda t=text: Folder({"vllm/cards.py": t, "vllm/tests/t.py": t}))  # type: ignore[arg-type,misc]
        for v, text in VERSIONS.items()
    ]
    results = read_all(project, offers, tmp_path / "cache")
    write(project, {v: p for v, p in results.items() if v != "0.34.0"}, (), tmp_path / "raising")
    write(project, {"0.34.0": results["0.34.0"]}, ("0.34.0",), tmp_path / "raising")
    monkeypatch.setattr(access, "data_dir", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "raised", "message", "condition"),
    [
        ("def f(x):\n if x > 3:\n  raise ValueError(f'no {x} here')", "ValueError", ("no ", None, " here"), "x > 3"),
        ("def f(x):\n if x: return\n raise a.Bad('gone')", "Bad", ("gone",), "not x"),
        ("def f(x):\n if x == 1: g()\n elif x == 2: g()\n else: raise E('n' + str(x))", "E", ("n", None), "x != 1 and x != 2"),
        ("def f(x):\n assert x % 2 == 0, 'odd %s' % x", "AssertionError", ("odd ", None), "x % 2 != 0"),
        ("try:\n import a.b\nexcept ImportError:\n raise E('get a')", "E", ("get a",), "except ImportError of import a.b"),
        ("def f(x):\n m = f'a {x}'\n if x: m += ' b'\n raise E(m)", "E", ("a ", None, " b"), ""),
        ("M = 'the {} is {x:d}'\ndef f(): raise E(M.format(1, x=2))", "E", ("the ", None, " is ", None), ""),
        ("def f(x):\n while x:\n  logger.error('%d of %s', 1, x)", "log", (None, " of ", None), "x"),
        ("def f(x):\n logger.error(f'{x}% done')", "log", (None, "% done"), ""),
        ("def f(x):\n if x: raise E(400, detail='bad')", "E", ("bad",), "x"),
    ],
)  # fmt: skip
def test_a_refusal_is_read(code: str, raised: str, message: tuple[str | None, ...], condition: str) -> None:
    (site,) = sites_of(syntax.parse(code))
    assert (site.raised, site.message, site.condition) == (raised, message, condition)


def test_what_has_no_literal_text_is_no_site() -> None:
    assert sites_of(syntax.parse("def f(e):\n raise\n raise e\n raise E(str(e))\n assert e\n print('x')")) == []


@pytest.mark.parametrize(
    ("template", "message", "fits"),
    [
        (("a ", None, " must divide b"), "a 17 must divide b", True),
        (("a ", None, " must divide b"), "a 'x y z'\n  must divide b", True),
        (("a ", None, " must divide b"), "Value error, a 3 must divide b [type=value_error]", True),
        (("a ", None, " must divide b"), "a 17 must not divide b", False),
        ((None, " is no dtype of ", None), "fp9 is no dtype of", True),
        (("pre", None, "fix word"), "prelude fix word", True),
        (("line one is here\nline two", None), "line one is here", True),
        (("x y z",), "x y", False),
    ],
)
def test_a_message_fits_its_template(template: tuple[str | None, ...], message: str, fits: bool) -> None:
    digest = encoded(template)
    assert (Spoken(message).fit(digest) is not None) is fits
    assert len(anchors_of(digest)) == 1 and not any(w in digest for w in ("must", "dtype", "word", "line"))


def test_lines_come_back_as_they_were() -> None:
    over = [(10, 20, None, 40), (12, 22, 31, 42), (12, None, 33, 45), (None, 22, 33, 45), (13, 23, 34, 46)]
    there: list[int | None] = [None] * 4
    texts = [moved(lines, there) for lines in over]
    back: list[int | None] = [None] * 4
    assert [tuple(placed(t, back)) for t in texts] == over
    assert texts[-1] == "n13 0 1" or len(texts[-1]) < 12


def test_releases_added_later_take_their_place(data: Path) -> None:
    sites = access.raise_sites("vllm")
    assert sites is not None and sites.releases.versions == tuple(VERSIONS) and sites.releases.yanked == {"0.34.0"}
    found = sites.matches(Spoken("the 30 heads cannot be spread over 8 cards evenly"))
    assert sorted((m.site.condition, [n for _, n in m.site.lines]) for m in found)[::-1] == [
        ("self.heads % self.tp_size != 0", [4, 6]), ("1 + self.heads % self.tp_size != 0", [4]),
    ]  # fmt: skip
    assert {m.site.file for m in found} == {"vllm/cards.py"}
    assert sites.table().encode() == (data / "raising" / "vllm.z").read_bytes()
    assert sites.nearest("0.34.7+cu130") == "0.34.0" and sites.nearest("0.1") == "0.33.0"


SAID = "ValueError: the 30 heads cannot be spread over 8 cards evenly\n"
HEAD = "INFO 11-30 12:00:00 [a.py:1] vLLM API server version 0.34.0\n"
FRAME = 'Traceback (most recent call last):\n  File "/x/site-packages/vllm/cards.py", line 6, in check\n    raise V(\n'


@pytest.mark.parametrize("log", [HEAD + FRAME + SAID, HEAD + SAID, HEAD + "ERROR 11-30 12:00:01 [cards.py:6] " + SAID])
def test_the_answer_names_place_condition_and_what_satisfies_it(data: Path, log: str) -> None:
    (finding, *_) = explain_log(io.BytesIO(log.encode()))
    place = next(e for e in finding.evidence if e.fact == "raised at")
    assert "vllm/cards.py:6 when `self.heads % self.tp_size != 0` (vllm 0.34.0)" in (place.observed or "")
    assert "must be a multiple of" in (place.expected or "") and "0.33.0 to 0.35.0" in (place.source or "")
    assert finding.location and finding.location.path == "vllm/cards.py" and finding.location.line == 6


def test_an_installed_file_says_it_itself(data: Path) -> None:
    """A release that is not covered: the file of the traceback is read."""
    path = data / "lib" / "site-packages" / "ours" / "cards.py"
    path.parent.mkdir(parents=True)
    path.write_text(ENGINE.replace("cards", "machines"), encoding="utf-8")
    trace = f'Traceback (most recent call last):\n  File "{path}", line 4, in check\n    raise V(\n'
    log = trace + SAID.replace("cards", "machines")
    (finding, *_) = explain_log(io.BytesIO(log.encode()))
    place = next(e for e in finding.evidence if e.fact == "raised at")
    assert place.observed == f"{path}:4 when `self.heads % self.tp_size != 0`"
    (other, *_) = explain_log(io.BytesIO((trace + "ValueError: something else was wrong\n").encode()))
    assert not [e for e in other.evidence if e.expected]


def test_a_message_of_another_file_is_not_taken_for_the_engine_s(data: Path) -> None:
    log = HEAD + FRAME.replace("vllm/cards.py", "torch/cards.py") + SAID
    (finding, *_) = explain_log(io.BytesIO(log.encode()))
    assert "vllm/cards.py" not in "".join(e.observed or "" for e in finding.evidence)


def test_a_healthy_log_reads_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_kept", lambda path: pytest.fail(f"{path} was read"))
    log = HEAD + "".join(
        f"INFO 11-30 12:00:{n} [x.py:1] the 30 heads cannot be spread over 8 cards evenly\n" for n in range(60)
    )
    (finding, *_) = explain_log(io.BytesIO(log.encode()))
    assert finding.rule == "RUN004"


def test_an_error_that_a_server_outlives_is_no_failure(data: Path) -> None:
    ready = "INFO:     Application startup complete.\n"
    error = "ERROR 11-30 12:00:01 [a.py:6] a name has to be given to the cards\n"
    served = 'INFO:     127.0.0.1:5000 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n' * 30
    assert [f.rule for f in explain_log(io.BytesIO((HEAD + ready + error + served).encode()))] == ["RUN005"]


@pytest.mark.parametrize(
    ("condition", "satisfied", "subject"),
    [
        ("self.heads % self.tensor_parallel_size != 0", "`self.heads` must be a multiple of `--tensor-parallel-size`", "option --tensor-parallel-size"),
        ("not is_flash_attn_available()", "`flash-attn` must be installed", "package flash-attn"),
        ("except ImportError of import xgrammar", "`import xgrammar` must work", "package xgrammar"),
        ("config.head_dim > 256", "`config.head_dim` must be at most 256", "config key head_dim"),
        ("x not in ('a', 'b')", "`x` must be one of `('a', 'b')`", ""),
        ("x is None or y < 2", "`x` must be given and `y` must be at least 2", ""),
        ("self.capability < 80", "`self.capability` must be at least 80", "GPU capability"),
        ("except Exception", "", ""),
    ],
)  # fmt: skip
def test_what_satisfies_a_condition(condition: str, satisfied: str, subject: str) -> None:
    needs = needs_of(condition, "vllm", "0.33.0")
    assert needs.satisfied == satisfied
    assert not subject or subject in {f"{s.kind} {s.name}" for s in needs.subjects}


def test_the_last_of_minors() -> None:
    versions = [f"0.{minor}.{patch}" for minor in range(4) for patch in range(4)] + ["0.4.0rc1"]
    assert last_of_minors(versions) == ["0.3.3", "0.3.2", "0.3.1", "0.3.0", "0.2.3", "0.1.3", "0.0.3"]


def test_a_damaged_file_is_one_named_error(data: Path) -> None:
    (data / "raising" / "sglang.z").write_bytes(b"no")
    with pytest.raises(DataError):
        access.raise_sites("sglang")


def test_the_data_is_small_whole_and_without_sentences() -> None:
    paths = list((data_dir() / access.FOLDER).glob("*.z"))
    assert sum(p.stat().st_size for p in paths) <= 1_500_000
    for path in paths:
        assert access.read(path).releases.versions
        lines = zlib.decompress(path.read_bytes()).decode().split("\n")
        assert max(map(len, (line.split("\t")[0] for line in lines[1:]))) < 400
