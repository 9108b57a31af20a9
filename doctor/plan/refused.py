"""What releases refuse at startup by their code, as clauses: inner language models, and files of processors."""

from __future__ import annotations

from doctor.matrix.models.inner import refused_inner
from doctor.matrix.models.processors import rejecting
from doctor.plan.choices import Choice
from doctor.plan.draft import Draft
from doctor.plan.models import HALVES, range_of
from doctor.plan.needs import moved
from doctor.plan.solver.problem import Clause


def refused_clauses(draft: Draft) -> None:
    """All of them."""
    for name in draft.goal.engines:
        _inner(draft, draft.use(name))
    _processor(draft)


def _inner(draft: Draft, engine: Choice) -> None:
    """An architecture around several language models, of which a release's default backend reads some."""
    goal = draft.goal
    config = goal.model.config if goal.model else {}
    if engine.releases is None or not config or goal.backend in HALVES[1:]:
        return
    refused = 0
    for place, version in enumerate(engine.releases.versions):
        row = refused_inner(engine.name, version, goal.architectures, config)
        refused |= (row is not None) << place
    if refused:
        then = engine.present & ~refused
        draft.require(Clause(
            engine.name, then, "the inner language model", subject="the inner language model",
            source="the readers of the engine's releases",
            text=f"`{engine.name}` reads the language model in `{goal.architectures[0]}` in {range_of(engine, then)}",
        ))  # fmt: skip


def _processor(draft: Draft) -> None:
    """Releases of transformers that reject `size` in the image processor's file."""
    model = draft.goal.model
    rejected = rejecting(model.preprocessor) if model is not None else None
    if rejected is None:
        return
    transformers = draft.use("transformers")
    if transformers.releases is not None:
        then = transformers.present & ~moved(rejected, transformers.releases)
        draft.require(Clause(
            "transformers", then, "size in preprocessor_config.json", subject="preprocessor_config.json",
            source="the image processors of transformers",
            text=f"`size` in `preprocessor_config.json` is accepted by {range_of(transformers, then)}",
        ))  # fmt: skip
