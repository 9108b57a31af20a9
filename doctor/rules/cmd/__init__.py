"""Rules on the launch command: its options, values and variables, as the release's own parser takes them."""

from __future__ import annotations

from doctor.rules.cmd.cmd001_unknown_option import RULE as CMD001
from doctor.rules.cmd.cmd002_invalid_choice import RULE as CMD002
from doctor.rules.cmd.cmd003_wrong_value_form import RULE as CMD003
from doctor.rules.cmd.cmd004_wrong_value import RULE as CMD004
from doctor.rules.cmd.cmd005_quantization_conflict import RULE as CMD005
from doctor.rules.cmd.cmd006_dtype_conflict import RULE as CMD006
from doctor.rules.cmd.cmd007_context_too_long import RULE as CMD007
from doctor.rules.cmd.cmd008_heads_not_divisible import RULE as CMD008
from doctor.rules.cmd.cmd009_variable_not_read import RULE as CMD009
from doctor.rules.cmd.cmd010_option_of_the_other_backend import RULE as CMD010
from doctor.rules.cmd.cmd011_no_server import RULE as CMD011
from doctor.rules.cmd.cmd012_pasted_text import RULE as CMD012
from doctor.rules.cmd.cmd013_start_command_twice import RULE as CMD013
from doctor.rules.cmd.cmd014_words_in_one import RULE as CMD014
from doctor.rules.cmd.cmd015_variable_not_expanded import RULE as CMD015
from doctor.rules.cmd.cmd016_command_cut_short import RULE as CMD016
from doctor.rules.cmd.cmd017_model_word_not_read import RULE as CMD017
from doctor.rules.cmd.cmd018_port_in_use import RULE as CMD018
from doctor.rules.cmd.cmd020_gateway_mismatch import RULE as CMD020
from doctor.rules.cmd.cmd021_container_without_gpu import RULE as CMD021
from doctor.rules.cmd.cmd022_server_unreachable import RULE as CMD022
from doctor.rules.cmd.cmd023_container_shared_memory import RULE as CMD023
from doctor.rules.cmd.cmd024_model_not_kept import RULE as CMD024
from doctor.rules.cmd.cmd025_metrics_not_served import RULE as CMD025
from doctor.rules.cmd.cmd026_health_check_too_early import RULE as CMD026
from doctor.rules.cmd.cmd027_client_address import RULE as CMD027
from doctor.rules.cmd.cmd028_server_in_background import RULE as CMD028
from doctor.rules.cmd.cmd030_too_few_gpus_requested import RULE as CMD030
from doctor.rules.cmd.cmd031_probe_asks_another_port import RULE as CMD031
from doctor.rules.cmd.cmd032_probe_path_not_served import RULE as CMD032
from doctor.rules.cmd.cmd033_compose_refuses_the_file import RULE as CMD033
from doctor.rules.rule import Rule

CMD_RULES: tuple[Rule, ...] = (
    CMD012, CMD011, CMD013, CMD014, CMD015, CMD016, CMD003, CMD002, CMD004, CMD001, CMD005, CMD006, CMD007, CMD008,
    CMD009, CMD010, CMD017, CMD018,
)  # fmt: skip
# what stands around the server: its container, a gateway in front, a scraper
DEPLOYMENT_RULES: tuple[Rule, ...] = (
    CMD020, CMD021, CMD022, CMD023, CMD024, CMD025, CMD026, CMD027, CMD028, CMD030, CMD031, CMD032, CMD033,
)  # fmt: skip
