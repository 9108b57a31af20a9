"""A plan as a Dockerfile: the official image with what it lacks, else a slim Python with every pin."""

from __future__ import annotations

import json

from doctor.report.plan.recipe import Recipe, comment


def dockerfile(plan: Recipe) -> str:
    """The whole file."""
    head = comment(("Written by qvl-doctor fix --plan.", plan.proof, *plan.why))
    return "\n".join([head, *lines(plan)]) + "\n"


def lines(plan: Recipe) -> list[str]:
    """The instructions."""
    if plan.image:
        out = [f"FROM {plan.image}"]
        out += _run({n: v for n, v in plan.layer.items() if n not in plan.source}, "--only-binary :all:")
        out += _run({n: v for n, v in plan.layer.items() if n in plan.source}, "--no-deps", SOURCE)
    else:
        out = [f"FROM python:{plan.python}-slim", "ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1"]
        out += _run(plan.wheels, "--no-deps --only-binary :all:")
        out += _run({n: v for n, v in plan.pins.items() if n in plan.source}, "--no-deps", SOURCE)
    out += [f"ENV {n}={json.dumps(v)}" for n, v in plan.environ.items()]
    if plan.command and plan.engine:
        out += [f"EXPOSE {plan.port}", "ENTRYPOINT []", f"CMD {json.dumps(list(plan.command))}"]
    return out


SOURCE = "# published only as source: building the image runs its setup.py"


def _run(pins: dict[str, str], flags: str, note: str | None = None) -> list[str]:
    if not pins:
        return []
    words = " \\\n      ".join(f"{n}=={v}" for n, v in sorted(pins.items()))
    return [*([note] if note else []), f"RUN pip install --no-cache-dir {flags} \\\n      {words}"]
