"""What became of the questions to a running server."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.findings import SEVERITIES, Finding, RuleResult, Severity


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """`results` has one row for each check, `reason` what came out where it passed, too. `url` is without logins.

    `server` is what answers, as far as it says so (`vllm 0.11.0`), `model` the name that was asked, `served` all that
    are listed. `figures` by name: `first_token_seconds`, `tokens_per_second`, `text_seconds`, `kv_cache_usage` (0 to
    1), `gpu_bytes`; only what was measured.
    """

    url: str
    server: str | None = None
    model: str | None = None
    served: tuple[str, ...] = ()
    results: tuple[RuleResult, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the first failure as the primary one, then by severity and in the order of the checks."""
        found = [f for r in self.results for f in r.findings]
        return tuple(sorted(found, key=lambda f: (not f.primary, SEVERITIES.index(f.severity))))

    def count(self, severity: Severity) -> int:
        """How many findings have exactly this severity."""
        return sum(f.severity == severity for f in self.findings)
