"""The rules between nodes: each fires on its fault, names the node, and is silent on healthy nodes."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.facts.node import Tried
from doctor.findings import Finding
from doctor.rules.fleet import FLEET_RULES
from doctor.rules.fleet.engine import evaluate_fleet
from tests.fleet.nodes import fleet, member

OK = (Tried("n1", "10.0.0.2:4000", "ok", 0.2),), (Tried("n0", "10.0.0.1:4000", "ok", 0.2),)


def judged(*members: Any) -> dict[str, tuple[Finding, ...]]:
    """Findings by code."""
    results = evaluate_fleet(fleet(*members), FLEET_RULES)
    assert not [r for r in results if r.status == "broken"], results
    return {r.code: r.findings for r in results if r.findings}


def test_healthy_nodes_have_no_findings_and_every_rule_decides() -> None:
    results = evaluate_fleet(fleet(member(0, OK[0]), member(1, OK[1])), FLEET_RULES)
    assert {r.code: r.status for r in results if r.status != "pass"} == {}


@pytest.mark.parametrize(
    ("code", "severity", "said", "changes"),
    [
        ("NET020", "error", "NCCL 2.26.2", {"versions": {"nvidia-nccl-cu12": "2.26.2"}}),
        ("NET020", "error", "Ray 2.40.0", {"versions": {"ray": "2.40.0"}}),
        ("NET020", "warning", "vllm 0.11.2", {"versions": {"vllm": "0.11.2"}}),
        ("NET020", "warning", "Python 3.10", {"python": "3.10.12"}),
        ("NET023", "error", "same address 10.0.0.1", {"address": "10.0.0.1", "own": ["10.0.0.1"]}),
        ("NET024", "error", "a.safetensors", {"shard": 999}),
        ("NET025", "warning", "550.54", {"driver": "550.54"}),
        ("NET025", "warning", "GPUs", {"card": {"memory_total": 1 << 36}}),
        ("NET026", "error", "the 2 nodes have 12", {"cards": 4}),
        ("NET027", "warning", "NCCL_ALGO", {"environ": {"NCCL_ALGO": "Ring"}}),
        ("NET029", "warning", "MTU 9000", {"mtu": 9000}),
    ],
)
def test_a_fault_of_one_node_is_found_and_named(code: str, severity: str, said: str, changes: dict[str, Any]) -> None:
    usual = (member(2),) if code != "NET026" else ()
    found = judged(member(0), member(1, **changes), *usual)
    assert code in found, found
    assert any(said in f.message and f.severity == severity for f in found[code]), found[code]
    if code not in ("NET026",):
        assert any("n1" in f.message for f in found[code])


def test_a_loopback_address_stops_the_ranks_only_where_others_connect_to_it() -> None:
    """As torch 2.14 does, measured in network namespaces (`benchmarks/fleet_lab.py`)."""
    low = judged(member(0), member(1, own=["127.0.1.1"]))
    high = judged(member(0, net="192.168.7"), member(1, net="192.168.7", own=["127.0.1.1"]))
    both = judged(member(0, own=["127.0.1.1"]), member(1, own=["127.0.1.1"]))
    named = judged(member(0, net="192.168.7"), member(1, net="192.168.7", own=["127.0.1.1"], environ={"GLOO_SOCKET_IFNAME": "eth0"}))
    assert "NET023" not in low
    assert "n1" in high["NET023"][0].message
    assert {f.location.name for f in both["NET023"] if f.location} == {"n0", "n1"}
    assert "NET023" not in named


def test_two_ranks_of_one_machine_meet_on_its_loopback() -> None:
    same = {"own": ["127.0.1.1"], "host": "one", "address": "10.0.0.1"}
    assert "NET023" not in judged(member(0, **same), member(1, **same))


def test_an_ipv4_name_among_ipv6_nodes_is_named() -> None:
    six = [member(r, own=[f"fd00::{r}"], address=f"fd00::{r}") for r in (0, 1)]
    found = judged(*six, member(2, own=["127.0.1.1"]))
    assert any("IPv6" in f.message and "n2" in f.message for f in found["NET023"])


def test_failed_connections_name_who_cannot_reach_whom() -> None:
    blocked = Tried("n0", "10.0.0.1:29501", "timed out", 3000.0)
    fine = Tried("n2", "10.0.0.3:4000", "ok", 0.2)
    found = judged(member(0, (fine,)), member(1, (blocked, fine)), member(2, (fine,)))
    (one,) = found["NET021"]
    assert one.severity == "error" and "n1 cannot connect to n0 at 10.0.0.1:29501: timed out" in one.message
    alone = judged(member(0, (fine,)), member(1, (blocked,)))
    assert "n1 reaches none" in alone["NET021"][0].message


def test_the_meeting_address_has_to_be_of_rank_0() -> None:
    found = judged(member(0, address="10.0.0.77", own=["10.0.0.77"]), member(1))
    assert "not an address of n0" in found["NET022"][0].message


def test_a_clock_is_compared_with_the_middle_of_all() -> None:
    found = judged(member(0, skew=0.0), member(1, skew=0.1), member(2, skew=-90.0))
    (one,) = found["NET028"]
    assert "n2" in one.message and "behind" in one.message


def test_every_rule_has_a_page_and_its_own_code() -> None:
    codes = [r.code for r in FLEET_RULES]
    assert len(set(codes)) == len(codes)
    assert all(r.code.startswith("NET") and len(r.explanation) > 200 for r in FLEET_RULES)


def test_most_machines_decide_and_not_the_most_frequent_kind() -> None:
    """Three nodes have one model; four have another, two of them with another driver."""
    rest = [member(n, shard=999, **({"driver": "550.54"} if n > 4 else {})) for n in range(3, 7)]
    found = judged(member(0), member(1), member(2), *rest)
    assert [f.message.partition(":")[0] for f in found["NET024"]] == ["n0, n1 and n2"]
    assert [f.message.partition(":")[0] for f in found["NET025"]] == ["n5 and n6"]
    assert "a.safetensors" in found["NET024"][0].message
