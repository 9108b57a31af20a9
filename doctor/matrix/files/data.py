"""Where the data lies: `doctor/matrices` in an installed package, `matrices` beside it in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import doctor


class DataError(ValueError):
    """Our own data is missing or does not hold what its schema promises; the message says which file and where."""


@cache
def data_dir() -> Path:
    """The folder of `engines`, `hardware`, `wheels` and `schema`. Raises DataError where the installation lacks it."""
    package = Path(doctor.__file__).resolve().parent
    for folder in (package / "matrices", package.parent / "matrices"):
        if (folder / "VERSION").is_file():
            return folder
    raise DataError(f"the data of qvl-doctor is missing: no `matrices/VERSION` in {package} or next to it")


def data_version() -> str:
    """The calendar version of the data, such as `2026.11.21`."""
    return (data_dir() / "VERSION").read_text(encoding="utf-8").strip()
