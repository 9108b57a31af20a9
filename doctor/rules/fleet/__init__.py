"""What can be wrong between machines that serve one model together."""

from __future__ import annotations

from doctor.rules import RULES
from doctor.rules.fleet import (
    net020_version_skew,
    net021_unreachable,
    net022_meeting_place,
    net023_gloo_addresses,
    net024_model_differs,
    net025_gpus_differ,
    net026_parallel_size,
    net027_settings_differ,
    net028_clock,
    net029_mtu,
)
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Described

FLEET_RULES: tuple[FleetRule, ...] = (
    net021_unreachable.RULE,
    net022_meeting_place.RULE,
    net023_gloo_addresses.RULE,
    net020_version_skew.RULE,
    net024_model_differs.RULE,
    net026_parallel_size.RULE,
    net027_settings_differ.RULE,
    net025_gpus_differ.RULE,
    net029_mtu.RULE,
    net028_clock.RULE,
)
EVERY_RULE: tuple[Described, ...] = (*RULES, *FLEET_RULES)  # of one machine and of several
