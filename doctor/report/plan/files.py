"""A plan as a file that brings it about: a script, pins, a Dockerfile, a compose file."""

from __future__ import annotations

from doctor.report.plan.recipe import Recipe


def written(form: str, plan: Recipe, beside: tuple[str, ...] = ()) -> str:
    """The file of this form. `beside` counts for compose alone."""
    if form == "compose":
        from doctor.report.plan.compose import compose

        return compose(plan, beside)
    if form == "dockerfile":
        from doctor.report.plan.image import dockerfile

        return dockerfile(plan)
    from doctor.report.plan.shell import requirements, script

    return script(plan) if form == "sh" else requirements(plan)
