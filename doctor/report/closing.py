"""What would close the questions that a report leaves open: another option, a file, a pin, a release in the data."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts import Distributions, Gpu, Launch, Model
from doctor.findings import Report, RuleResult

_NOT_COVERED = late_pattern(r"data does not (?:cover|say what|know) `?([A-Za-z][\w.-]{0,60})`? ([0-9][\w.+!-]{0,30})")
_NOT_READ = late_pattern(r"\b(?:was|were) not read\b|unknown whether the model")
_LEFT_OPEN = ("declaration", "not pinned", "left open", "is not known", "release of")


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A rule that could not decide, why, and what would decide it; `closes` is empty where nobody knows."""

    code: str
    reason: str
    closes: str = ""


def open_questions(report: Report) -> tuple[OpenQuestion, ...]:
    """One for each rule that is open or that crashed, in the rules' order."""
    found = [r for r in report.results if r.status in ("open", "broken")]
    return tuple(OpenQuestion(r.code, r.reason or "", _closes(report, r)) for r in found)


def by_reason(questions: Iterable[OpenQuestion]) -> dict[str, str]:
    """The reasons, each with the codes of the rules that it keeps open."""
    codes: dict[str, dict[str, None]] = {}
    for one in questions:
        codes.setdefault(one.reason, {})[one.code] = None
    return {reason: ", ".join(mine) for reason, mine in codes.items()}


def _closes(report: Report, result: RuleResult) -> str:
    facts, reason = report.facts, result.reason or ""
    covered = _NOT_COVERED.search(reason)
    if covered:
        return f"`qvl-doctor matrix update --only {covered[1]}=={covered[2].rstrip('.')}`"
    read = isinstance(facts.model, Model) and facts.model.config
    about = result.code.startswith(("MDL", "MEM")) or "model" in reason or "config.json" in reason
    if about and "not checked until" not in reason and (not read or _NOT_READ.search(reason)):
        return "the model's files (`--model DIR`, or no `--offline`)"
    if result.code.startswith(("GPU", "MEM")) and not isinstance(facts.gpu, Gpu):
        return "a GPU and its driver (`--gpu`, `--driver`)"
    declared = isinstance(facts.distributions, Distributions) and not facts.distributions.complete
    if declared and any(words in reason for words in _LEFT_OPEN):
        return "the installed environment (`--python DIR`) or exact pins (`--requirements FILE`)"
    if result.code.startswith("CMD") and not isinstance(facts.launch, Launch):
        return "the start command, after `--`"
    return ""
