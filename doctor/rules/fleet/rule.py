"""What a rule on several machines is: it looks at a `Fleet`, where `doctor.rules.rule` looks at one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypedDict

from doctor.base.record import dataclass
from doctor.derived.fleet import Fleet
from doctor.derived.host import manual
from doctor.findings import Confidence, Evidence, Finding, Location, Severity
from doctor.rules.rule import Described, Verdict

if TYPE_CHECKING:
    from typing_extensions import Unpack

FleetCheck = Callable[["FleetRule", Fleet], Iterable[Verdict]]


class Parts(TypedDict, total=False):
    """What a finding on machines says: which one it is about, what was seen and expected, and what to do."""

    node: str
    observed: str | None
    expected: str | None
    source: str | None
    severity: Severity | None
    confidence: Confidence
    fix: str | None
    key: str


@dataclass(frozen=True, slots=True)
class FleetRule(Described):
    """One thing that can be wrong between machines. `explanation` and the rest are as those of `Rule`."""

    code: str
    name: str
    severity: Severity
    check: FleetCheck
    since: str = "0.1.0"

    def finding(self, message: str, **parts: Unpack[Parts]) -> Finding:
        """A finding about `node`, else about all machines together."""
        node, fix = parts.get("node", "all nodes"), parts.get("fix")
        ways = (manual(fix),) if fix else ()
        return Finding(
            rule=self.code, name=self.name, severity=parts.get("severity") or self.severity, message=message,
            location=Location("host", node), confidence=parts.get("confidence", "high"), remediations=ways,
            evidence=(Evidence(self.name, parts.get("observed"), parts.get("expected"), parts.get("source")),),
            key=parts.get("key") or node,
        )  # fmt: skip
