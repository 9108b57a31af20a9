"""Rules about installed distributions: what is missing, does not fit, is damaged or in the way."""

from __future__ import annotations

from doctor.rules.pkg import (
    pkg001_requirement_not_met,
    pkg002_duplicate_distribution,
    pkg003_invalid_metadata,
    pkg004_file_collision,
    pkg005_changed_file,
    pkg006_version_gate,
    pkg007_shadowed_module,
    pkg008_python_not_supported,
    pkg009_broken_environment,
    pkg010_engine_not_installed,
)
from doctor.rules.rule import Rule

PKG_RULES: tuple[Rule, ...] = (
    pkg001_requirement_not_met.RULE,
    pkg002_duplicate_distribution.RULE,
    pkg003_invalid_metadata.RULE,
    pkg004_file_collision.RULE,
    pkg005_changed_file.RULE,
    pkg006_version_gate.RULE,
    pkg007_shadowed_module.RULE,
    pkg008_python_not_supported.RULE,
    pkg009_broken_environment.RULE,
    pkg010_engine_not_installed.RULE,
)
