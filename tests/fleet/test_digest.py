"""Digests: what makes two machines unlike, what does not, and what a thousand of them cost."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from doctor.derived.differences import differences
from doctor.derived.digest import digest_of
from doctor.derived.fleet import Fleet, Member
from doctor.facts.codec import FactsError
from doctor.facts.node import SECTIONS
from doctor.fleet.digest_line import from_line, to_line
from doctor.rules.fleet import FLEET_RULES
from doctor.rules.fleet.engine import evaluate_fleet
from tests.fleet.nodes import facts


def test_two_ranks_of_one_kind_have_equal_digests() -> None:
    """Another rank, address, free memory, clock and own name are no difference."""
    assert digest_of(facts(0)).key == digest_of(facts(1)).key


@pytest.mark.parametrize(
    ("changes", "section", "said"),
    [
        ({"versions": {"torch": "2.8.0"}}, "packages", "torch"),
        ({"versions": {"vllm": "0.12.1"}}, "engine", "0.12.1"),
        ({"shard": 1001}, "model", "a.safetensors: 1000, here 1001"),
        ({"cards": 4}, "gpu", "NVIDIA"),
        ({"driver": "550.54"}, "driver", "driver: 570.124.06, here 550.54"),
        ({"mtu": 9000}, "network", "eth0: 1500, here 9000"),
        ({"environ": {"NCCL_PROTO": "LL"}}, "environment", "NCCL_PROTO: none, here LL"),
    ],
)
def test_what_differs_is_in_its_section_and_is_named(changes: dict[str, Any], section: str, said: str) -> None:
    usual, other = facts(0), facts(1, **changes)
    odd = {n for n in SECTIONS if digest_of(usual).sections[n] != digest_of(other).sections[n]}
    assert section in odd
    assert odd <= {section, "packages", "engine"}  # the engine and torch are packages, too
    assert any(said in line for line in differences(usual, other, section)), differences(usual, other, section)


def test_a_thousand_nodes_are_compared_in_little_memory() -> None:
    known = facts(0)
    digest = digest_of(known)
    sent = []
    for rank in range(1000):
        address = f"10.9.{rank // 256}.{rank % 256}"
        sections = {**digest.sections, "driver": f"{rank:012x}"} if rank % 250 == 7 else digest.sections
        one = replace(digest, sections=sections, host=f"n{rank}", address=address, addresses=(address,))
        sent.append(json.dumps(to_line(one), separators=(",", ":")))
    assert sum(map(len, sent)) < 200_000
    tracemalloc.start()  # not the process: other tests run in it, too
    members = tuple(
        Member(f"n{rank}", rank, from_line(json.loads(line)), known) for rank, line in enumerate(sent)
    )
    fleet = Fleet(members)
    odd = fleet.differing
    evaluate_fleet(fleet, FLEET_RULES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {m.rank for k in odd["driver"] for m in k.members} == {7, 257, 507, 757}
    assert len(fleet.kinds) == 5
    assert peak < 100 << 20


def test_a_digest_comes_back_as_it_was_sent() -> None:
    one = replace(digest_of(facts(0)), host="n0", address="10.0.0.1", addresses=("10.0.0.1", "fd00::1"), mtu=9000, clock=1.5)
    assert from_line(json.loads(json.dumps(to_line(one)))) == one
    bare = replace(one, mtu=None, clock=None)
    assert len(to_line(bare)) == 5 and from_line(to_line(bare)) == bare


GOOD = to_line(replace(digest_of(facts(0)), host="n0"))
LINES: tuple[object, ...] = (
    None, {}, [], "x", 5, [5], ["!!!!"], ["A" * 71], ["A" * 76], [GOOD[0], 5], [GOOD[0], "n" * 301], [GOOD[0], "n", "a", "w", "no list"],
    [GOOD[0], "n", "a", "w", ["1"] * 65], [GOOD[0], "n", "a", "w", [], "big"], [*GOOD, *range(9)], [GOOD[0] + "\n", "n"],
)  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_a_line_that_is_no_digest_is_refused(line: object) -> None:
    with pytest.raises(FactsError):
        from_line(line)
