"""The network between the machines that serve one model together."""

from __future__ import annotations

from doctor.rules.net import (
    net001_interface_missing,
    net002_loopback_interface,
    net003_own_name,
    net004_host_address,
    net005_meeting_address,
    net006_locked_memory,
    net007_rdma_device,
    net008_container_network,
)
from doctor.rules.rule import Rule

NET_RULES: tuple[Rule, ...] = (
    net001_interface_missing.RULE,
    net002_loopback_interface.RULE,
    net003_own_name.RULE,
    net004_host_address.RULE,
    net005_meeting_address.RULE,
    net006_locked_memory.RULE,
    net007_rdma_device.RULE,
    net008_container_network.RULE,
)
