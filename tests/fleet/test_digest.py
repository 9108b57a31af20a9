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
from doctor.facts.codec import from_json, to_json
from doctor.facts.node import SECTIONS, Digest
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
        one = replace(digest, sections=sections, host=f"n{rank}", address=address, addresses=(address,), rank=rank)
        sent.append(json.dumps(to_json(one)))
    assert sum(map(len, sent)) < 500_000
    tracemalloc.start()  # not the process: other tests run in it, too
    members = tuple(
        Member(f"n{rank}", rank, from_json(Digest, json.loads(line), "digest"), known) for rank, line in enumerate(sent)
    )
    fleet = Fleet(members)
    odd = fleet.differing
    evaluate_fleet(fleet, FLEET_RULES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {m.rank for k in odd["driver"] for m in k.members} == {7, 257, 507, 757}
    assert len(fleet.kinds) == 5
    assert peak < 100 << 20
