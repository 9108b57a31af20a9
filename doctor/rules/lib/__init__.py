"""Rules on shared libraries: would the loader take them, do they fit each other, do they hold code for the GPU."""

from __future__ import annotations

from doctor.rules.lib.lib001_missing_library import RULE as LIB001
from doctor.rules.lib.lib002_missing_symbol import RULE as LIB002
from doctor.rules.lib.lib003_symbol_version import RULE as LIB003
from doctor.rules.lib.lib004_unusable_library import RULE as LIB004
from doctor.rules.lib.lib005_mixed_cuda import RULE as LIB005
from doctor.rules.lib.lib006_no_gpu_code import RULE as LIB006
from doctor.rules.rule import Rule

LIB_RULES: tuple[Rule, ...] = (LIB001, LIB002, LIB003, LIB004, LIB005, LIB006)
