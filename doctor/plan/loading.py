"""What the engine imports when it loads the model's architecture, as clauses."""

from __future__ import annotations

from doctor.matrix.models.loading import loaded_for
from doctor.plan.choices import Choice
from doctor.plan.draft import Draft
from doctor.plan.needs import moved
from doctor.plan.solver.problem import Clause


def loaded(draft: Draft, engine: Choice) -> None:
    """What the engine's module for the architecture imports from packages whose names the data knows."""
    if engine.releases is None:
        return
    start = draft.used[engine.name] & ((1 << len(engine.releases.versions)) - 1)
    for one in (one for a in draft.goal.architectures for one in loaded_for(engine.name, a) if one.bits & start):
        other = draft.use(one.library)
        if other.releases is None:
            continue
        then = (moved(one.having, other.releases) | other.beyond) & other.present
        who = f"`{one.file}` of `{engine.name}`, which serves `{draft.goal.architectures[0]}`,"
        draft.require(Clause(
            one.library, then, f"the engine's module for the model imports {one.key}", owner=engine.name,
            when=one.bits & start, subject=one.key, source=one.file,
            text=f"{who} needs `{one.name or one.module}`, {one.library} {one.having.spec()}",
        ))  # fmt: skip
