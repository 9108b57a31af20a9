"""The quick dataclasses behave as the standard ones do."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from doctor.base import record

pytestmark = pytest.mark.alone

STANDARD: Any = dataclasses.dataclass
QUICK: Any = record.dataclass


def _classes(decorator: Any) -> tuple[Any, ...]:
    @decorator(frozen=True)
    class Plain:
        one: int
        two: str = "two"
        many: list[int] = dataclasses.field(default_factory=list)

    @decorator(frozen=True)
    class Below(Plain):
        three: float = 0.5

    @decorator()
    class Worked:
        one: int
        other: int = dataclasses.field(init=False)
        found: dict[str, int] = dataclasses.field(init=False, default_factory=dict)

        def __post_init__(self) -> None:
            self.other = self.one + 1

    @decorator(slots=True)
    class Slotted:
        one: int
        two: tuple[int, ...] = ()

    @decorator()
    class Own:
        one: int = 1

        def __init__(self) -> None:
            self.one = 7

    @decorator()
    class Empty:
        pass

    return Plain, Below, Worked, Slotted, Own, Empty


@pytest.mark.parametrize(
    "number, args, kwargs",
    [
        (0, (1,), {}), (0, (1, "x"), {"many": [3]}), (0, (), {"two": "b", "one": 2}), (1, (1, "x", [2], 0.25), {}),
        (1, (), {"one": 1, "three": 2.0}), (2, (4,), {}), (3, (5,), {}), (3, (5,), {"two": (1,)}), (4, (), {}), (5, (), {}),
    ],
)  # fmt: skip
def test_objects_are_made_alike(number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    standard, quick = _classes(STANDARD)[number], _classes(QUICK)[number]
    one, same = quick(*args, **kwargs), quick(*args, **kwargs)
    assert dataclasses.asdict(one) == dataclasses.asdict(standard(*args, **kwargs))
    assert one == same
    if number < 4:  # the others take no words
        first = dataclasses.fields(one)[0].name
        other = dataclasses.replace(one, **{first: 8}) if number != 2 else quick(8)
        assert getattr(other, first) == 8 and other != one


def test_each_object_has_a_list_of_its_own() -> None:
    plain = _classes(QUICK)[0]
    plain(1).many.append(1)
    assert plain(1).many == []


@pytest.mark.parametrize("args, kwargs", [((), {}), ((1, "x", [], 2), {}), ((1,), {"four": 4}), ((1,), {"one": 1})])
def test_a_wrong_call_is_answered_in_the_same_words(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    answers = []
    for decorator in (STANDARD, QUICK):
        with pytest.raises(TypeError) as caught:
            _classes(decorator)[0](*args, **kwargs)
        answers.append(str(caught.value))
    assert answers[0] == answers[1]
