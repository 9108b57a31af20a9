"""Where a code is explained: its page, where this build or the environment says where the pages are; else a command."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from doctor import __version__
from doctor.base.late import late_pattern

VARIABLE = "QVL_DOCTOR_DOCUMENTATION"  # names a copy of the pages, and comes before the address of the build
LARGEST = 64 << 10
FOLDERS = {"RUN": "crashes", "SRV": "probe"}  # of the codes that are not rules
_ADDRESS = late_pattern(r"https?://[\w.~:@!$&()*+,;=/%?-]{1,500}")
_FIELD = late_pattern(r"^Project-URL:\s*Documentation\s*,\s*(\S+)\s*$", re.M | re.I)


def page_of(code: str) -> str | None:
    """The address of the page that explains a code; None where it is not known where the pages are."""
    base = address()
    return f"{base}/{FOLDERS.get(code[:3], 'rules')}/{code}.html" if base else None


def help_of(code: str) -> str:
    """The page, or the command that prints the same."""
    return page_of(code) or f"qvl-doctor explain {code}"


def address() -> str:
    """Where the pages are, without a slash at the end; empty where nobody says so, or says what is no address."""
    found = os.environ.get(VARIABLE) or _of_the_build()
    return found.rstrip("/") if _ADDRESS.fullmatch(found) else ""


@cache
def _of_the_build() -> str:
    """The URL in our own metadata, next to the package; empty for a checkout. The usual reader takes longer to load."""
    folder = Path(__file__).parents[2] / f"qvl_doctor-{__version__}.dist-info"
    try:
        with (folder / "METADATA").open(encoding="utf-8", errors="replace") as file:
            head = file.read(LARGEST).partition("\n\n")[0]
    except OSError:
        return ""
    found = _FIELD.search(head)
    return found[1] if found else ""
