"""A finding without secrets: what it quotes of a log, a file or an exception may hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from doctor.base.secrets.hide import redact_text
from doctor.findings import Finding


def redacted(finding: Finding, hide: Callable[[str], str] = redact_text) -> Finding:
    """The same with every text that it shows passed through `hide`."""

    def shown(text: str | None) -> str | None:
        return hide(text) if text else text

    return replace(
        finding,
        message=hide(finding.message),
        location=finding.location and replace(finding.location, path=shown(finding.location.path)),
        evidence=tuple(
            replace(e, observed=shown(e.observed), expected=shown(e.expected), source=shown(e.source))
            for e in finding.evidence
        ),
        remediations=tuple(
            replace(
                r,
                title=hide(r.title),
                actions=tuple(replace(a, value=shown(a.value), text=shown(a.text)) for a in r.actions),
            )
            for r in finding.remediations
        ),
    )
