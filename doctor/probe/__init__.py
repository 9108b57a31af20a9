"""Asks a running server the questions that its users will ask, and says what is wrong with the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doctor.findings.probe import ProbeReport
    from doctor.probe.options import Options


def probe(options: Options) -> ProbeReport:
    """All checks, in order, within `options.timeout` seconds. Nothing that the server sends is an error of ours."""
    from doctor.probe.order import probed

    return probed(options)
