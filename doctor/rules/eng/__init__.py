"""Rules on engines: what a release of an engine accepts and needs, as the data has it."""

from __future__ import annotations

from doctor.rules.eng.eng001_engine_does_not_link import RULE as ENG001
from doctor.rules.eng.eng002_unknown_model_type import RULE as ENG002
from doctor.rules.eng.eng003_architecture_not_supported import RULE as ENG003
from doctor.rules.eng.eng004_quantization_not_accepted import RULE as ENG004
from doctor.rules.eng.eng005_helper_missing import RULE as ENG005
from doctor.rules.eng.eng006_declared_conflict import RULE as ENG006
from doctor.rules.eng.eng007_quantization_needs_newer_gpu import RULE as ENG007
from doctor.rules.eng.eng008_kv_cache_quantization import RULE as ENG008
from doctor.rules.eng.eng009_loader_missing import RULE as ENG009
from doctor.rules.eng.eng010_structured_output import RULE as ENG010
from doctor.rules.eng.eng011_model_fails_with_release import RULE as ENG011
from doctor.rules.eng.eng012_library_refused import RULE as ENG012
from doctor.rules.rule import Rule

ENG_RULES: tuple[Rule, ...] = (
    ENG001, ENG002, ENG003, ENG004, ENG005, ENG006, ENG007, ENG008, ENG009, ENG010, ENG011, ENG012,
)  # fmt: skip
