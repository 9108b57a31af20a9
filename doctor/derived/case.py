"""The case: the facts, how the launch's options were read, and which engine is judged. All else follows from these.

What several rules, the report or a plan ask for is a pure function of the case, marked `memoized`: it is worked out
when it is first asked for, kept with the case and gone with it. No module keeps an answer of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from doctor.derived.asked import Asked, read_asked
from doctor.derived.engine import Chosen, installed_engines
from doctor.facts import Facts
from doctor.findings import NotApplicable, Open
from doctor.matrix import rows

P = ParamSpec("P")
T = TypeVar("T")


class Case:
    """One environment with what is to be started in it; `facts`, `asked` and `engine` are all there is.

    Only `facts` is given; the other two are read off them when they are first asked for, so that a plan can make many
    cases. Two cases are never equal, even of equal facts, and share nothing.
    """

    __slots__ = ("_memo", "facts")

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        rows.take_over(facts.releases)
        self._memo: dict[tuple[Any, ...], Any] = {}

    @property
    def asked(self) -> Asked | Open | NotApplicable:
        """The launch's options as the engine's release reads them, or why they cannot be judged."""
        return _asked(self)

    @property
    def engine(self) -> tuple[Chosen, ...]:
        """The engine that the launch starts, in the release that is here; without a launch, every engine that is."""
        return _engine(self)


def memoized(derive: Callable[Concatenate[Case, P], T]) -> Callable[Concatenate[Case, P], T]:
    """Makes a pure function of a case answer once per case and arguments; these are hashable.

    The answer is shared by all who ask: a value that nobody changes, and no iterator.
    """

    @wraps(derive)
    def derived(case: Case, /, *args: P.args, **kwargs: P.kwargs) -> T:
        memo, key = case._memo, (derive, *args, *kwargs.items())
        if key not in memo:
            memo[key] = derive(case, *args, **kwargs)
        answer: T = memo[key]
        return answer

    return derived


@memoized
def _asked(case: Case) -> Asked | Open | NotApplicable:
    return read_asked(case.facts)


@memoized
def _engine(case: Case) -> tuple[Chosen, ...]:
    return installed_engines(case.facts)
