"""The known crashes, as `matrices/crashes/*.yaml` hold them; only the entries that a log needs are ever parsed.

A file is a list of entries. The first two lines of an entry are `- code: RUNxxx` and `  literals: [...]` as JSON on
one line, so that the many entries whose words do not occur in a log cost one search each and no YAML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.findings import Action, Confidence, Remediation
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import parsed

LARGEST = 1 << 20
_ENTRY = late_pattern(r"^- code: (?P<code>RUN\d{3})\n  literals: (?P<literals>\[[^\n]{1,2000}\])$", re.M)


@dataclass(frozen=True)
class Crash:
    """One known cause.

    `rank` says how sure a match is to be a cause and not an echo of one: 80 never an echo, 70 a cause, 50 may be an
    echo, 30 a hint, 10 an echo. `refine` names the function that makes it specific. `frames`: one of these must occur
    in the traceback that the line belongs to. `needs`/`unless`: one / none of these must occur in the log. `places`:
    message (what programs say) or code (source lines in tracebacks). `rules`: the rules of `check` that see the same
    failure before it happens; where facts are at hand, the likeliest of them has the word.
    """

    code: str
    name: str
    kind: str
    literals: tuple[str, ...]
    pattern: str
    rank: int
    confidence: Confidence
    meaning: str
    message: str
    remediations: tuple[Remediation, ...] = ()
    refine: str | None = None
    frames: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    places: str = "message"
    warns: bool = False
    engine: tuple[str, ...] = ("any",)
    versions: str | None = None
    rules: tuple[str, ...] = ()
    example: str = ""
    counterexample: str = ""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern)


@dataclass(frozen=True)
class Stub:
    """An entry that has not been parsed: its code, the words it asks for and its text."""

    code: str
    literals: tuple[str, ...]
    text: str

    def load(self) -> Crash:
        """Parses the entry. Raises DataError."""
        return _parsed(self.code, self.text)


@cache
def stubs() -> tuple[Stub, ...]:
    """All entries, unparsed. Raises DataError where the data is missing or not in its form."""
    out: list[Stub] = []
    for path in sorted((data_dir() / "crashes").glob("*.yaml")):
        out.extend(_stubs(path))
    if not out:
        raise DataError("no known crashes: matrices/crashes has no entries")
    return tuple(out)


def _stubs(path: Path) -> Iterable[Stub]:
    text = path.read_text(encoding="utf-8")
    if len(text) > LARGEST:
        raise DataError(f"{path.name}: larger than {LARGEST} bytes")
    heads = list(_ENTRY.finditer(text))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.start() : following.start() if following else len(text)]
        yield Stub(head["code"], tuple(json.loads(head["literals"])), body)


def find(code: str) -> Crash | None:
    """The entry of this code, or None."""
    return next((s.load() for s in stubs() if s.code == code.upper()), None)


@cache
def _parsed(code: str, text: str) -> Crash:
    try:
        (row,) = parsed(text, code)
    except (TypeError, ValueError) as error:
        raise DataError(f"{code}: {error}") from error
    return crash(row)


def crash(row: JsonObject) -> Crash:
    """An entry from its YAML mapping. Raises DataError for a missing key."""
    try:
        return Crash(
            code=row["code"], name=row["name"], kind=row["class"], literals=tuple(row["literals"]),
            pattern=row["pattern"], rank=row["rank"], confidence=row.get("confidence", "high"),
            meaning=row["meaning"], message=row["message"],
            remediations=tuple(_remediation(r) for r in row.get("remediations", ())), refine=row.get("refine"),
            frames=tuple(row.get("frames", ())), needs=tuple(row.get("needs", ())), unless=tuple(row.get("unless", ())),
            places=row.get("places", "message"), warns=row.get("warns", False),
            engine=tuple(row.get("engine", ("any",))), versions=row.get("versions"),
            rules=tuple(row.get("rules", ())), example=row["example"], counterexample=row["counterexample"],
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise DataError(f"{row.get('code', 'an entry')}: {error} is missing or wrong") from error


def _remediation(row: JsonObject) -> Remediation:
    actions = tuple(Action(**a) for a in row.get("actions", ()))
    return Remediation(row["title"], actions, row.get("applicability", "manual"))
