"""What the rules of `check` say of a failure that the log shows, where the facts of the environment are at hand.

A crash and the finding that would have told of it beforehand then have the same words and the same ways out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from doctor.facts import Facts
from doctor.findings import Finding

# Groups of a pattern that say what it is about; a finding has to be about the same.
_SUBJECTS = (
    "module", "name", "library", "opened", "symbol", "version", "package", "type", "arch", "method", "asked",
    "argument", "arguments",
)  # fmt: skip


def ruled(codes: Sequence[str], groups: Mapping[str, str | None], facts: Facts) -> Finding | None:
    """The finding of the first of these rules that is about what the log names; None where they see nothing amiss."""
    from doctor.rules import RULES
    from doctor.rules.engine import evaluate

    subjects = [_subject(v) for k in _SUBJECTS if (v := groups.get(k))]
    rules = {rule.code: rule for rule in RULES}
    for code in codes:
        for result in evaluate(facts, [rules[code]]):
            for finding in result.findings:
                if finding.severity != "note" and _is_about(finding, subjects):
                    return finding
    return None


def _subject(text: str) -> str:
    """What a group names: a file without its folder, the first of several words, without quotes."""
    return text.rpartition("/")[2].partition(" ")[0].strip("'\"")


def _is_about(finding: Finding, subjects: Sequence[str]) -> bool:
    said = f"{finding.key}\n{finding.message}"
    return all(subject in said for subject in subjects)
