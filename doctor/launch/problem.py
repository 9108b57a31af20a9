"""What the reader of a command line finds: an option as it was given, and one thing that the parser refuses."""

from __future__ import annotations

from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class Given:
    """One option as it was given: `name` as the table has it, `spelled` as written, `at` the places of its words."""

    name: str
    spelled: str
    values: tuple[str, ...]
    at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the parser refuses.

    `kind`: unknown, ambiguous, value-missing, value-unwanted, type, choice, json, key and member (of JSON settings, at
    `path`), range, together (`wanted` is what the release says), required, extra, exclusive, refused, misplaced (the
    model behind `--model` where it has to be a word of its own).
    `name` is the option's as the table has it, or as written where there is none; `at` are places in the arguments.
    """

    kind: str
    name: str
    spelled: str
    value: str | None = None
    wanted: str = ""
    at: tuple[int, ...] = ()
    candidates: tuple[str, ...] = ()
    path: str = ""
