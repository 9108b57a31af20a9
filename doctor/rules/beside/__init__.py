"""Rules on what stands beside the engine: a container's settings, a gateway in front, a scraper."""

from __future__ import annotations

from doctor.rules.beside.cmd020_gateway_mismatch import RULE as CMD020
from doctor.rules.beside.cmd021_container_without_gpu import RULE as CMD021
from doctor.rules.beside.cmd022_server_unreachable import RULE as CMD022
from doctor.rules.beside.cmd023_container_shared_memory import RULE as CMD023
from doctor.rules.beside.cmd024_model_not_kept import RULE as CMD024
from doctor.rules.beside.cmd025_metrics_not_served import RULE as CMD025
from doctor.rules.beside.cmd026_health_check_too_early import RULE as CMD026
from doctor.rules.rule import Rule

BESIDE_RULES: tuple[Rule, ...] = (CMD020, CMD021, CMD022, CMD023, CMD024, CMD025, CMD026)
