"""Installed releases that came after the data was read: what a report says of them, and of data that is not read."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.base.text import conjoined
from doctor.facts import Distributions, Facts
from doctor.matrix import rows
from doctor.matrix.files.own_rows import own_rows
from doctor.matrix.newer import is_newer

NAMED = 3
UPDATE = "`qvl-doctor matrix update`"


@dataclass(frozen=True, slots=True)
class NewerRelease:
    """An installed or pinned release; `newest` is the newest that the data has."""

    distribution: str
    version: str
    newest: str


def newer_releases(facts: Facts) -> tuple[NewerRelease, ...]:
    """The releases of covered projects that the data came too early for, in the order of the projects."""
    if not isinstance(facts.distributions, Distributions):
        return ()
    out = []
    for name in rows.projects():
        version = facts.distributions.version(name)
        known = rows.releases(name) if version else None
        if version and known is not None and known.versions and is_newer(version, known):
            out.append(NewerRelease(name, version, known.versions[-1]))
    return tuple(out)


def data_notes(facts: Facts) -> tuple[str, ...]:
    """What is to be said of the data, a sentence each; empty where it is as new as what is installed."""
    notes, problem = [], own_rows().problem
    if found := newer_releases(facts):
        named = [f"{one.distribution} {one.version}" for one in found[:NAMED]]
        named += [f"{len(found) - NAMED} more"] if len(found) > NAMED else []
        verb, object_ = ("is", "it") if len(found) == 1 else ("are", "them")
        notes.append(f"{conjoined(named)} {verb} newer than qvl-doctor's data; {UPDATE} adds {object_}")
    return (*notes, problem) if problem else tuple(notes)
