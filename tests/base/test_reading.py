"""What an answer made of a number of the moment: the bounds in which it stays the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from doctor.base.reading import Addresses, Bounds, Reading, holds, marks

EXACT = {"n": (100, 100)}
USES: dict[str, tuple[Callable[[int], object], dict[str, Bounds]]] = {
    "not at all": (lambda n: n is None, {}),
    "less than more": (lambda n: n < 200, {"n": (None, 199)}),
    "less than less": (lambda n: n < 50, {"n": (50, None)}),
    "less than itself": (lambda n: n < 100, {"n": (100, None)}),
    "at most": (lambda n: n <= 100, {"n": (None, 100)}),
    "more than": (lambda n: n > 60, {"n": (61, None)}),
    "at least a fraction": (lambda n: n >= 60.5, {"n": (61, None)}),
    "asked from the other side": (lambda n: n < 200, {"n": (None, 199)}),
    "between": (lambda n: 50 < n < 200, {"n": (51, 199)}),
    "the smaller": (lambda n: min(n, 500) is None, {"n": (None, 500)}),
    "compared with no number": (lambda n: n < math.inf, EXACT),
    "shown": (lambda n: f"{n}", EXACT),
    "shown as a size": (lambda n: f"{n / 1024:.1f}", EXACT),
    "as text": (lambda n: str(n), EXACT),
    "added": (lambda n: 1 + n, EXACT),
    "taken from": (lambda n: 300 - n, EXACT),
    "summed": (lambda n: sum([1, n]), EXACT),
    "negative": (lambda n: -n, EXACT),
    "equal": (lambda n: n == 3, EXACT),
    "true": (lambda n: bool(n), {"n": (1, None)}),
    "a key": (lambda n: {n: 1}, EXACT),
    "rounded": (lambda n: round(n, -1), EXACT),
}


@pytest.mark.parametrize("use", USES)
def test_each_use_narrows_the_bounds_and_gives_what_a_number_gives(use: str) -> None:
    action, bounds = USES[use]
    log: dict[str, Bounds] = {}
    assert action(Reading.noted(100, log, "n")) == action(100)
    assert log == bounds


def test_every_value_within_the_bounds_gives_the_same_answer() -> None:
    def answer(n: int) -> tuple[bool, ...]:
        return n < 70, n <= 30.5, n > 12, n >= 40, bool(n)

    for value in range(100):
        log: dict[str, Bounds] = {}
        given = answer(Reading.noted(value, log, "n"))
        for other in range(100):
            assert not holds(log, {"n": other}) or answer(other) == given


def test_a_reading_that_is_gone_counts_as_nothing() -> None:
    assert holds({"n": (None, 5)}, {}) and not holds({"n": (1, None)}, {})


def test_only_the_ports_that_were_asked_for_count() -> None:
    log: dict[str, Bounds] = {}
    taken = ("127.0.0.1:8000", "[::]:22")
    addresses = Addresses.noted(taken, log)
    assert addresses.on(8000) == ("127.0.0.1:8000",) and addresses.on(23333) == ()
    assert holds(log, marks(taken)) and holds(log, marks((*taken, "0.0.0.0:9000")))
    assert not holds(log, marks(taken[1:])) and not holds(log, marks((*taken, "0.0.0.0:23333")))
    assert not holds(log, marks(("0.0.0.0:8000", "[::]:22")))


def test_all_addresses_count_where_all_were_read() -> None:
    log: dict[str, Bounds] = {}
    assert list(Addresses.noted(("[::]:22",), log)) == ["[::]:22"]
    assert holds(log, marks(("[::]:22",))) and not holds(log, marks(("[::]:22", "[::]:80")))
