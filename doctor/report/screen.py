"""A report on one screen: the verdict, its first cause, what to do; then the rest in groups of a line each."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.base.text import one_line, plural
from doctor.findings import Finding, Report, Severity
from doctor.report.closing import open_questions
from doctor.report.content import Answer, answer
from doctor.report.language import say
from doctor.report.language.headline import cause, way
from doctor.report.todo import Todo, todo

SURE = {"high": "certain", "medium": "likely", "low": "possible"}
CODES = 6  # of a group that are named


@dataclass(frozen=True, slots=True)
class Also:
    """Further findings of one rule: the first one's sentence, how many more there are, and its way out."""

    severity: Severity
    code: str
    message: str
    more: int = 0
    fix: str = ""

    @property
    def text(self) -> str:
        """The sentence, with how many others say the like."""
        return f"{self.message} ({plural(self.more, 'more finding')} like this)" if self.more else self.message


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are open alike: their codes, what would close them, else the reason."""

    codes: tuple[str, ...]
    closes: str = ""
    reason: str = ""

    @property
    def said(self) -> str:
        """`6 rules need the model's files (`--model DIR`): MDL001, MDL003, ...`."""
        count, named = len(self.codes), ", ".join(self.codes[:CODES]) + (", ..." if len(self.codes) > CODES else "")
        if self.closes:
            return f"{plural(count, 'rule')} {'needs' if count == 1 else 'need'} {self.closes}: {named}"
        return f"{named}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Screen:
    """The parts in the order in which they are shown. `cause` is the gravest finding, None where nothing was found."""

    kind: Answer
    said: str
    cause: Finding | None
    todo: Todo
    also: tuple[Also, ...]
    open: tuple[Group, ...]
    notes: int = 0


def screen(report: Report) -> Screen:
    """The screen of a report."""
    kind, said = answer(report)
    shown = [f for f in report.findings if f.severity != "note"]
    first = shown[0] if shown else None
    done = todo(report)
    notes = report.count("note")
    return Screen(kind, said, first, done, _also(report, shown[1:]), grouped(report), notes)


def certainty(finding: Finding) -> str:
    """How sure a finding is, in a word."""
    return say(SURE[finding.confidence])


def finding_line(finding: Finding) -> str:
    """A finding on one line: `error MEM001 weights-do-not-fit (likely): ...`."""
    return f"{finding.severity} {finding.rule} {finding.name} ({certainty(finding)}): {cause(finding)}"


def _also(report: Report, found: list[Finding]) -> tuple[Also, ...]:
    by_rule: dict[tuple[str, str, str], list[Finding]] = {}
    for one in found:
        by_rule.setdefault((one.severity, one.rule, one.service or ""), []).append(one)
    return tuple(
        Also(ones[0].severity, code, one_line(ones[0].message), len(ones) - 1, _fix(report, ones[0]))
        for (_, code, _), ones in by_rule.items()
    )


def _fix(report: Report, finding: Finding) -> str:
    """An error's first way out, where no merged one covers it."""
    ways = finding.remediations
    return way(ways[0]) if ways and finding.severity == "error" and report.way_out is None else ""


def grouped(report: Report) -> tuple[Group, ...]:
    """What is open in a report, the largest group first."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for one in open_questions(report):
        groups.setdefault((one.closes, "" if one.closes else one.reason), {})[one.code] = None
    said = [Group(tuple(codes), *key) for key, codes in groups.items()]
    return tuple(sorted(said, key=lambda group: -len(group.codes)))
