"""`distutils` as setuptools provides it: a `.pth` line puts its copy before the standard library's."""

from __future__ import annotations

from collections.abc import Callable

from doctor.base.late import late_pattern
from doctor.facts import Target

VARIABLE = "SETUPTOOLS_USE_DISTUTILS"
COPY = "setuptools/_distutils"
_DEFAULT = late_pattern(r"environ\.get\(var, '(\w{1,20})'\)")


def has_distutils_of_setuptools(target: Target, environment: Callable[[str], str | None]) -> bool:
    """Whether `import distutils` gives setuptools' copy in a process of this Python, by `.pth` line and variable."""
    line = next((p.message for p in target.code_lines if "_distutils_hack" in p.message), None)
    if line is None:
        return False
    default = _DEFAULT.search(line)
    return (environment(VARIABLE) or (default[1] if default else "stdlib")) == "local"
