"""YAML of strangers: our own bounds hold with every release of PyYAML."""

from __future__ import annotations

import time

import pytest
import yaml

from doctor.base.yaml_text import MOST_KEYS, MOST_MERGED, MOST_NODES, YamlError, compose, load

MULTIPLYING = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n  k{n}: v\n" for n in range(1, 12)
)
LISTS = "b0: &b0 [x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 12))
MANY = "k: &k {" + ", ".join(f"k{n}: v" for n in range(MOST_KEYS - 1)) + "}\n"
EMPTY = "e: &e {}\nl: &l [" + ",".join(["*e"] * 20_000) + "]\n"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "- " * 50_000,
        "{a: " * 5_000,
        "a: [",
        "a: b\n--- \nc: d",
        "a: \0",
        "*nobody",
        "!!python/object/apply:os.system ['true']",
        "!!bool x",
        "!!int ''",
        "!!timestamp x",
        "!!timestamp 2001-99-99",
        "? [a]\n: b",
        "<<: 3",
        "<<: [{a: b}, 3]",
        "a: &a {<<: *a}",
        "a: &a\n  b: &b {<<: *a}\n  <<: *b",
        "[" + "x," * MOST_NODES + "]",
        "1" * 5_000,
        "1" + ":1" * 100_000,
        MULTIPLYING,
        MANY + "".join(f"m{n}: {{<<: *k}}\n" for n in range(MOST_MERGED // MOST_KEYS + 1)),
        MANY + "m: {<<: *k, a: b, c: d}",
        EMPTY + "".join(f"m{n}: {{<<: *l}}\n" for n in range(5_000)),
    ],
    ids=range(24),
)
def test_what_is_no_yaml_or_without_bounds_is_one_error(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(YamlError) as error:
        load(text)
    assert time.monotonic() - began < 20 and "\n" not in str(error.value) and str(error.value)


def test_lists_that_multiply_are_the_same_list_again() -> None:
    found = load(LISTS)
    assert found["b11"][0] is found["b11"][8] is found["b10"]


def test_a_list_that_holds_itself_is_read() -> None:
    found = load("a: &a [*a]")
    assert found["a"][0] is found["a"]


def test_merging_is_that_of_the_merge_type_with_every_release() -> None:
    text = "a: &a {k: 1, z: 3}\nb: &b {k: 2}\nc: {<<: [*a, *b]}\nd: {<<: *b, z: 4}\ne: &e {<<: *a}\nf: {<<: [*b, *e], z: 5}\n"
    found = load(text)
    assert found["c"] == {"k": 1, "z": 3}, "the earlier of a list goes before the later"
    assert found["d"] == {"k": 2, "z": 4}
    assert found["f"] == {"k": 2, "z": 5}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_no_document_is_none(text: str) -> None:
    assert load(text) is None


def test_a_node_graph_keeps_its_lines() -> None:
    node = compose("a: b\nc:\n  <<: {d: e}\n")
    assert isinstance(node, yaml.MappingNode)
    assert [key.start_mark.line for key, _ in node.value] == [0, 1]
    with pytest.raises(YamlError):
        compose("[" * 50_000)
