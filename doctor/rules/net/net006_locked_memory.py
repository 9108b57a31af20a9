"""The limit on locked memory is too low for RDMA.

InfiniBand and RoCE register the memory that they send, and registered memory is locked. With the usual limit of 64 KiB
or 8 MiB, NCCL and UCX fail with `ibv_reg_mr failed: Cannot allocate memory`.

What to do: `ulimit -l unlimited` in the shell, `LimitMEMLOCK=infinity` in a systemd unit, `--ulimit memlock=-1` for a
container, or `* - memlock unlimited` in `/etc/security/limits.conf`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual
from doctor.derived.nodes import elsewhere, group_of, network_of, variable
from doctor.derived.units import GIB, size
from doctor.findings import NotApplicable, Open
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only for several machines with an active port that NCCL may use."""
    network = network_of(case)
    active = [p for p in network.rdma if p.active] if group_of(case) is not None else []
    if not active or variable(case.facts, "NCCL_IB_DISABLE") == "1":
        yield NotApplicable("the launch does not use RDMA between machines")
    elif why := elsewhere(case.facts):
        yield Open(why)
    elif network.locked_memory is None:
        yield Open("the limit on locked memory could not be read")
    elif 0 <= (soft := network.locked_memory[0]) < GIB:
        yield rule.about(
            f"A process may lock {size(soft)} of memory here, and RDMA over `{active[0].device}` needs the buffers of "
            "the model's traffic locked.",
            manual("run `ulimit -l unlimited` before the server, or start the container with `--ulimit memlock=-1`"),
            observed=size(soft), expected="unlimited", source="RLIMIT_MEMLOCK", where="locked memory",
        )  # fmt: skip


RULE = Rule(code="NET006", name="locked-memory", severity="warning", check=check, needs=("network",))
