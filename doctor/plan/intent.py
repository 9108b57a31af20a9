"""What a plan must not lose: every word of the launch command that no change is about."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.base.text import one_line
from doctor.facts import Launch
from doctor.findings import Action
from doctor.launch.edit import lost


def lost_intent(
    before: Launch | None, after: Launch | None, changes: Sequence[Action], version: str | None
) -> str | None:
    """Why a plan's command is not the user's any more, in one clause; None where everything else stands in it."""
    if before is None or after is None:
        return None
    gone = lost(before, after, changes, version)
    if not gone:
        return None
    shown = ", ".join(f"`{one_line(word, 60)}`" for word in gone[:4])
    return f"the changed command would lose {shown}, which no error is about"
