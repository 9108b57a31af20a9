"""Which rank failed first: the others' last words are that somebody else is gone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from doctor.base.late import late_pattern
from doctor.findings.fleet import EndRow

# what torch, Gloo, NCCL, ZeroMQ and Ray say when a peer is gone; an error of the rank itself says something else
ECHOES = late_pattern(
    r"closed by peer|reset by peer|broken pipe|remote process (?:exited|has)|ncclRemoteError|connectFullMesh"
    r"|socket has (?:timed out|failed)|timed? ?out (?:waiting|after|connecting)|wait timeout|clients joined"
    r"|got 0 bytes|connection (?:was )?(?:refused|closed|lost)|DistNetworkError|DistStoreError|DistBackendError"
    r"|EngineDeadError|ActorDiedError|RayActorError|node (?:has )?died|heartbeat|watchdog (?:caught|got stuck)",
    re.IGNORECASE,
)
ERRORS = late_pattern(
    r"\b\w{0,60}(?:Error|Exception|Interrupt|Timeout)\b|\berror\b|\bkilled\b|\bfatal\b", re.IGNORECASE
)


def is_echo(tail: Sequence[str], found: str | None) -> bool:
    """Whether the last error of a log is that another rank is gone."""
    errors = [line for line in tail if ERRORS.search(line) or ECHOES.search(line)]
    last = errors[-1] if errors else (found or "")
    return bool(ECHOES.search(last))


def first_failure(ends: Sequence[EndRow]) -> tuple[EndRow | None, str]:
    """The rank whose failure the others repeat, and why it is taken for that; None where none failed."""
    failed = sorted((e for e in ends if e.status != 0 and not e.stopped), key=lambda e: e.order)
    if not failed:
        return None, ""
    own = [e for e in failed if not e.echo]
    if not own:
        return failed[0], "it ended first; its own words are that another rank is gone"
    if own[0] is failed[0]:
        return own[0], "it ended first"
    return own[0], f"the ranks that ended before it ({failed[0].name}) only report that another one is gone"
