"""A case is facts, what was asked and the engine; what follows is kept with it, and with nothing else."""

from __future__ import annotations

import gc
import weakref

from doctor.derived.asked import Asked
from doctor.derived.case import Case, memoized
from doctor.derived.memory.verdict import memory_verdict
from doctor.derived.packages.needs import needs_of
from doctor.facts import Distributions, Facts, Launch, Target
from doctor.facts.distribution import Distribution


def facts() -> Facts:
    here = Distribution("lmdeploy", "lmdeploy", "0.11.1", "", "requirements.txt:1")
    words = ("lmdeploy", "serve", "api_server", "m", "--tp", "2")
    return Facts(
        Target("declared", "a test", python="3.11"), Distributions((here,), complete=False),
        launch=Launch(words, "lmdeploy", program="lmdeploy", subcommand=("serve", "api_server"), arguments=words[3:]),
    )  # fmt: skip


def test_it_has_three_fields() -> None:
    assert {name for name in dir(Case) if not name.startswith("_")} == {"facts", "asked", "engine"}
    case = Case(facts())
    assert [(one.name, one.version) for one in case.engine] == [("lmdeploy", "0.11.1")]
    assert isinstance(case.asked, Asked) and case.asked.value("--tp") == "2"


def test_what_follows_is_worked_out_once_for_each_case() -> None:
    calls: list[tuple[Case, int]] = []

    @memoized
    def doubled(case: Case, number: int) -> list[int]:
        calls.append((case, number))
        return [number * 2]

    one, other = Case(facts()), Case(facts())
    assert doubled(one, 1) is doubled(one, 1)
    assert doubled(one, 2) == [4] and calls == [(one, 1), (one, 2)]
    assert doubled(other, 1) == doubled(one, 1) and doubled(other, 1) is not doubled(one, 1)


def test_two_cases_of_equal_facts_share_nothing() -> None:
    one, other = Case(facts()), Case(facts())
    assert one.facts == other.facts and one != other
    assert one.asked is one.asked and one.asked is not other.asked and one.asked == other.asked
    assert needs_of(one) is needs_of(one) and needs_of(one) is not needs_of(other)
    assert memory_verdict(one) is memory_verdict(one) and memory_verdict(one) is not memory_verdict(other)


def test_a_case_that_is_dropped_drops_what_followed_from_it() -> None:
    case = Case(facts())
    kept = weakref.ref(needs_of(case))
    assert kept() is not None
    del case
    gc.collect()
    assert kept() is None
