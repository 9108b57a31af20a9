"""Chooses the language of a command's answer."""

from __future__ import annotations

import os
import sys


def choose(asked: str | None, form: str) -> None:
    """The language that was asked for, else the locale's on a terminal that can show it; other forms are English."""
    from doctor.report.language import of_environment, use

    shows = form == "terminal" and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    use(asked or (of_environment(os.environ) if shows else "en"))
