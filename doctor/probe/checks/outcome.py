"""What a check says of itself."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.findings import Finding


@dataclass(frozen=True, slots=True)
class Outcome:
    """`findings` are what is wrong; `detail` is what came out. `open`: nothing was found out, `detail` says why.

    `idle`: there was nothing to check.
    """

    findings: tuple[Finding, ...] = ()
    detail: str = ""
    open: bool = False
    idle: bool = False
