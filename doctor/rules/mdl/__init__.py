"""Rules on the model itself: its files, and the code that comes with it."""

from __future__ import annotations

from doctor.rules.mdl.mdl001_config_unusable import RULE as MDL001
from doctor.rules.mdl.mdl002_weights_incomplete import RULE as MDL002
from doctor.rules.mdl.mdl003_companion_files_missing import RULE as MDL003
from doctor.rules.mdl.mdl004_quantization_unnamed import RULE as MDL004
from doctor.rules.mdl.mdl005_remote_code_missing import RULE as MDL005
from doctor.rules.mdl.mdl006_remote_code_packages import RULE as MDL006
from doctor.rules.mdl.mdl007_trust_remote_code import RULE as MDL007
from doctor.rules.mdl.mdl008_remote_code_acts import RULE as MDL008
from doctor.rules.mdl.mdl009_processor_size import RULE as MDL009
from doctor.rules.rule import Rule

MDL_RULES: tuple[Rule, ...] = (MDL001, MDL002, MDL003, MDL004, MDL005, MDL006, MDL007, MDL008, MDL009)
