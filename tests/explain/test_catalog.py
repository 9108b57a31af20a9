"""The known crashes: their form, their examples, and how long their patterns take on hostile text."""

from __future__ import annotations

import json
import re
import time

import jsonschema
import pytest
import yaml

from doctor.explain.catalog import Crash, Stub, stubs
from doctor.explain.refine import REFINERS
from doctor.matrix.files.data import data_dir

CRASHES = [s.load() for s in stubs()]
NAMES = [c.code for c in CRASHES]
FILES = sorted((data_dir() / "crashes").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file_holds_to_the_schema(path) -> None:
    schema = json.loads((data_dir() / "schema" / "crashes.schema.json").read_text())
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.validate(rows, schema)
    read = {s.code for s in stubs() if s.text in path.read_text(encoding="utf-8")}
    assert {r["code"] for r in rows} == read, "an entry does not begin with its code and its literals on one line"


def test_codes_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("crash", CRASHES, ids=NAMES)
def test_example_matches_and_counterexample_does_not(crash: Crash) -> None:
    assert any(w in crash.example for w in crash.literals), "no literal of the entry is in its example"
    assert crash.regex.search(crash.example)
    found = crash.regex.search(crash.counterexample) and any(w in crash.counterexample for w in crash.literals)
    assert not found


@pytest.mark.parametrize("crash", CRASHES, ids=NAMES)
def test_refiner_exists(crash: Crash) -> None:
    assert crash.refine is None or crash.refine in REFINERS
    assert crash.refine or crash.remediations


@pytest.mark.parametrize("crash", CRASHES, ids=NAMES)
def test_pattern_is_bounded(crash: Crash) -> None:
    plain = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "x", crash.pattern)
    assert not re.search(r"[*+](?!\?)|\{\d+,\}", plain.replace("(?", "")), "an unbounded repetition"
    assert not crash.pattern.startswith((".", "[^\n]{"))


def hostile(crash: Crash) -> dict[str, str]:
    word = crash.literals[0]
    size = 1_000_000
    return {
        "literal": (word * (size // len(word) + 1))[:size],
        "literal, spaced": ((word + " ") * (size // len(word) + 1))[:size],
        "example": ((crash.example + " ") * (size // len(crash.example) + 1))[:size],
        "example, cut": (crash.example[:-2] * (size // max(1, len(crash.example) - 2) + 1))[:size],
        "cuda": ("CUDA " * size)[:size],
        "import": ("cannot import name '" * size)[:size],
        "spaces": " " * size,
        "parens": "(" * size,
        "words": ("a " * size)[:size],
        "one line": "x" * size,
        "nul": "\0" * size,
        "mixed": ("Error: 'x' [y] (z) 1.2.3 /a/b.so: KeyError: '" * size)[:size],
    }


@pytest.mark.alone  # Python's own patterns on text
@pytest.mark.parametrize("crash", CRASHES, ids=NAMES)
def test_pattern_is_quick_on_hostile_text(crash: Crash) -> None:
    from doctor.explain.lines import Line
    from doctor.explain.matching import _joined, _matches

    for name, text in hostile(crash).items():
        lines = [Line(1, "", text[:4096])] + [Line(n, "", text[n : n + 4096]) for n in range(2, 200)]
        where = _joined(lines, False)
        best = 9.0
        for _ in range(3):
            start = time.process_time()
            list(_matches(crash, where))
            best = min(best, time.process_time() - start)
            if best < 0.05:
                break
        assert best < 0.05, f"{crash.code} took {best:.3f} s on {name}"


def test_unparsed_entries_load_quickly() -> None:
    best = 9.0
    for _ in range(5):
        stubs.cache_clear()
        start = time.process_time()
        found = stubs()
        best = min(best, time.process_time() - start)
    assert found and best < 0.03
    assert all(isinstance(s, Stub) and s.literals for s in found)
