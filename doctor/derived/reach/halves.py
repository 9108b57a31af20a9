"""Which of an engine's exclusive halves a launch uses, as the engine itself chooses."""

from __future__ import annotations

from doctor.derived.case import Case, memoized
from doctor.derived.engine import Chosen
from doctor.facts import Model
from doctor.launch.options import option
from doctor.matrix.models.turbomind import served_by

_KINDS = ("architectures.turbomind", "architectures.pytorch", "decisions")


@memoized
def half(case: Case, chosen: Chosen) -> str | None:
    """The backend that runs: LMDeploy takes TurboMind where that has the model, else PyTorch. None for one without.

    Where the model is not known it is the default, which the engine tries first.
    """
    names = chosen.data.backends
    if not names:
        return None
    asked = option(case.facts, *chosen.data.names("backend"))
    if asked in names[1:]:
        return asked
    model = case.facts.model
    row = chosen.row(*_KINDS)
    if not isinstance(model, Model) or not model.architectures or not row.get(f"architectures.{names[0]}"):
        return names[0]
    method = model.quantization.method if model.quantization else None
    taken = served_by(row, model.architectures[0], model.config, method)
    return names[0] if taken is not False else names[1]
