"""`%i`, `%h` and their like in unit files, as far as the unit's own name and user tell them."""

from __future__ import annotations

import re

_FIXED = {"%": "%", "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc", "T": "/tmp",
          "V": "/var/tmp", "d": "/run/credentials"}  # fmt: skip


def of_unit(name: str, user: str | None) -> dict[str, str]:
    """What each letter stands for; those that only a running system knows are left out."""
    stem = name.rpartition(".")[0] or name
    prefix, _, instance = stem.partition("@")
    who = user or "root"
    known = {"n": name, "N": stem, "p": prefix, "u": who, "h": "/root" if who == "root" else f"/home/{who}"}
    known |= {"i": instance, "I": instance.replace("-", "/")} if instance else {}
    return {**_FIXED, **known}


def replaced(text: str, known: dict[str, str]) -> str:
    """The text with its specifiers replaced; one that is not known stays as it is."""
    return re.sub(r"%(.)", lambda found: known.get(found[1], found[0]), text)
