"""What became of the questions to a running server."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.findings import Answered, RuleResult


@dataclass(frozen=True, slots=True)
class ProbeReport(Answered):
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
