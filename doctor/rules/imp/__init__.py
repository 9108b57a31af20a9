"""Rules on imports: what the launch and the packages beside it import, and what of that is not there."""

from __future__ import annotations

from doctor.rules.imp.imp001_missing_name import RULE as IMP001
from doctor.rules.imp.imp002_missing_module import RULE as IMP002
from doctor.rules.imp.imp003_launch_module import RULE as IMP003
from doctor.rules.imp.imp004_import_error import RULE as IMP004
from doctor.rules.imp.imp005_library_refused import RULE as IMP005
from doctor.rules.imp.imp006_import_fails_when_run import RULE as IMP006
from doctor.rules.rule import Rule

IMP_RULES: tuple[Rule, ...] = (IMP001, IMP002, IMP003, IMP004, IMP005, IMP006)
