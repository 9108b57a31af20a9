"""A plan as a file that brings it about: a script, pins, a Dockerfile, a compose file, manifests."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.report.plan.recipe import Recipe


def written(form: str, plans: Sequence[Recipe], beside: tuple[str, ...] = ()) -> str:
    """The file of this form, of the first plan; compose files and manifests are of all, and have what is `beside`."""
    if form == "compose":
        from doctor.report.plan.compose import compose

        return compose(plans, beside)
    if form == "kubernetes":
        from doctor.report.plan.kubernetes import manifests

        return manifests(plans, beside)
    if form == "dockerfile":
        from doctor.report.plan.image import dockerfile

        return dockerfile(plans[0])
    from doctor.report.plan.shell import requirements, script

    return script(plans[0]) if form == "sh" else requirements(plans[0])
