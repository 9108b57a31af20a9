"""What is left of a source file before it is parsed: lines keep their numbers, functions keep their names."""

import pytest

from doctor.collect.python.skeleton import skeleton


@pytest.mark.parametrize(
    "header",
    [
        "def f(a, b):",
        "def f(a: int = 1, *, b: str = 'x') -> None:",
        "def f(\n    a: float = -1.5,\n    b: str | None = None,  # said\n) -> 'list[str]':",
    ],
)
def test_constant_defaults_are_left_out_with_the_body(header: str) -> None:
    cut = skeleton(f"x = 1\n{header}\n    y = 1\n\n    return y\n\n\nz = 1\n")
    assert [line for line in cut.split("\n") if line] == ["x = 1", "def f(): ...", "z = 1"]
    assert cut.count("\n") == 7 + header.count("\n") + 1


def test_a_default_that_is_computed_stays() -> None:
    assert "b=X" in skeleton("def f(a, b=X):\n    y = 1\n    z = 1\n    return y\n")


def test_a_function_without_a_body_is_left_to_the_parser() -> None:
    assert skeleton("def f(a):\n") == "def f(a):\n"
