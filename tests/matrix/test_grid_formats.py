"""What the grid looks like: terminal, page, JSON, CSV, and the command that makes them."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from doctor.base.text import width
from doctor.matrix.grid.cells import Axis, Cell, Grid, Line, Reason
from doctor.matrix.grid.grid import grid
from doctor.matrix.models.families import model
from doctor.matrix.releases import Releases, ReleaseSet
from doctor.report.grid.data import FIELDS, grid_to_csv, grid_to_json
from doctor.report.grid.html import grid_to_html, word_of
from doctor.report.grid.ranges import ranges
from doctor.report.grid.terminal import grid_to_text
from tests.cli.running import distribution, doctor, lay_out

VOID = {"meta", "link", "br", "wbr"}
NASTY = "<script>alert(1)</script>\"'&\x1b[31m\u202e"


@pytest.fixture(scope="module")
def qwen_vl() -> Grid:
    return grid(Axis("lmdeploy"), Axis("transformers"), model("qwen_vl"), ("0.11.1", "4.57.3"), "--python venv")


@pytest.fixture
def nasty() -> Grid:
    known = Releases("transformers", ("1.0", "2.0"))
    reason = Reason("derived", "fails", NASTY, NASTY, NASTY, ReleaseSet(known, 2))
    cells = (Cell("fails", NASTY, (reason,)), Cell("works"))
    found = model("qwen_vl")
    assert found is not None
    family = dataclasses.replace(found, title=NASTY, note=NASTY, architectures=(NASTY,))
    return Grid(NASTY, NASTY, family, ("1.0", "2.0"), (Line("3.0", (NASTY,), NASTY, cells, ReleaseSet(known, 2)),),
                ("3.0", "1.0"), NASTY)  # fmt: skip


class Page(HTMLParser):
    """Every element with its attributes; checks that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for t, attrs in self.elements if t == tag]


def test_ranges_join_only_what_is_equal(qwen_vl: Grid) -> None:
    shown = ranges(qwen_vl)
    assert [v for c in shown.columns for v in c] == list(qwen_vl.columns)
    assert [v for r in shown.rows for v in r.versions] == [line.version for line in qwen_vl.lines]
    assert len(shown.columns) < len(qwen_vl.columns) / 4 and len(shown.rows) < len(qwen_vl.lines) / 2
    by_version = {line.version: dict(zip(qwen_vl.columns, line.cells, strict=True)) for line in qwen_vl.lines}
    for row in shown.rows:
        for versions, cell in zip(shown.columns, row.cells, strict=True):
            for engine in row.versions:
                for library in versions:
                    single = by_version[engine][library]
                    assert (single.verdict, single.name) == (cell.verdict, cell.name)
                    assert {(r.name, r.subject) for r in single.reasons} <= {(r.name, r.subject) for r in cell.reasons}
                    assert set(single.seen) <= set(cell.seen)


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize(("engine", "name"), [("lmdeploy", "qwen_vl"), ("vllm", "qwen3_vl"), ("sglang", "qwen2_5_vl")])
def test_a_terminal_holds_it(engine: str, name: str, columns: int) -> None:
    text = grid_to_text(grid(Axis(engine), Axis("transformers"), model(name)), columns)
    table = text.partition("\n\n")[2]
    assert max(width(line) for line in table.splitlines()) <= columns
    assert "\x1b" not in text


def test_the_terminal_says_what_and_why(qwen_vl: Grid) -> None:
    text = grid_to_text(qwen_vl, 120)
    flat = " ".join(text.split())
    assert "ImagesKwargs: imports `ImagesKwargs` from `transformers.processing_utils`" in flat
    assert "(lmdeploy/vl/model/gemma3_vl.py); fits transformers >=4.42.0" in flat
    assert "lmdeploy 0.11.1 works with transformers >=4.42.0,!=4.52.*,<=4.56.2." in flat
    row = next(line for line in text.splitlines() if line.startswith("> "))
    assert row.split()[1] == "0.10.1–0.11.1"
    assert re.search(r"^ +you$", text, re.M) and "[" in text
    for word in ("declared", "derived", "attested"):
        assert word in text


def test_one_backend_alone_says_what_stops_the_other() -> None:
    found = grid(Axis("lmdeploy", ">=0.6.2,<0.8"), Axis("transformers", ">=4.45"), model("qwen_vl"))
    text = " ".join(grid_to_text(found, 100).split())
    assert "ok:tm works only with the TurboMind backend" in text
    assert "pytorch: imports `LogitsWarper` from `transformers.generation.logits_process`" in text
    page = grid_to_html(found, "1")
    assert "works, turbomind only" in page and "pytorch alone: imports <code>LogitsWarper</code>" in page


def test_one_release_is_listed_in_full() -> None:
    text = " ".join(grid_to_text(grid(Axis("lmdeploy", "==0.11.1"), Axis("transformers"), model("qwen_vl")), 100).split())
    assert "4.31.0–4.41.2 fails: ImagesKwargs (derived)" in text
    assert "4.42.0–4.51.3 works (declared, derived, attested)" in text
    assert "4.52.1–4.52.4 fails: _initialize_weights (attested)" in text
    assert "works with transformers >=4.42.0,!=4.52.*,<=4.56.2" in text


def test_the_page_is_well_formed_and_asks_no_other_host(qwen_vl: Grid) -> None:
    text = grid_to_html(qwen_vl, "2026.11.21")
    page = Page(text)
    assert not re.search(r"(?:https?:)?//[a-z0-9]", text, re.I), "an address of another host"
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", text)
    assert all(set(a) & {"src", "srcset", "action", "data-src"} == set() for _, a in page.elements)
    assert [a["href"] for a in page.all("link")] == ["data:,"]
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert page.all("html")[0]["lang"] == "en" and "prefers-color-scheme: dark" in text
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_every_cell_is_reached_by_keyboard_and_described(qwen_vl: Grid) -> None:
    page, shown = Page(grid_to_html(qwen_vl, "1")), ranges(qwen_vl)
    cells = page.all("td")
    assert len(cells) == len(shown.rows) * len(shown.columns)
    ids = {a["id"] for _, a in page.elements if "id" in a}
    for cell in cells:
        assert cell["tabindex"] == "0" and cell["role"] == "gridcell"
        assert cell["aria-describedby"] in ids and "transformers" in cell["aria-label"]
    assert sum("mine" in c["class"].split() for c in cells) == 1
    heads = page.all("th")
    assert [h["scope"] for h in heads].count("col") == len(shown.columns) + 1
    assert [h["scope"] for h in heads].count("row") == len(shown.rows)
    table = page.all("table")[0]
    assert (table["aria-rowcount"], table["aria-colcount"]) == (str(len(shown.rows) + 1), str(len(shown.columns) + 1))


def test_nothing_breaks_out(nasty: Grid) -> None:
    text = grid_to_html(nasty, NASTY)
    page = Page(text)
    assert len(page.all("script")) == 1 and "\x1b" not in text and "\u202e" not in text
    plain = grid_to_text(nasty, 80)
    assert "\x1b" not in plain and "\u202e" not in plain
    assert "\x1b" not in grid_to_json(nasty)
    assert all("\x1b" not in field for row in csv.reader(io.StringIO(grid_to_csv(nasty))) for field in row)


def test_json_and_csv_say_the_same(qwen_vl: Grid) -> None:
    data = json.loads(grid_to_json(qwen_vl))
    rows = list(csv.DictReader(io.StringIO(grid_to_csv(qwen_vl))))
    assert tuple(rows[0]) == FIELDS and len(rows) == len(qwen_vl.lines) * len(qwen_vl.columns)
    flat = {(r["engine_version"], r["library_version"]): r for r in rows}
    assert data["here"] == {"engine": "0.11.1", "library": "4.57.3", "why": "--python venv"}
    for row in data["rows"]:
        for column, cell in zip(data["columns"], row["cells"], strict=True):
            for engine in row["releases"]:
                for library in column["releases"]:
                    assert flat[engine, library]["verdict"] == cell["verdict"]
                    assert flat[engine, library]["name"] == (cell["name"] or "")


def test_the_command(tmp_path: Path) -> None:
    for name, version in (("lmdeploy", "0.11.1"), ("transformers", "4.38.2")):
        lay_out(tmp_path / "site", distribution(name, version, {f"{name}/__init__.py": ""}))
    words = ("matrix", "show", "lmdeploy", "transformers", "--model", "Qwen/Qwen-VL-Chat-Int4", "--path", "site")
    done = doctor(*words, home=tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "You have lmdeploy 0.11.1 and transformers 4.38.2" in said and "works with transformers >=4.42.0" in said
    page = doctor(*words, "--format", "html", "--output", "grid.html", home=tmp_path)
    assert page.returncode == 0 and page.stdout == ""
    assert Page((tmp_path / "grid.html").read_text(encoding="utf-8")).all("td")
    row = doctor("matrix", "show", "lmdeploy==0.11.1", "--format", "json", home=tmp_path)
    assert json.loads(row.stdout)["version"] == "0.11.1"


@pytest.mark.parametrize(("words", "said"), [
    (("no-such-thing", "transformers"), "does not cover"), (("lmdeploy", "transformers", "--model", "zzz"), "zzz"),
    (("lmdeploy>=99", "transformers"), "no release of lmdeploy"), (("==1",), "expected NAME==VERSION"),
    (("==1", "torch"), "is not a project"),
    (("lmdeploy", "transformers", "--python", "/no/such/place"), "does not exist"),
])  # fmt: skip
def test_user_mistakes(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = doctor("matrix", "show", *words, home=tmp_path)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "enable-logging=stderr", "dump-dom",
)  # fmt: skip
WALK = """<script>(() => {
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const seen = new Set(), all = document.querySelectorAll("td").length;
  const rows = document.querySelectorAll("tbody tr").length, columns = all / rows;
  document.querySelector("td[tabindex='0']").focus();
  const start = document.activeElement.className;
  for (let i = 0; i < rows; i++) press("ArrowUp");
  for (let r = 0; r < rows; r++) {
    press("Home");
    for (let c = 0; c < columns; c++) { seen.add(document.activeElement); press("ArrowRight"); }
    press("ArrowDown");
  }
  const evidence = document.querySelector("#panel ul.why");
  document.title = JSON.stringify({all, reached: seen.size, start, evidence: !!evidence,
    stops: document.querySelectorAll("td[tabindex='0']").length,
    requests: performance.getEntriesByType("resource").length});
})();</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_arrow_keys_in_a_browser(qwen_vl: Grid, tmp_path: Path) -> None:
    """The page in a real browser: the arrow keys reach every cell, one is a tab stop, and nothing is asked for."""
    page = tmp_path / "page.html"
    page.write_text(grid_to_html(qwen_vl, "1").replace("</body>", f"{WALK}</body>"), encoding="utf-8")
    flags = [f"--{flag}" for flag in FLAGS]
    done = subprocess.run([str(CHROMIUM), *flags, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
                          capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr[-2000:]
    found = json.loads(title[1].replace("&quot;", '"'))
    assert found["reached"] == found["all"] > 100
    assert (found["stops"], found["evidence"], found["requests"]) == (1, True, 0)
    assert "mine" in found["start"]
    assert "CONSOLE" not in done.stderr


@pytest.mark.parametrize(("cell", "word"), [
    (Cell("works"), "works"), (Cell("warned"), "warns"), (Cell("warned", "TurboMind only"), "TurboMind only"),
    (Cell("refused", "requirement"), "requires"), (Cell("fails", "ImagesKwargs"), "ImagesKwargs"),
])  # fmt: skip
def test_a_cell_in_one_word(cell: Cell, word: str) -> None:
    assert word_of(cell) == word
