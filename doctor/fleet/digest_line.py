"""A digest as a node sends it: a list without names, so that a thousand nodes send about 200 kB."""

from __future__ import annotations

import base64
from typing import Any

from doctor.facts.codec import FactsError, from_json
from doctor.facts.node import SECTIONS, Digest

BYTES = 6  # of one section
LONGEST, MOST = 300, 64  # characters of a text, addresses
_REST = ("host", "address", "why", "addresses", "mtu", "clock")


def to_line(digest: Digest) -> list[Any]:
    """The sections in their order as base64, then the rest of the fields; what is not known at the end is left out."""
    sections = bytes.fromhex("".join(digest.sections[name] for name in SECTIONS))
    rest = [digest.host, digest.address, digest.why, list(digest.addresses), digest.mtu, digest.clock]
    while rest and rest[-1] is None:
        rest.pop()
    return [base64.urlsafe_b64encode(sections).decode("ascii"), *rest]


def from_line(line: object) -> Digest:
    """What a node said, bounded. Raises FactsError."""
    wrong = FactsError("its digest is not in the form of this version")
    if not isinstance(line, list) or not line or len(line) > 1 + len(_REST) or not isinstance(line[0], str):
        raise wrong
    try:
        data = base64.b64decode(line[0], altchars=b"-_", validate=True)
    except ValueError:
        raise wrong from None
    if len(data) != BYTES * len(SECTIONS):
        raise wrong
    sections = {name: data[n * BYTES : (n + 1) * BYTES].hex() for n, name in enumerate(SECTIONS)}
    found = from_json(Digest, {"sections": sections, **dict(zip(_REST, line[1:], strict=False))}, "its digest")
    texts = (found.host, found.address, found.why, *found.addresses)
    if len(found.addresses) > MOST or any(len(text) > LONGEST for text in texts if text):
        raise wrong
    return found
