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
    from doctor.matrix.files.packed import packed_data

    if (packed := packed_data()) is not None:
        return packed
    package = Path(doctor.__file__).resolve().parent
    for folder in (package / "matrices", package.parent / "matrices"):
        if (folder / "VERSION").is_file():
            return folder
    raise DataError(f"the data of qvl-doctor is missing: no `matrices/VERSION` in {package} or next to it")


def data_version() -> str:
    """The version of the data: its day and a digest of its content, such as `2026.11.21+0f3a9b1c`.

    Where this user added releases, a digest of these follows: `2026.11.21+0f3a9b1c.77d0a1b2`.
    """
    from doctor.matrix.files.own_rows import own_rows

    shipped = (data_dir() / "VERSION").read_text(encoding="ascii").strip()
    added = own_rows().version()
    return f"{shipped}.{added}" if added else shipped
