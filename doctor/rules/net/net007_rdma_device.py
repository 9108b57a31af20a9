"""A variable names an RDMA device or GID that this machine does not have.

`NCCL_IB_HCA` selects devices by prefix (`mlx5`), exactly after `=`, by exclusion after `^`; where none is left, NCCL
uses TCP sockets instead, many times slower. `NCCL_IB_GID_INDEX` selects an entry of a RoCE port's GID table; an empty
entry fails with `ibv_modify_qp failed`. `UCX_NET_DEVICES` holds exact names (`mlx5_0:1`, `eth0`); where none exists,
UCX fails with `no usable transports/devices`.

What to do: name what `ibv_devinfo -v` or `show_gids` lists, or unset the variable. NCCL 2.21 and newer choose the GID
themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual
from doctor.derived.interfaces import selected
from doctor.derived.nodes import elsewhere, group_of, network_of, variable
from doctor.facts import Network
from doctor.facts.network import RdmaPort
from doctor.findings import NotApplicable, Open
from doctor.rules.rule import Rule, Verdict

HCA, GID, UCX = "NCCL_IB_HCA", "NCCL_IB_GID_INDEX", "UCX_NET_DEVICES"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Each variable by itself."""
    facts, network = case.facts, network_of(case)
    given = {n: v for n in (HCA, GID, UCX) if (v := variable(facts, n))}
    if group_of(case) is None or not given:
        yield NotApplicable("no variable names an RDMA device for several machines")
    elif network.interfaces is None:
        yield Open("the network interfaces could not be read")
    elif why := elsewhere(facts):
        yield Open(why)
    else:
        for name, value in given.items():
            if problem := _problem(network, name, value):
                yield rule.about(
                    f"`{name}={value}` {problem}.",
                    manual(f"correct or unset `{name}`"),
                    observed=value, expected=_devices(network) or None, source=name, key=name, where="network",
                )  # fmt: skip


def _problem(network: Network, name: str, value: str) -> str | None:
    if name == HCA:
        left = selected([p.device for p in network.rdma], value)
        return None if left else f"matches no device here ({_devices(network) or 'none'}); NCCL falls back to TCP"
    if name == GID:
        return _empty_gid(network, value)
    known = {i.name for i in network.interfaces or ()}
    known |= {p.device for p in network.rdma} | {f"{p.device}:{p.port}" for p in network.rdma} | {"all"}
    return None if known & set(value.split(",")) else "is not a device of this machine"


def _empty_gid(network: Network, value: str) -> str | None:
    ports = [p for p in network.rdma if p.active and p.link == "Ethernet"]
    if not value.isdigit() or not ports:
        return None
    without = [p for p in ports if not _has(p, int(value))]
    return f"is an empty GID on `{without[0].device}` port {without[0].port}" if without else None


def _has(port: RdmaPort, index: int) -> bool:
    return any(g.index == index for g in port.gids)


def _devices(network: Network) -> str:
    return ", ".join(dict.fromkeys(p.device for p in network.rdma))


RULE = Rule(code="NET007", name="rdma-device", severity="warning", check=check, needs=("network",))
