"""Where the project lives, for everything that is built."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAMES = ("repository", "documentation")
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


def addresses(folder: Path = Path(__file__).parent) -> dict[str, str]:
    """The addresses that are known, without a slash at their end. Raises ValueError for anything that is no address."""
    with (folder / "addresses.toml").open("rb") as file:
        written = tomllib.load(file)
    found = {n: os.environ.get(f"QVL_DOCTOR_{n.upper()}", "") or str(written.get(n, "")) for n in NAMES}
    for name, text in found.items():
        if text and not _ADDRESS.fullmatch(text):
            raise ValueError(f"the {name} is not an address: {text!r}")
    return {name: text.rstrip("/") for name, text in found.items() if text}


def urls(known: dict[str, str]) -> dict[str, str]:
    """The URLs of a package's metadata."""
    out = {"Documentation": known["documentation"]} if "documentation" in known else {}
    if home := known.get("repository"):
        out |= {"Homepage": known.get("documentation", home), "Repository": home}
    return out
