"""Ways out that install another release: only such as the named model works with, whatever rule offers them."""

from __future__ import annotations

from dataclasses import replace

from packaging.specifiers import InvalidSpecifier

from doctor.derived.case import Case
from doctor.derived.packages.model_ranges import linking, narrowed
from doctor.facts import normalize
from doctor.findings import Action, Finding, Remediation
from doctor.matrix import rows
from doctor.matrix.releases import ReleaseSet

NOT_THIS = "; none of these releases serves this model"


def narrowed_to_model(case: Case, finding: Finding) -> Finding:
    """The finding with ranges that hold the model's own needs; what serves the model in no release comes last."""
    ways = [_one(case, way) for way in finding.remediations]
    ways.sort(key=lambda way: way.title.endswith(NOT_THIS))
    return replace(finding, remediations=tuple(ways))


def _one(case: Case, way: Remediation) -> Remediation:
    title, actions = way.title, list[Action]()
    for action in way.actions:
        offered = _offered(action)
        fitting = narrowed(case, action.package or "", offered) if offered is not None else None
        if fitting is not None and not fitting.newest:
            title = title if title.endswith(NOT_THIS) else title + NOT_THIS
        elif offered is not None and fitting is not None:
            fitting = fitting if len(way.actions) > 1 else linking(case, action.package or "", fitting)
            if fitting.bits != offered.bits:
                spec, before = fitting.spec(), action.specifier or ""
                title = title.replace(before, spec)
                action = replace(action, specifier=spec)
        actions.append(action)
    return replace(way, title=title, actions=tuple(actions))


def _offered(action: Action) -> ReleaseSet | None:
    """The releases that the action would install; None where it names none or the data does not cover them."""
    if action.kind != "install" or not action.package or not action.specifier:
        return None
    known = rows.releases(normalize(action.package))
    try:
        found = known.matching(action.specifier) if known is not None else None
    except InvalidSpecifier:
        return None
    return found if found is not None and found.newest else None
