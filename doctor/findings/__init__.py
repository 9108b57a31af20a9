"""What we say: a finding with its evidence, where it is, what to do, and the report that holds them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Literal, TypedDict

from doctor.base.record import dataclass
from doctor.facts import Facts
from doctor.findings.memory import Expected
from doctor.findings.settings import Settings

Severity = Literal["error", "warning", "note"]
Confidence = Literal["high", "medium", "low"]
RuleStatus = Literal["pass", "fail", "notApplicable", "open", "broken"]
Applicability = Literal["safe", "unsafe", "manual"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact behind a finding: what was seen, what was needed, and where that is written."""

    fact: str
    observed: str | None = None
    expected: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where it is: `kind` is file, distribution, environment, argument or host; `path` is relative to `name`."""

    kind: str
    name: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One step that a program could take.

    `kind`: install (package, specifier, direction), uninstall (package), set_env (name, value), set_argument
    (name, value; None drops it), use_engine, use_model, use_image (name), manual (text).
    """

    kind: str
    package: str | None = None
    specifier: str | None = None
    direction: str | None = None
    name: str | None = None
    value: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Remediation:
    """A way out: `safe` keeps everything else as it is, `unsafe` may change behaviour, `manual` needs a person.

    `note` is what remains after it, or what it causes: "MEM001 remains".
    """

    title: str
    actions: tuple[Action, ...] = ()
    applicability: Applicability = "manual"
    note: str = ""

    @property
    def text(self) -> str:
        """The title with what it leaves."""
        return f"{self.title}; {self.note}" if self.note else self.title


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why there is no way: requirements of which none can be left out, and the same as sentences ("Because ...")."""

    members: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """An exit that gives up one thing that was asked for; `pins` and `commands` where it was solved itself."""

    title: str
    actions: tuple[Action, ...] = ()
    pins: dict[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """How a plan was proven: the rules ran on the predicted facts, and `resolver` (`uv 0.9.1`) found the same pins.

    `resolver` is None where none was asked; `note` says why.
    """

    rules: bool = False
    resolver: str | None = None
    note: str = ""


ALONG = "the releases above need it"  # why a step is taken that nobody asked for by itself


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a plan: what is done, why, and the findings (`CODE:key`) that it resolves."""

    action: Action
    why: str
    resolves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The way out as one value: `pins` are exact versions (distribution -> version) of everything that is installed
    or changed, `changes` those that differ from what is there (distribution -> old version or None).

    `resolves` and `remains` are rule codes; `conflict` is set where there is no way, `undecided` where the search was
    given up for time: never taken for impossible. `launch` is the engine's corrected command, `command` the same in the
    words around it as the user gave them (`docker run ...`), empty where those do not hold it.
    """

    steps: tuple[Step, ...] = ()
    pins: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str | None] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    launch: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    resolves: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()
    conflict: Conflict | None = None
    undecided: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    verified: Verified = Verified()


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `rule` and `name` come from the rule; `key` tells findings of one rule apart.

    `causes` are keys (`CODE:key`) of findings that this one would vanish with; the rule engine turns them into
    `follows_from` and picks the primary finding. `service` names the service it is about, where several are judged.
    """

    rule: str
    name: str
    severity: Severity
    message: str
    location: Location | None = None
    evidence: tuple[Evidence, ...] = ()
    remediations: tuple[Remediation, ...] = ()
    confidence: Confidence = "high"
    key: str = ""
    causes: tuple[str, ...] = ()
    primary: bool = False
    follows_from: tuple[str, ...] = ()
    service: str | None = None


class FindingParts(TypedDict, total=False):
    """What a finding may have beside its message; `key` tells it from the rule's others."""

    key: str
    severity: Severity | None
    confidence: Confidence
    location: Location | None
    evidence: Iterable[Evidence]
    remediations: Iterable[Remediation]
    causes: Iterable[str]


@dataclass(frozen=True, slots=True)
class Open:
    """A rule's answer where the facts do not decide: never silently fine. `reason` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A rule's answer where there is nothing for it to judge. `reason` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule; `reason` says why it is open, broken or not applicable."""

    code: str
    name: str
    status: RuleStatus
    findings: tuple[Finding, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What became of one service of a deployment: `report` is its own, None where `why` it could not be judged.

    `file` and `kind` say where it stands, `image` what it runs in, if anything; `path` is the file as it was named.
    """

    name: str
    kind: str
    file: str
    image: str | None = None
    report: Report | None = None
    why: str = ""
    path: str = ""


class Answered:
    """What every answer of ours has: `results`, one for each rule or check."""

    __slots__ = ()
    results: tuple[RuleResult, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the primary one first, then by severity and in the order of the rules or checks."""
        found = [f for r in self.results for f in r.findings]
        return tuple(sorted(found, key=lambda f: (not f.primary, SEVERITIES.index(f.severity))))

    def count(self, severity: Severity) -> int:
        """How many findings have exactly this severity."""
        return sum(f.severity == severity for f in self.findings)

    def reaches(self, limit: str) -> bool:
        """Whether a finding is at or above this severity. Raises ValueError for what is none."""
        least = [*SEVERITIES].index(limit)  # type: ignore[arg-type]
        return any(SEVERITIES.index(f.severity) <= least for f in self.findings)


@dataclass(frozen=True, slots=True)
class Report(Answered):
    """The whole answer: what was seen, what became of every rule, and the versions that said so.

    `way_out` fixes all errors together, as far as their own fixes can be merged; None where there is no more than one
    error, or nothing to merge. `services` are those of a deployment; where several start a server, `results` hold what
    was found in all of them, and `facts` are those of the first. `settings` are None where nothing was configured.
    """

    facts: Facts
    results: tuple[RuleResult, ...]
    versions: dict[str, str] = field(default_factory=dict)
    way_out: Remediation | None = None
    services: tuple[ServiceAnswer, ...] = ()
    settings: Settings | None = None


HOW_TO_SEE = "`qvl-doctor check -- COMMAND` says more"


@dataclass(frozen=True, slots=True)
class StartVerdict:
    """What the check before a start says: `errors` stop the start, in one sentence each; `screen` says them in full.

    `trouble` is why no check was made. `facts` and `findings` are kept in the run folder, as is `expected`,
    the memory that is predicted.
    """

    errors: tuple[str, ...] = ()
    screen: str = ""
    trouble: str | None = None
    facts: Facts | None = None
    findings: tuple[Finding, ...] = ()
    expected: Expected | None = None
