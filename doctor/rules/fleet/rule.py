"""What a rule on several machines is: it looks at a `Fleet`, where `doctor.rules.rule` looks at one machine."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypedDict

from doctor.base.record import dataclass
from doctor.derived.fleet import Fleet
from doctor.findings import Action, Confidence, Evidence, Finding, Location, NotApplicable, Open, Remediation, Severity

if TYPE_CHECKING:
    from typing_extensions import Unpack

FleetVerdict = Finding | Open | NotApplicable
FleetCheck = Callable[["FleetRule", Fleet], Iterable[FleetVerdict]]


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
class FleetRule:
    """One thing that can be wrong between machines. `explanation` and the rest are as those of `Rule`."""

    code: str
    name: str
    severity: Severity
    check: FleetCheck
    since: str = "0.1.0"

    @property
    def explanation(self) -> str:
        """The module docstring of the rule: what it means, why it matters, what to do."""
        module = inspect.getmodule(self.check)
        return inspect.cleandoc((module.__doc__ if module else None) or "")

    @property
    def family(self) -> str:
        """The three letters of the layer."""
        return self.code[:3]

    def finding(self, message: str, **parts: Unpack[Parts]) -> Finding:
        """A finding about `node`, else about all machines together."""
        node, fix = parts.get("node", "all nodes"), parts.get("fix")
        ways = (Remediation(fix, (Action("manual", text=fix),)),) if fix else ()
        return Finding(
            rule=self.code, name=self.name, severity=parts.get("severity") or self.severity, message=message,
            location=Location("host", node), confidence=parts.get("confidence", "high"), remediations=ways,
            evidence=(Evidence(self.name, parts.get("observed"), parts.get("expected"), parts.get("source")),),
            key=parts.get("key") or node,
        )  # fmt: skip
